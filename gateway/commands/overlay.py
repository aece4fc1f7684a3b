"""Settings changed from afar: kept beside the post's own file, never in it, and tried before they are kept.

What was proposed is on trial over the next starts of the gateway. Under it headquarters must be heard (`confirm`)
within the trial's time; if it is not, or the gateway starts three times without getting there, the earlier settings
are back. What is proposed meanwhile joins the trial, which begins anew: all of it is kept, or none.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from pydantic import BaseModel, ValidationError

from gateway.commands.errors import OrderError
from gateway.commands.files import NotSyncedError, write
from gateway.contract.commands import Setting
from gateway.settings import GatewaySettings

log = logging.getLogger(__name__)

MOST_STARTS: Final = 3
MOST_TOGETHER: Final = 8
"""Commands whose changes are tried together."""
_FORBIDDEN: Final = (
    "station.",
    "outbox.path",
    "media.path",
    "commands.",
    "history.path",
    *(f"page.{name}" for name in ("enabled", "host", "port", "pin_file", "acting", "reading")),
)
"""Who the post is, where it keeps what, whom it obeys, and how its own people are warned and who of them may act: a
trial sees whether headquarters is still reached, not whether the rangers are."""


class Trial(msgspec.Struct, frozen=True):
    """Changes being tried. ids: of their commands. changes: all of them, those that were kept before included."""

    ids: tuple[str, ...]
    changes: dict[str, Any]
    starts: int = 0


class _Kept(msgspec.Struct, frozen=True):
    changes: dict[str, Any] = {}
    trial: Trial | None = None
    failed: tuple[str, ...] = ()  # commands whose trial was taken back, until that is answered
    confirmed: tuple[str, ...] = ()  # those whose trial was kept, until that is answered


class Overlay:
    """path: the file. For one thread at a time; every change is on disk when a method returns. All but `open` and
    `settings` raise OSError: a disk that takes nothing does not keep a post from starting."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept = _Kept()
        self.is_tried = False
        """Whether this start is under the trial's settings."""

    @property
    def trial(self) -> Trial | None:
        """What is on trial now."""
        return self._kept.trial

    @property
    def changes(self) -> Mapping[str, Any]:
        """What was changed and kept."""
        return self._kept.changes

    def open(self) -> str:
        """Read the file; "" or why nothing of it can be used (it is set aside then, if the disk lets it)."""
        self._kept, self.is_tried = _Kept(), False
        try:
            self._kept = msgspec.json.decode(self._path.read_bytes(), type=_Kept)
        except FileNotFoundError:
            pass
        except OSError as error:
            return f"{self._path} cannot be read ({error.strerror}); the post's own settings serve"
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            aside = self._path.with_name(self._path.name + ".damaged")
            with contextlib.suppress(OSError):
                self._path.replace(aside)
            return f"{self._path} cannot be read ({error}); it is set aside as {aside}"
        return ""

    def settings(self, own: GatewaySettings) -> GatewaySettings:
        """The settings to start with: the post's own, with what was changed from afar. A start under trial is counted;
        one too many, or a trial that no longer fits the post's own file, ends it. While the disk does not take the
        count, the trial waits for a later start. Changes that were kept and do not fit any more are left out whole."""
        if (trial := self._kept.trial) is not None:
            with contextlib.suppress(OSError):
                if (tried := self._tried(trial, own)) is not None:
                    return tried
        try:
            return changed(own, self._kept.changes)
        except OrderError:
            return own

    def _tried(self, trial: Trial, own: GatewaySettings) -> GatewaySettings | None:
        """One more start under a trial, counted; None when it has ended instead. Raises OSError."""
        if trial.starts < MOST_STARTS:
            counted = msgspec.structs.replace(trial, starts=trial.starts + 1)
            self._write(msgspec.structs.replace(self._kept, trial=counted), may_come_back=True)
            try:
                settings = changed(own, trial.changes)
            except OrderError:
                pass
            else:
                self.is_tried = True
                return settings
        self._write(msgspec.structs.replace(self._kept, trial=None, failed=self._kept.failed + trial.ids))
        return None

    def propose(
        self,
        command_id: str,
        own: GatewaySettings,
        changes: Mapping[str, Setting],
        judge: Callable[[GatewaySettings], None] = lambda settings: None,
    ) -> bool:
        """Put changes on trial from the next start on, with those that are on trial already. judge: raises OrderError
        for settings that may not be. Raises OrderError with the reasons when they cannot be used, or when too many are
        tried together. False: a power cut may bring back what was on trial before."""
        trial = self._kept.trial or Trial((), dict(self._kept.changes))
        if len(trial.ids) >= MOST_TOGETHER:
            raise OrderError(
                f"{MOST_TOGETHER} commands are being tried together; give this one again when {trial.ids[0]} is done"
                " or rolled back"
            )
        merged = {**trial.changes, **changes}
        wanted = {name: value for name, value in merged.items() if value is not None}
        judge(changed(own, wanted))
        proposed = Trial((*trial.ids, command_id), wanted)
        is_for_good = self._write(msgspec.structs.replace(self._kept, trial=proposed), may_come_back=True)
        self.is_tried = False  # what was tried at this start is another
        return is_for_good

    def confirm(self) -> None:
        """Headquarters was reached under the trial: its changes are kept."""
        if (trial := self._kept.trial) is not None:
            self._write(_Kept(trial.changes, None, self._kept.failed, self._kept.confirmed + trial.ids))

    def roll_back(self) -> tuple[str, ...]:
        """End the trial; from the next start on the earlier settings count. The ids of the trial's commands."""
        trial = self._kept.trial
        if trial is None:
            return ()
        self._write(msgspec.structs.replace(self._kept, trial=None, failed=self._kept.failed + trial.ids))
        return trial.ids

    def failed(self) -> tuple[str, ...]:
        """The commands whose trial was taken back, and who are to be answered."""
        return self._kept.failed

    def confirmed(self) -> tuple[str, ...]:
        """The commands whose trial was kept, and who are to be answered."""
        return self._kept.confirmed

    def end_answered(self) -> None:
        """The answer to what `failed` and `confirmed` say is on disk."""
        self._write(msgspec.structs.replace(self._kept, failed=(), confirmed=()), may_come_back=True)

    def _write(self, kept: _Kept, *, may_come_back: bool = False) -> bool:
        """Whether it is there over a power cut. may_come_back: what is answered stays true though one brings the
        earlier back. Else a disk that is not sure raises: nothing is answered, and the same is written once more."""
        try:
            write(self._path, msgspec.json.encode(kept))
        except NotSyncedError as error:
            if not may_come_back:
                raise
            log.warning("%s is written, but perhaps not over a power cut: %s", self._path, error.strerror)
            self._kept = kept
            return False
        self._kept = kept
        return True


def changed(own: GatewaySettings, changes: Mapping[str, Any]) -> GatewaySettings:
    """The settings with some values changed: `section.field`, `section.field.field` or `sources.<name>.field`. Raises
    OrderError naming each value that is wrong."""
    tables: dict[str, Any] = {name: getattr(own, name) for name in type(own).model_fields}
    for name, value in changes.items():
        if name.startswith(_FORBIDDEN):
            raise OrderError(f"{name} is not changed from afar")
        if isinstance(value, str) and not value.isprintable():
            raise OrderError(f"{name}: has characters that do not print")
        section, _, rest = name.partition(".")
        if section not in tables or not rest:
            raise OrderError(f"{name}: no such setting")
        if section == "sources":
            source, _, field = rest.partition(".")
            tables[section] = _with_source(tables[section], source, field, value, name)
        else:
            tables[section] = _with(tables[section], rest.split("."), value, name)
    try:
        return type(own)(**tables)
    except ValidationError as error:
        raise OrderError(_reasons(error)) from None


def _with(table: Any, path: list[str], value: Any, name: str) -> Any:
    fields = dict(table) if isinstance(table, BaseModel) else table
    if not isinstance(fields, dict) or path[0] not in fields:
        raise OrderError(f"{name}: no such setting")
    inner = value if len(path) == 1 else _with(fields[path[0]], path[1:], value, name)
    return {**fields, path[0]: inner}


def _with_source(sources: list[Any], source: str, field: str, value: Any, name: str) -> list[Any]:
    found = [one for one in sources if _name_of(one) == source]
    if not found or not field:
        raise OrderError(f"{name}: this post has no source {source}")
    return [_with(one, field.split("."), value, name) if one is found[0] else one for one in sources]


def _name_of(source: Any) -> Any:
    return source.get("name") if isinstance(source, dict) else source.name


def _reasons(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors(include_input=False)
    )
