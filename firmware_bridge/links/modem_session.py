"""A conversation with a radio modem that takes text commands: set it up, listen, keep it listening. Pure, no I/O.

Time comes in with every call, in seconds of any clock that only counts up. One command is under way at a time; what is
to be sent is fetched with `take_output`. Whatever the modem says, packets that it received come out in their order,
also while it is being set up.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

from firmware_bridge.commands.voice import Said
from firmware_bridge.framing.text_lines import LineSplitter
from firmware_bridge.links.modem_dialect import Dialect, Event, Half, Heard, Measure, Packet, Payload, Step
from firmware_bridge.links.modem_pair import Pair
from firmware_bridge.readings import DownlinkError, Rejected

TRIES: Final = 3
BUSY_TRIES: Final = 20
BUSY_WAIT_S: Final = 0.5
QUIET_S: Final = 0.3
BOOT_S: Final = 0.3
HELD_S: Final = 1.0
FIRST_BACK_OFF_S: Final = 5.0
LONGEST_BACK_OFF_S: Final = 60.0


class Phase(Enum):
    """What the session is doing."""

    AWAY = "is not connected"
    WAITING = "starts"
    SETTING_UP = "is being set up"
    LISTENING = "listens"
    ASKING = "is asked how well it heard"
    ARMING = "is told to listen again"
    CHECKING = "is asked whether it still listens"
    SENDING = "sends"
    TROUBLE = "in trouble"


_BUSY_WITH: Final = (Phase.SETTING_UP, Phase.ASKING, Phase.ARMING, Phase.CHECKING, Phase.SENDING)
_SET_UP: Final = (Phase.LISTENING, Phase.ASKING, Phase.ARMING, Phase.CHECKING, Phase.SENDING)


class ModemSession:
    """See the module. Begins when `start` is called; before that it only listens.

    Reasons: other_text (lines that nobody asked for), bad_line, modem_reset, modem_silent, modem_refused,
    overlong_bytes, downlink_not_sent, those of `Pair` and those of the dialect.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._lines = LineSplitter(shortest=dialect.shortest)
        self._phase = Phase.AWAY
        self._trouble = ""
        self._output: list[bytes] = []
        self._events: list[Event] = []
        self._plan: tuple[Step, ...] = ()
        self._at = 0
        self._alternative = 0
        self._tries = 0
        self._busy_tries = 0
        self._answered = False  # the closing line is still to come
        self._skip = 0
        self._sent = False
        self._due = 0.0  # when something must be done if nothing comes
        self._back_off_s = FIRST_BACK_OFF_S
        self._last_line = 0.0
        self._last_bytes = 0.0
        self._pair = Pair()
        self._asked: Packet | None = None
        self._mute_questions: set[str] = set()

    @property
    def phase(self) -> Phase:
        """What it is doing."""
        return self._phase

    @property
    def words(self) -> str:
        """The state for a person."""
        title = self._dialect.title
        if self.in_trouble:
            return f"the {title} {self._trouble}"
        plan, at = self._plan, self._at  # read from any thread
        if self._phase is Phase.SETTING_UP and 0 <= at < len(plan):
            return f"the {title} is being set up: {plan[at].commands[0]} ({at + 1} of {len(plan)})"
        return f"the {title} {self._phase.value}"

    @property
    def in_trouble(self) -> bool:
        """Whether it could not be set up, until it can."""
        return bool(self._trouble)

    @property
    def is_waiting(self) -> bool:
        """Whether an answer is awaited, so that time matters."""
        return self._phase in _BUSY_WITH

    @property
    def listens(self) -> bool:
        """See `Conversation.listens`."""
        return self._phase in _SET_UP

    @property
    def may_send(self) -> bool:
        """See `Conversation.may_send`: not while a packet is coming."""
        return self._phase is Phase.LISTENING and not self._pair.is_open and self._dialect.transmit is not None

    def check(self, said: Said) -> None:
        """See `Conversation.check`. Reasons: no_transmit, those of the dialect."""
        if self._dialect.transmit is None:
            raise DownlinkError("no_transmit", f"the {self._dialect.title} cannot send")
        self._dialect.transmit(said)

    def send(self, said: Said, now: float) -> None:
        """See `Conversation.send`."""
        if self._dialect.transmit is not None:
            self._begin(Phase.SENDING, self._dialect.transmit(said), now)

    def start(self, now: float) -> None:
        """Set the modem up from the beginning: the port was opened, or the modem has lost its settings."""
        self._output.clear()
        self._release()
        self._mute_questions.clear()
        self._last_line = now
        self._begin(Phase.SETTING_UP, self._dialect.script, now)

    def lost(self) -> list[Event]:
        """The port is gone; what was still held."""
        self._output.clear()
        self._give_up_sending("the line went away")
        self._phase = Phase.AWAY
        for line in self._lines.give_up():
            self._take_line(line, self._last_bytes)
        if forgotten := self._lines.cut_off():  # else the first line of the next connection would be glued to it
            self._events.append(Rejected("bad_line", 1, f"{forgotten} bytes of a line when the port was lost"))
        self._pair.forget()
        self._release()
        events, self._events = self._events, []
        return events

    def feed(self, chunk: bytes, now: float) -> list[Event]:
        """What the bytes gave, in order."""
        self._last_bytes = now
        for line in self._lines.feed(chunk):
            self._take_line(line, now)
        return self.tick(now)

    def tick(self, now: float) -> list[Event]:
        """Do what is due. To be called often enough: several times a second while `is_waiting`."""
        self._events += self._pair.tick(now)
        if self._lines.is_holding and now - self._last_bytes >= HELD_S:
            for line in self._lines.give_up():
                self._take_line(line, now)
        if self._phase in _BUSY_WITH:
            if now >= self._due:
                self._overdue(now)
        elif self._phase in (Phase.WAITING, Phase.TROUBLE):
            if now >= self._due:
                self.start(now)
        elif self._phase is Phase.LISTENING and now - self._last_line >= self._dialect.silence_s:
            if self._dialect.keep_alive is None:
                self._begin_again("modem_silent", f"nothing for {self._dialect.silence_s:.0f} s", now)
            else:
                self._begin(Phase.CHECKING, (self._dialect.keep_alive,), now)
        events, self._events = self._events, []
        return events

    def take_output(self) -> bytes:
        """What is to be sent to the modem now."""
        output = b"".join(self._output)
        self._output.clear()
        return output

    # lines

    def _take_line(self, line: bytes | Rejected, now: float) -> None:
        if isinstance(line, Rejected):
            self._events.append(line)
        else:
            self._last_line = now
            self._take(line, now)

    def _take(self, line: bytes, now: float) -> None:
        if heard := self._dialect.hear(line):
            for one in heard:
                self._hear(one, now)
        elif self._phase in _BUSY_WITH and self._take_answer(line, now):
            pass
        elif self._dialect.banner.match(line):
            expected = self._phase is Phase.SETTING_UP and self._step.restarts
            if self._phase not in (Phase.AWAY, Phase.WAITING) and not expected:
                self._begin_again("modem_reset", line[:60].decode("ascii", "replace"), now)
        elif self._dialect.stopped is not None and self._dialect.stopped.match(line):
            if self._phase is Phase.LISTENING:
                self._rearm(now)
        elif self._dialect.chatter is None or not self._dialect.chatter.match(line):
            self._events.append(Rejected("other_text", 1, repr(line[:60])))

    def _hear(self, heard: Heard, now: float) -> None:
        match heard:
            case Half():
                self._events += self._pair.begin(heard, now)
                return
            case Payload(content):
                packet, lost = self._pair.complete(content)
                self._events += lost
                if packet is None:
                    return
            case Packet():
                packet = heard
            case Rejected():
                self._events.append(heard)
                self._pair.forget()  # as likely its payload as not, and lost only once
                if self._phase is Phase.LISTENING:
                    self._after_packet(now)  # damaged on the line, but received: a one-shot receiver has stopped
                return
        self._release()
        if self._phase in (Phase.LISTENING, Phase.ASKING) and self._questions():
            self._asked = packet
            self._begin(Phase.ASKING, self._questions(), now)
            return
        self._events.append(packet)
        if self._phase in (Phase.LISTENING, Phase.ARMING):
            self._after_packet(now)

    def _questions(self) -> tuple[Step, ...]:
        asked = (q for q in self._dialect.questions if q.command not in self._mute_questions)
        return tuple(Step((q.command,), q.answer, optional=True, timeout_s=q.timeout_s) for q in asked)

    def _release(self) -> None:
        """Hand over the packet whose strength was being asked, with what is known."""
        if self._asked is not None:
            self._events.append(self._asked)
            self._asked = None

    def _after_packet(self, now: float) -> None:
        if self._dialect.one_shot:
            self._rearm(now)
        else:
            self._phase = Phase.LISTENING

    def _rearm(self, now: float) -> None:
        if self._dialect.arm is not None:
            self._begin(Phase.ARMING, (self._dialect.arm,), now)

    # commands

    @property
    def _step(self) -> Step:
        return self._plan[self._at]

    @property
    def _command(self) -> str:
        return self._step.commands[self._alternative]

    def _begin(self, phase: Phase, plan: tuple[Step, ...], now: float) -> None:
        self._phase = phase
        self._plan = plan
        self._at = -1
        self._next(now)

    def _begin_again(self, reason: str, detail: str, now: float) -> None:
        """The modem has lost its settings: let it boot, then set it up."""
        self._give_up_sending(detail)
        self._events.append(Rejected(reason, 1, detail))
        self._release()
        self._pair.forget()
        self._phase = Phase.WAITING
        self._due = now + BOOT_S

    def _next(self, now: float, skip: int = 0) -> None:
        # An answer after a retry may be to the first try, and the other still on its way: let it pass.
        pause_s = QUIET_S if self._tries > 1 and self._at >= 0 else 0.0
        self._at += 1 + skip
        self._alternative = self._tries = self._busy_tries = 0
        self._answered = False
        if self._at >= len(self._plan):
            self._done(now)
        elif pause_s:
            self._sent = False
            self._due = now + pause_s
        else:
            self._send(now)

    def _send(self, now: float) -> None:
        self._output.append(self._command.encode("ascii") + self._dialect.ending)
        self._sent = True
        self._answered = False
        self._tries += 1
        self._due = now + self._step.timeout_s

    def _done(self, now: float) -> None:
        was, self._phase = self._phase, Phase.LISTENING
        if was is Phase.ASKING:
            self._release()
            self._after_packet(now)
        elif was is Phase.SETTING_UP:
            self._trouble = ""
            self._back_off_s = FIRST_BACK_OFF_S

    def _give_up_sending(self, detail: str) -> None:
        """Count what was being sent, unless it is out and only the listening was still to begin."""
        if self._phase is Phase.SENDING and not self._is_sent:
            self._events.append(Rejected("downlink_not_sent", 1, detail))

    @property
    def _is_sent(self) -> bool:
        once = next((place for place, step in enumerate(self._plan) if step.once), -1)
        return self._at > once

    def _take_answer(self, line: bytes, now: float) -> bool:
        """Whether the line was for the command under way."""
        if not self._sent:
            return False
        step = self._step
        if self._answered and step.closing is not None:
            if not step.closing.match(line):
                return False
            self._next(now, skip=self._skip)
            return True
        if found := step.answer.fullmatch(line):
            if self._phase is Phase.ASKING:
                self._note(found)
            self._skip = int(step.skips_next is not None and step.skips_next.match(line) is not None)
            if step.closing is not None:
                self._answered = True
            else:
                self._next(now, skip=self._skip)
            return True
        if self._dialect.busy is not None and self._dialect.busy.match(line):
            self._sent = False
            self._tries = 0
            self._busy_tries += 1
            self._due = now + BUSY_WAIT_S
            return True
        if self._dialect.refusal.match(line):
            self._refused(line, now)
            return True
        return False

    def _note(self, found: re.Match[bytes]) -> None:
        question = next(q for q in self._dialect.questions if q.command == self._command)
        value = float(found[1])
        if self._asked is None or value == question.absent:
            return
        if question.about is Measure.RSSI:
            self._asked = self._asked._replace(rssi_dbm=value)
        else:
            self._asked = self._asked._replace(snr_decibels=value)

    def _refused(self, line: bytes, now: float) -> None:
        answer = line[:40].decode("ascii", "replace")
        if self._phase is Phase.ASKING:
            self._mute_questions.add(self._command)  # older firmware: do not ask again
            self._next(now)
        elif self._alternative + 1 < len(self._step.commands):
            self._alternative += 1
            self._tries = 0
            self._send(now)
        elif self._tries == 1 and not self._step.once:
            self._send(now)  # it may have had noise before it, or half a command of another life
        else:
            if self._phase is Phase.SETTING_UP:
                self._events.append(Rejected("modem_refused", 1, f"{self._command}: {answer}"))
            if self._step.optional:
                self._next(now)
            else:
                self._fail(f"refused {self._command!r} with {answer!r}; is the setting one that it knows?", now)

    def _overdue(self, now: float) -> None:
        tries = 1 if self._phase is Phase.ASKING or self._step.once else TRIES
        if (self._tries < tries) if self._sent else (self._busy_tries < BUSY_TRIES):
            self._send(now)
        elif self._step.optional:
            self._next(now)
        elif self._sent:
            self._fail(f"does not answer {self._command!r}; are port and speed right?", now)
        else:
            self._fail(f"is always busy at {self._command!r}", now)

    def _fail(self, trouble: str, now: float) -> None:
        if self._phase is Phase.SENDING and not self._is_sent:
            self._give_up_sending(trouble)
            self._phase = Phase.LISTENING
            self._rearm(now)
            return
        if self._phase is not Phase.SETTING_UP:
            self._begin_again("modem_silent", trouble, now)
            return
        self._phase = Phase.TROUBLE
        self._trouble = trouble
        self._due = now + self._back_off_s
        self._back_off_s = min(self._back_off_s * 2, LONGEST_BACK_OFF_S)
