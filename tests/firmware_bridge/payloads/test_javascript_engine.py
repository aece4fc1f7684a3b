"""The engine outlives whatever a decoder does: a reason, in bounded time and memory, and then it goes on."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_bridge.payloads import javascript_worker as worker
from firmware_bridge.payloads.javascript_engine import JavascriptEngine
from firmware_bridge.readings import Rejected

GOOD = "function decodeUplink(input) { return { data: { n: input.bytes.length, p: input.fPort } }; }"
LIMIT = 0.05


@pytest.fixture(scope="module")
def engine() -> Iterator[JavascriptEngine]:
    it = JavascriptEngine()
    yield it
    it.close()


def body(statements: str) -> str:
    return f"function decodeUplink(input) {{ {statements} }}"


def reason(engine: JavascriptEngine, source: str) -> str:
    told = engine.decode(source, b"\x01\x02", 2, LIMIT)
    assert isinstance(told, Rejected), told
    assert told.detail
    return told.reason


def helper_of(engine: JavascriptEngine) -> int:
    assert engine.helper_pid is not None
    return engine.helper_pid


@pytest.mark.parametrize(
    ("source", "result"),
    [
        (GOOD, '{"data":{"n":2,"p":2}}'),
        ("const decodeUplink = (input) => ({ data: input.bytes });", '{"data":[1,2]}'),
        ("module.exports = { decodeUplink() { return { data: 1 }; } };", '{"data":1}'),
        ("exports.decodeUplink = () => ({ data: 1 });", '{"data":1}'),
        ("function Decode(fPort, bytes, variables) { return { fPort, bytes, variables }; }",
         '{"data":{"fPort":2,"bytes":[1,2],"variables":{}}}'),
        ("function Decoder(bytes, port) { return { port, bytes }; }", '{"data":{"port":2,"bytes":[1,2]}}'),
        (body("console.log('x'); console.error(input); return { data: 1 };"), '{"data":1}'),
        (body("return { data: { x: NaN, y: Infinity, z: undefined, f() {} } };"), '{"data":{"x":null,"y":null}}'),
        (body("return { data: '\\0\\ud800' };"), '{"data":"\\u0000\\ud800"}'),
        (body("return { data: input.recvTime instanceof Date };"), '{"data":true}'),
        ("JSON.stringify = JSON.parse = null; String = null; " + GOOD, '{"data":{"n":2,"p":2}}'),
    ],
)  # fmt: skip
def test_every_convention(engine: JavascriptEngine, source: str, result: str) -> None:
    assert engine.decode(source, b"\x01\x02", 2, LIMIT) == result


def test_nothing_outside_can_be_reached(engine: JavascriptEngine) -> None:
    names = ["std", "os", "require", "process", "fetch", "setTimeout", "load", "print", "Worker", "WebAssembly"]
    source = body(f"return {{ data: {names!r}.filter((name) => typeof globalThis[name] !== 'undefined') }};")
    assert engine.decode(source, b"\x01", None, LIMIT) == '{"data":[]}'
    imported = engine.decode(body("return { data: import('os') };"), b"\x01", None, LIMIT)
    assert imported == '{"data":{}}'  # a promise that is never kept


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ("while (true) {}", "codec_timed_out"),
        ("try { while (true) {} } finally { return { data: 1 }; }", "codec_timed_out"),
        ("return { data: { toJSON() { while (true) {} } } };", "codec_timed_out"),
        ("return new Proxy({}, { get() { while (true) {} }, ownKeys() { while (true) {} } });", "codec_timed_out"),
        # native calls, which the engine's own limit does not interrupt
        ("return { data: /(a+)+$/.test('a'.repeat(40) + 'b') };", "codec_timed_out"),
        ("return { data: new Array(4294967295).join('') };", "codec_timed_out"),
        ("return { data: Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1) };", "codec_timed_out"),
        ("let a = []; for (;;) a.push('x'.repeat(1000) + a.length);", "codec_out_of_memory"),
        ("let s = 'a'; for (;;) s += s;", "codec_out_of_memory"),
        ("return { data: new Uint8Array(1e9) };", "codec_out_of_memory"),
        ("return { data: 'x'.repeat(1e7) };", "codec_out_of_memory"),
        ("return { data: 'x'.repeat(1e5) };", "codec_huge_result"),
        ("return { data: Array.from({ length: 1e5 }, (_, n) => n) };", "codec_huge_result"),
        ("(function f() { f(); })();", "codec_stack_overflow"),
        ("throw new Error('no');", "codec_threw"),
        ("throw new Error('no'.repeat(5e4));", "codec_threw"),
        ("throw { toString() { throw 1; } };", "codec_threw"),
        ("throw '\\ud800';", "codec_bad_result"),
        ("input.bytes.x.y;", "codec_threw"),
        ("return { get data() { throw 1; } };", "codec_bad_result"),
        ("return { data: 10n };", "codec_bad_result"),
        ("let a = {}; a.a = a; return a;", "codec_bad_result"),
        ("return undefined;", "codec_bad_result"),
        ("return decodeUplink;", "codec_bad_result"),
        ("return Symbol('x');", "codec_bad_result"),
    ],
)
def test_a_decoder_that_misbehaves_is_a_reason_and_the_next_payload_is_read(
    engine: JavascriptEngine, statements: str, expected: str
) -> None:
    begun = time.monotonic()
    assert reason(engine, body(statements)) == expected
    assert time.monotonic() - begun < 5
    assert engine.decode(GOOD, b"\x01", 7, LIMIT) == '{"data":{"n":1,"p":7}}'


@pytest.mark.parametrize(
    "source", ["", "var x = 1;", "function decodeUplink( {", "throw 1;", "export function decodeUplink() {}", "\0"]
)
def test_a_file_that_is_no_decoder(engine: JavascriptEngine, source: str) -> None:
    assert reason(engine, source) == "bad_codec"
    assert reason(engine, source) == "bad_codec"


@pytest.mark.slow
@pytest.mark.parametrize("source", ["while (true) {}", "/(a+)+$/.test('a'.repeat(40) + 'b');"])
def test_a_file_that_does_not_come_to_an_end_is_tried_once(source: str) -> None:
    engine = JavascriptEngine()
    assert reason(engine, source) == "bad_codec"
    begun = time.monotonic()
    assert reason(engine, source) == "bad_codec"
    assert time.monotonic() - begun < 0.5
    engine.close()


def test_memory_does_not_add_up_over_payloads(engine: JavascriptEngine) -> None:
    source = "let kept = []; " + body("kept.push('x'.repeat(2e6) + kept.length); return { data: kept.length };")
    told = [engine.decode(source, b"\x01", None, LIMIT) for _ in range(30)]
    assert told[0] == '{"data":1}'
    full = [item.reason for item in told if isinstance(item, Rejected)]
    assert full
    assert set(full) == {"codec_out_of_memory"}
    (resident,) = [
        line for line in Path(f"/proc/{helper_of(engine)}/status").read_text().splitlines() if "VmHWM" in line
    ]
    assert int(resident.split()[1]) < 64 * 1024  # KiB


def test_more_codecs_than_are_kept(engine: JavascriptEngine) -> None:
    sources = [body(f"return {{ data: {number} }};") for number in range(worker.MAX_CONTEXTS + 5)]
    for _ in range(2):
        for number, source in enumerate(sources):
            assert engine.decode(source, b"\x01", None, LIMIT) == f'{{"data":{number}}}'


def test_a_helper_that_was_killed_is_started_again(engine: JavascriptEngine) -> None:
    engine.decode(GOOD, b"\x01", 1, LIMIT)
    os.kill(helper_of(engine), signal.SIGKILL)
    assert reason(engine, GOOD) == "codec_died"
    assert engine.decode(GOOD, b"\x01", 1, LIMIT) == '{"data":{"n":1,"p":1}}'


def test_a_helper_that_does_not_answer_is_ended() -> None:
    engine = JavascriptEngine(patience_s=0.2)
    engine.decode(GOOD, b"\x01", 1, LIMIT)
    os.kill(helper_of(engine), signal.SIGSTOP)
    assert reason(engine, GOOD) == "codec_died"
    assert engine.decode(GOOD, b"\x01", 1, LIMIT) == '{"data":{"n":1,"p":1}}'
    engine.close()


class Interrupted(Exception):  # noqa: N818  not an error of ours
    """As a Ctrl-C is."""


def test_an_answer_that_nobody_waited_for_is_not_taken_for_the_next_one() -> None:
    def interrupt(number: int, frame: object) -> None:
        raise Interrupted

    engine = JavascriptEngine()
    engine.decode(GOOD, b"\x01", 1, LIMIT)
    helper = helper_of(engine)
    os.kill(helper, signal.SIGSTOP)  # so that it is still being asked when the signal comes
    before = signal.signal(signal.SIGUSR1, interrupt)
    alarm = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGUSR1))
    alarm.start()
    try:
        with pytest.raises(Interrupted):
            engine.decode(GOOD, b"\x01", 1, LIMIT)
    finally:
        alarm.join()
        signal.signal(signal.SIGUSR1, before)
        if Path(f"/proc/{helper}").exists():
            os.kill(helper, signal.SIGCONT)
    assert engine.decode(GOOD, b"\x01\x02", 2, LIMIT) == '{"data":{"n":2,"p":2}}'
    engine.close()


def test_starts_late_and_leaves_nothing_behind() -> None:
    engine = JavascriptEngine()
    assert engine.helper_pid is None
    engine.decode(GOOD, b"\x01", 1, LIMIT)
    helper = Path(f"/proc/{helper_of(engine)}")
    del engine
    assert not helper.exists()


def test_several_threads(engine: JavascriptEngine) -> None:
    told: list[str | Rejected] = []

    def work(port: int) -> None:
        told.extend(engine.decode(GOOD, bytes(port), port, LIMIT) for _ in range(50))

    threads = [threading.Thread(target=work, args=(port,)) for port in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {item for item in told if isinstance(item, str)} == {f'{{"data":{{"n":{n},"p":{n}}}}}' for n in range(4)}
    assert len(told) == 200
