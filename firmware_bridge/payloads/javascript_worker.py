"""The helper process that runs vendors' JavaScript. Started by `javascript_engine`; imports nothing of ours.

A process of its own because the engine's time limit does not hold everywhere: it is asked between instructions, and a
regular expression or a native loop over a long array is one instruction (measured: 12 s and 298 s under a limit of
0.2 s). Here a timer of processor time ends the whole process, whatever it does.

    request    kind 1 | codec 4 | port 2 | seconds 4 (float) | length 4 | content      kind L: source; D: payload
    answer     status 1 | length 4 | text
"""

from __future__ import annotations

import importlib
import os
import resource
import signal
import struct
import sys
from collections.abc import Callable
from typing import Any, Final

REQUEST: Final = struct.Struct(">cIhfI")
ANSWER: Final = struct.Struct(">cI")

LOAD: Final = b"L"
DECODE: Final = b"D"

OK: Final = b"R"
BAD_CODEC: Final = b"B"
UNKNOWN_CODEC: Final = b"?"
THREW: Final = b"E"
TIMED_OUT: Final = b"T"
OUT_OF_MEMORY: Final = b"M"
STACK_OVERFLOW: Final = b"S"
BAD_RESULT: Final = b"J"
HUGE_RESULT: Final = b"H"

MAX_RESULT_CHARACTERS: Final = 32_768
MAX_CONTEXTS: Final = 32
MEMORY_BYTES: Final = 16 * 1024 * 1024
STACK_BYTES: Final = 256 * 1024
ADDRESS_SPACE_BYTES: Final = 512 * 1024 * 1024

# Evaluated before the vendor's code, so that what it does to the built-in objects does not reach this.
PRELUDE: Final = """
var console = { log() {}, info() {}, warn() {}, error() {}, debug() {}, trace() {} };
var module = { exports: {} }, exports = module.exports;
(function () {
  "use strict";
  const parse = JSON.parse, stringify = JSON.stringify, Time = Date, text = String, limit = %d;
  const Exhausted = InternalError;
  return function (found) {
    const style = found[0], decode = found[1];
    return function (payload, port) {
      let stage = "E";
      try {
        const bytes = parse(payload), fPort = port < 0 ? null : port;
        let told;
        if (style === "decodeUplink") {
          told = decode({ bytes: bytes, fPort: fPort, recvTime: new Time(), variables: {} });
        } else {
          told = { data: style === "Decode" ? decode(fPort, bytes, {}) : decode(bytes, fPort) };
        }
        stage = "J";
        const result = stringify(told);
        if (typeof result !== "string") return "Jthe codec gave no object";
        return result.length > limit ? "H" + result.length + " characters" : "R" + result;
      } catch (error) {
        try {
          return stage + text(error);
        } catch (worse) {
          return worse instanceof Exhausted ? "M" : stage + "an error that cannot be shown";
        }
      }
    };
  };
})()
"""
# Codecs declare their function as a global, as a constant, or as an export.
FIND: Final = """
typeof decodeUplink === "function" ? ["decodeUplink", decodeUplink]
  : typeof module.exports.decodeUplink === "function" ? ["decodeUplink", module.exports.decodeUplink]
  : typeof Decode === "function" ? ["Decode", Decode]
  : typeof Decoder === "function" ? ["Decoder", Decoder]
  : null
"""

Answer = tuple[bytes, str]


class Codecs:
    """The contexts, one a codec, the least lately used given up first."""

    def __init__(self, quickjs: Any) -> None:
        self._quickjs = quickjs
        self._held: dict[int, tuple[Any, Callable[[str, int], Any]]] = {}

    def load(self, codec: int, source: str, seconds: float) -> Answer:
        """Make the context of a codec."""
        self._held.pop(codec, None)
        while len(self._held) >= MAX_CONTEXTS:
            del self._held[next(iter(self._held))]
        context = self._quickjs.Context()
        context.set_memory_limit(MEMORY_BYTES)
        context.set_max_stack_size(STACK_BYTES)
        bind = context.eval(PRELUDE % MAX_RESULT_CHARACTERS)
        context.set_time_limit(seconds)
        try:
            context.eval(source)
            found = context.eval(f"({FIND})")
            if found is None:
                return BAD_CODEC, "it has none of the functions decodeUplink, Decode, Decoder"
            self._held[codec] = (context, bind(found))
        except (self._quickjs.JSException, ValueError, TypeError) as trouble:  # ValueError: text that is not UTF-8
            return BAD_CODEC, str(trouble)[:200]
        return OK, ""

    def decode(self, codec: int, payload: bytes, port: int, seconds: float) -> Answer:
        """What the codec says of a payload."""
        held = self._held.pop(codec, None)
        if held is None:
            return UNKNOWN_CODEC, ""
        context, run = held
        context.set_time_limit(seconds)
        try:
            told = run(f"[{','.join(map(str, payload))}]", port)
        except self._quickjs.JSException as trouble:  # what JavaScript itself cannot catch
            return _status_of(str(trouble)), str(trouble)[:200]
        except UnicodeDecodeError:
            self._held[codec] = held
            return BAD_RESULT, "text that is not Unicode"
        if not isinstance(told, str):
            return HUGE_RESULT, "an answer that is no text"
        status, text = told[:1].encode(), told[1:]
        if status not in (THREW, BAD_RESULT) and len(text) > MAX_RESULT_CHARACTERS:  # a message is cut below
            return HUGE_RESULT, "an answer longer than was allowed"
        if status == OUT_OF_MEMORY:
            return status, "too full to say so"
        if status in (THREW, BAD_RESULT):
            text = text[:200]
            caught = _status_of(text)
            if caught == OUT_OF_MEMORY:
                return caught, text  # the context is full: another is made
            status = caught if caught == STACK_OVERFLOW else status
        self._held[codec] = held
        return status, text


def _status_of(message: str) -> bytes:
    if "InternalError: interrupted" in message:
        return TIMED_OUT
    if "InternalError: out of memory" in message or message.split("\n")[0] == "null":  # too full to say so
        return OUT_OF_MEMORY
    return STACK_OVERFLOW if "InternalError: stack overflow" in message else THREW


def _confine() -> None:
    """No core, no file may grow, no more files than are open, memory bounded: this process only computes."""
    for what, bound in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 3),
        (resource.RLIMIT_AS, ADDRESS_SPACE_BYTES),
    ):
        hard = resource.getrlimit(what)[1]
        bound = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        resource.setrlimit(what, (bound, bound))


def _read(count: int) -> bytes:
    """Exactly that many bytes of standard input; ends the process when it has ended."""
    chunks = b""
    while len(chunks) < count:
        chunk = os.read(0, count - len(chunks))
        if not chunk:
            sys.exit(0)
        chunks += chunk
    return chunks


def _write(answer: bytes) -> None:
    while answer:
        answer = answer[os.write(1, answer) :]


def main() -> None:
    """Answer requests until standard input ends. Argument: the folder of the engine's module."""
    sys.path.append(sys.argv[1])
    codecs = Codecs(importlib.import_module("_quickjs"))
    _confine()
    while True:
        kind, codec, port, seconds, length = REQUEST.unpack(_read(REQUEST.size))
        content = _read(length)
        signal.setitimer(signal.ITIMER_PROF, 1.5 * seconds + 0.05)  # ends this process: the parent knows by the signal
        if kind == LOAD:
            status, text = codecs.load(codec, content.decode("utf-8", errors="replace"), seconds)
        else:
            status, text = codecs.decode(codec, content, port, seconds)
        signal.setitimer(signal.ITIMER_PROF, 0)
        told = text.encode("utf-8", errors="replace")
        _write(ANSWER.pack(status, len(told)) + told)


if __name__ == "__main__":
    main()
