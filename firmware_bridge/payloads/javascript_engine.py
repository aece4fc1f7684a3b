"""Runs vendors' JavaScript in a helper process that can do nothing but compute, and that ends when it overstays."""

from __future__ import annotations

import functools
import importlib.util
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import Final

from firmware_bridge.payloads import javascript_worker as worker
from firmware_bridge.readings import BridgeError, Rejected

_WORKER: Final = Path(worker.__file__)
_REASONS: Final = {
    worker.BAD_CODEC: "bad_codec",
    worker.THREW: "codec_threw",
    worker.TIMED_OUT: "codec_timed_out",
    worker.OUT_OF_MEMORY: "codec_out_of_memory",
    worker.STACK_OVERFLOW: "codec_stack_overflow",
    worker.BAD_RESULT: "codec_bad_result",
    worker.HUGE_RESULT: "codec_huge_result",
}
LOAD_SECONDS: Final = 1.0
"""Processor time for a codec's first run, in which it defines its functions."""
_MAX_ANSWER_BYTES: Final = 4 * (worker.MAX_RESULT_CHARACTERS + 1)


class EngineError(BridgeError):
    """There is no engine to be had: the message says what to install."""


class _Ended(Exception):  # noqa: N818  not an error of ours
    """The helper process ended or was ended; args are reason and detail."""


class JavascriptEngine:
    """One helper process for all codecs, started at the first payload and again after it had to be ended.

    For several threads. `close` it, or let it go: the process ends with it.
    """

    def __init__(self, patience_s: float = 10.0) -> None:
        """patience_s: on the wall clock, beyond the processor time granted, for a helper that is stopped or starved."""
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._end: weakref.finalize[[subprocess.Popen[bytes]], JavascriptEngine] | None = None
        self._sources: dict[str, int] = {}
        self._loaded: set[int] = set()
        self._given_up: dict[int, Rejected] = {}

    @property
    def helper_pid(self) -> int | None:
        """Process id of the helper; None before the first payload and after it ended."""
        return None if self._process is None else self._process.pid

    def decode(self, source: str, payload: bytes, port: int | None, seconds: float) -> str | Rejected:
        """The codec's result as JSON text of at most 32,768 characters: an object with `data`, perhaps `errors`.

        source: the codec's text. seconds: processor time granted. Raises EngineError if no engine is installed.
        Reasons: bad_codec (it does not load: not tried again), codec_threw, codec_timed_out, codec_out_of_memory,
        codec_stack_overflow, codec_bad_result (not to be had as JSON), codec_huge_result, codec_died.
        """
        with self._lock:
            codec = self._sources.setdefault(source, len(self._sources))
            if codec in self._given_up:
                return self._given_up[codec]
            try:
                return self._decode(codec, source, payload, -1 if port is None else port, seconds)
            except _Ended as ended:
                reason, detail = ended.args
                return Rejected(reason, 1, detail)

    def fault_of(self, source: str) -> str:
        """Why a codec cannot be used, "" if it loads. Raises EngineError if no engine is installed."""
        with self._lock:
            codec = self._sources.setdefault(source, len(self._sources))
            refused = self._given_up.get(codec)
            if refused is None and codec not in self._loaded:
                refused = self._load(codec, source)
        return "" if refused is None else refused.detail

    def close(self) -> None:
        """End the helper process; the next payload starts another."""
        with self._lock:
            self._stop()

    def _decode(self, codec: int, source: str, payload: bytes, port: int, seconds: float) -> str | Rejected:
        for _ in range(2):
            if codec not in self._loaded:
                refused = self._load(codec, source)
                if refused is not None:
                    return refused
            status, text = self._ask(worker.DECODE, codec, payload, port, seconds)
            if status == worker.OK:
                return text
            if status != worker.UNKNOWN_CODEC:
                return Rejected(_REASONS.get(status, "codec_died"), 1, text)
            self._loaded.discard(codec)  # its context was given up
        return Rejected("codec_died", 1, "the helper process does not keep the codec")

    def _load(self, codec: int, source: str) -> Rejected | None:
        try:
            status, text = self._ask(worker.LOAD, codec, source.encode(), -1, LOAD_SECONDS)
        except _Ended as ended:
            status, text = worker.BAD_CODEC, f"it did not come to an end: {ended.args[0]}"
        if status == worker.OK:
            self._loaded.add(codec)
            return None
        self._given_up[codec] = Rejected("bad_codec", 1, text)
        return self._given_up[codec]

    def _ask(self, kind: bytes, codec: int, content: bytes, port: int, seconds: float) -> tuple[bytes, str]:
        process = self._process or self._start()
        deadline = time.monotonic() + seconds + self._patience_s
        answered = False
        try:
            _send(process, worker.REQUEST.pack(kind, codec, port, seconds, len(content)) + content, deadline)
            status, length = worker.ANSWER.unpack(_receive(process, worker.ANSWER.size, deadline))
            text = _receive(process, length, deadline).decode("utf-8", errors="replace")
            answered = True
        except OSError as trouble:  # a pipe without a reader
            raise self._ended(str(trouble)) from None
        except _Ended as ended:
            raise self._ended(str(ended.args[-1])) from None
        finally:
            if not answered:  # an answer that is still to come must not be taken for the next one's
                self._stop()
        return status, text

    def _start(self) -> subprocess.Popen[bytes]:
        found = importlib.util.find_spec("_quickjs")
        if found is None or found.origin is None:
            raise EngineError("no JavaScript engine is installed: pip install 'vigia[javascript]'")
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_WORKER), str(Path(found.origin).parent)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
            bufsize=0,
            start_new_session=True,  # a Ctrl-C at the terminal is not for it
        )
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
        self._process = process
        self._end = weakref.finalize(self, _end, process)
        self._loaded.clear()
        return process

    def _ended(self, detail: str) -> _Ended:
        """Why the helper is no more, which is then so."""
        code = self._stop()
        if code == -signal.SIGPROF:
            return _Ended("codec_timed_out", "ended in the middle of a native call")
        return _Ended("codec_died", f"the helper process ended with {code}: {detail}")

    def _stop(self) -> int | None:
        process, self._process = self._process, None
        self._loaded.clear()
        if self._end is not None:
            self._end()
        return None if process is None else process.returncode


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it, unless it ended by itself a moment ago."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(0.1)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _send(process: subprocess.Popen[bytes], message: bytes, deadline: float) -> None:
    pipe = process.stdin
    if pipe is None:
        raise _Ended("codec_died", "no pipe")
    while message:
        try:
            message = message[os.write(pipe.fileno(), message) :]
        except BlockingIOError:
            _wait(pipe.fileno(), selectors.EVENT_WRITE, deadline)


def _receive(process: subprocess.Popen[bytes], count: int, deadline: float) -> bytes:
    pipe = process.stdout
    if pipe is None:
        raise _Ended("codec_died", "no pipe")
    if count > _MAX_ANSWER_BYTES:
        raise _Ended("codec_died", f"an answer of {count} bytes")
    got = b""
    while len(got) < count:
        try:
            chunk = os.read(pipe.fileno(), count - len(got))
        except BlockingIOError:
            _wait(pipe.fileno(), selectors.EVENT_READ, deadline)
            continue
        if not chunk:
            raise _Ended("codec_died", "it closed its output")
        got += chunk
    return got


def _wait(pipe: int, event: int, deadline: float) -> None:
    with selectors.PollSelector() as selector:
        selector.register(pipe, event)
        if not selector.select(max(0.0, deadline - time.monotonic())):
            raise _Ended("codec_died", "no answer in time")


@functools.cache
def shared_engine() -> JavascriptEngine:
    """The engine of this process: one helper for all sources keeps a post's memory small."""
    return JavascriptEngine()
