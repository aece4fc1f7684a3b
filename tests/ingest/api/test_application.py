"""The API over real HTTP, a real InfluxDB behind it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import httpx
import msgspec
import pytest
import uvicorn

from deploy.parts.processes import free_port
from deploy.parts.servers import InfluxDB
from firmware_bridge.readings import Kind
from ingest.api import application, readings
from ingest.api.application import create_api, openapi_document
from ingest.api.settings import ApiSettings
from ingest.api.status import Labels, SinkStatus, StationLink
from ingest.influx.reader import InfluxReader
from ingest.influx.settings import InfluxSettings
from ingest.influx.writer_v1 import WriterV1
from ingest.registry import Registry
from ingest.sink import InfluxSink
from tests.ingest.influx.test_reader import ATTACKS
from tests.ingest.messages import NOON_MS, entry, message
from tests.support.waiting import wait_until

TOKEN = "0123456789abcdef-token"
DAY = {"from": "2025-06-01T00:00:00Z", "to": "2025-06-02T00:00:00Z"}


class Snapshot(msgspec.Struct):
    """A state of the service that the test sets."""

    connected: bool = True
    fault: str | None = None
    by_sink: dict[str, SinkStatus] = {}
    counts: dict[tuple[str, Labels], float] = {}
    links: dict[str, StationLink] = {}

    def broker_connected(self) -> bool:
        return self.connected

    def journal_fault(self) -> str | None:
        return self.fault

    def sinks(self) -> Mapping[str, SinkStatus]:
        return self.by_sink

    def counters(self) -> Mapping[tuple[str, Labels], float]:
        return self.counts

    def station_links(self) -> Mapping[str, StationLink]:
        return self.links


@contextmanager
def serving(registry: Registry, influx_url: str, bucket: str, status: Snapshot, token: str | None) -> Iterator[str]:
    """The API on a port of its own; gives its address."""
    reader = InfluxReader(InfluxSettings(dialect="v1", url=influx_url, bucket=bucket))
    app = create_api(registry, reader, status, ApiSettings.model_validate({"token": token}))
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until("the API answers", lambda: server.started)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
        reader.close()


@pytest.fixture
def status() -> Snapshot:
    return Snapshot()


@pytest.fixture
def api(registry: Registry, shared_influx: InfluxDB, bucket: str, status: Snapshot) -> Iterator[httpx.Client]:
    with (
        serving(registry, shared_influx.url, bucket, status, TOKEN) as url,
        httpx.Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}) as client,
    ):
        yield client


@pytest.fixture
def sink(shared_influx: InfluxDB, bucket: str, registry: Registry) -> Iterator[InfluxSink]:
    made = InfluxSink(WriterV1(InfluxSettings(dialect="v1", url=shared_influx.url)), bucket, registry)
    yield made
    made.close()


def get(api: httpx.Client, path: str, **query: Any) -> Any:
    answer = api.get(path, params={name.rstrip("_"): value for name, value in query.items()})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.slow
def test_alive_and_ready(api: httpx.Client, status: Snapshot) -> None:
    assert get(api, "/healthz") == {"status": "alive"}
    assert get(api, "/readyz") == {"ready": True, "reasons": []}
    status.connected, status.fault = False, "disk full"
    status.by_sink = {"influxdb": SinkStatus(12, "takes no connection"), "media": SinkStatus(5)}
    answer = api.get("/readyz")
    assert answer.status_code == 503
    reasons = answer.json()["reasons"]
    assert [reason.split(":")[0] for reason in reasons] == ["broker", "journal", "influxdb"]
    assert reasons[2] == "influxdb: 12 messages behind: takes no connection"
    stranger = httpx.get(str(api.base_url) + "/readyz")
    assert (stranger.status_code, stranger.json()["reasons"]) == (503, ["broker", "journal", "influxdb"])
    assert httpx.get(str(api.base_url) + "/healthz").status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer"}, {"Authorization": f"Basic {TOKEN}"}, {"Authorization": f"Bearer {TOKEN}x"}],
)
@pytest.mark.parametrize("path", ["/api/v1/stations", "/api/v1/sensors", "/api/v1/readings", "/metrics"])
def test_data_needs_the_token(path: str, headers: dict[str, str], api: httpx.Client) -> None:
    answer = httpx.get(str(api.base_url) + path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "Bearer <token>" in answer.json()["detail"]


@pytest.mark.slow
def test_open_on_loopback_but_not_under_another_name(
    registry: Registry, shared_influx: InfluxDB, bucket: str, status: Snapshot
) -> None:
    with serving(registry, shared_influx.url, bucket, status, None) as url:
        assert httpx.get(f"{url}/api/v1/stations").status_code == 200
        assert httpx.get(f"{url}/api/v1/stations", headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.slow
def test_metrics(api: httpx.Client, status: Snapshot) -> None:
    status.by_sink = {"influxdb": SinkStatus(12, "away")}
    status.counts = {
        ("discarded", (("stage", "subscriber"), ("reason", 'bad "topic"\n'))): 3,
        ("discarded", (("stage", "influxdb"), ("reason", "parse_error"))): 1,
        ("received_messages", ()): 40,
    }
    status.links = {"boca-yaguas": StationLink("up", 1, 1_500), "puesto-dos": StationLink()}
    status.links["cerrado"] = StationLink("down", reason="window_over")
    answer = api.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    for line in (
        "vigia_ingest_broker_connected 1.0",
        "vigia_ingest_journal_ok 1.0",
        'vigia_ingest_sink_behind_messages{sink="influxdb"} 12.0',
        'vigia_ingest_sink_failing{sink="influxdb"} 1.0',
        'vigia_ingest_station_up{station="boca-yaguas"} 1.0',
        'vigia_ingest_station_closed{station="boca-yaguas"} 0.0',
        'vigia_ingest_station_closed{station="cerrado"} 1.0',
        'vigia_ingest_station_last_received_timestamp_seconds{station="boca-yaguas"} 1.5',
        'vigia_ingest_discarded_total{reason="bad \\"topic\\"\\n",stage="subscriber"} 3.0',
        "vigia_ingest_received_messages_total 40.0",
    ):
        assert line in lines
    assert sum(line.startswith("# TYPE vigia_ingest_discarded_total") for line in lines) == 1


@pytest.mark.slow
def test_stations(api: httpx.Client, status: Snapshot) -> None:
    status.links = {"boca-yaguas": StationLink("up", NOON_MS, NOON_MS + 250), "unregistered": StationLink("up")}
    first, second = get(api, "/api/v1/stations")["stations"]
    assert first == {
        "name": "boca-yaguas",
        "title": "Puesto Boca Yaguas",
        "territory": "yaguas",
        "territory_title": "Parque Nacional Yaguas",
        "link": "up",
        "link_reason": None,
        "link_next": None,
        "link_since": "2025-06-01T12:00:00Z",
        "last_received": "2025-06-01T12:00:00.250000Z",
    }
    assert (second["name"], second["link"], second["link_since"]) == ("puesto-dos", "unknown", None)
    status.links = {"boca-yaguas": StationLink("down", NOON_MS, NOON_MS, "window_over", NOON_MS + 3_600_000)}
    closed, _ = get(api, "/api/v1/stations")["stations"]
    assert (closed["link"], closed["link_reason"], closed["link_next"]) == (
        "down",
        "window_over",
        "2025-06-01T13:00:00Z",
    )


@pytest.mark.slow
def test_sensors(api: httpx.Client, sink: InfluxSink) -> None:
    sink.write([message([entry(1), entry(2, Kind.DEVICE_STATUS), entry(3, sensor="nuevo")])])
    found = get(api, "/api/v1/sensors", station="boca-yaguas")["sensors"]
    assert [(s["name"], s["expected"], [k["kind"] for k in s["kinds"]]) for s in found] == [
        ("audio-09", True, []),
        ("clima-01", True, ["environment", "device_status"]),
        ("nuevo", False, ["environment"]),
    ]
    assert (found[0]["title"], found[0]["last_time"]) == ("Quebrada Hipona", None)
    assert found[1]["last_time"] == "2025-06-01T12:00:02Z"
    assert get(api, "/api/v1/sensors", station="puesto-dos")["sensors"] == []


@pytest.mark.slow
@pytest.mark.parametrize("query", [{"latest": "true"}, DAY])
def test_pages_hold_every_reading_once(query: dict[str, str], api: httpx.Client, sink: InfluxSink) -> None:
    sink.write([message([entry(n, sensor=f"s {n} '") for n in range(1, 24)])])
    found: list[str] = []
    page = get(api, "/api/v1/readings", limit=5, **query)
    while True:
        found += [r["sensor"] for r in page["readings"]]
        if page["next"] is None:
            break
        page = get(api, "/api/v1/readings", limit=5, cursor=page["next"], **query)
    assert sorted(found) == sorted(f"s {n} '" for n in range(1, 24))


@pytest.mark.slow
def test_a_reading(api: httpx.Client, sink: InfluxSink) -> None:
    sink.write([message([entry(1, Kind.ACOUSTIC_DETECTION), entry(2)])])
    (found,) = get(api, "/api/v1/readings", kind="acoustic_detection", label="chainsaw", **DAY)["readings"]
    assert found == {
        "time": "2025-06-01T12:00:01Z",
        "kind": "acoustic_detection",
        "station": "boca-yaguas",
        "sensor": "clima-01",
        "territory": "yaguas",
        "label": "chainsaw",
        "time_quality": "gps",
        "time_uncertainty_seconds": None,
        "sequence": 1,
        "values": {"confidence_ratio": 0.925, "sound_level_decibels": 71.5, "duration_seconds": 12.0},
        "note": "",
    }
    assert get(api, "/api/v1/readings")["readings"] == []  # the last day
    assert get(api, "/api/v1/readings", label="gunshot")["readings"] == []
    assert get(api, "/api/v1/readings", label="unlisted_200")["readings"] == []
    assert get(api, "/api/v1/readings", kind="tally", label="bad_crc")["readings"] == []


@pytest.mark.slow
def test_a_label_of_a_recorders_own_is_found(api: httpx.Client, sink: InfluxSink) -> None:
    own = msgspec.structs.replace
    one = entry(1, Kind.CAMERA_DETECTION)
    sink.write([message([own(one, reading=own(one.reading, label="mono"))])])
    assert len(get(api, "/api/v1/readings", label="mono", **DAY)["readings"]) == 1
    assert get(api, "/api/v1/readings", label="mono")["readings"] == []  # not in the last day, and still no mistake


@pytest.mark.slow
def test_what_takes_no_parameters_says_so(api: httpx.Client) -> None:
    answer = api.get("/api/v1/stations?station=boca-yaguas")
    assert (answer.status_code, answer.json()["detail"]) == (422, "no parameter `station`; there are none here")
    assert httpx.get(f"{api.base_url}/api/v1/stations?x=1").status_code == 401


@pytest.mark.slow
@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_finds_nothing(attack: str, api: httpx.Client, sink: InfluxSink) -> None:
    sink.write([message([entry(1)])])
    for name in ("station", "sensor", "label"):
        for query in (DAY, {"latest": "true"}):
            answer = api.get("/api/v1/readings", params={name: attack, **query})
            assert answer.status_code == 422 or answer.json()["readings"] == []
    assert api.get("/api/v1/sensors", params={"station": attack}).status_code == 422
    assert len(get(api, "/api/v1/readings", latest="true")["readings"]) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"limit": "0"}, "`limit` must be at least 1, not '0'"),
        ({"limit": "10001"}, "`limit` must be at most 10000, not '10001'"),
        ({"limit": "many"}, "`limit` must be a whole number, not 'many'"),
        ({"kind": "noise"}, "`kind` must be one of 'acoustic_detection'"),
        ({"latest": "perhaps"}, "`latest` must be true or false"),
        ({"station": "Boca Yaguas"}, "`station` must be 1 to 32 of a-z, 0-9 and inner hyphens, not 'Boca Yaguas'"),
        ({"sensor": ""}, "`sensor` must not be empty"),
        ({"sensor": "x" * 33}, "`sensor` must have at most 32 characters"),
        ({"sensor": "a\0b"}, "`sensor` has characters that do not print"),
        ({"from": "yesterday"}, "`from` must be a time of RFC 3339, such as 2025-06-01T06:00:00Z, not 'yesterday'"),
        ({"from": "2025-06-01T06:00:00"}, "`from` must say its offset from UTC"),
        ({"from": DAY["to"], "to": DAY["from"]}, "`from` must be before `to`"),
        ({"to": "0001-01-01T00:00:00Z"}, "between 1970 and 2248"),
        ({"from": "9999-12-31T23:59:59-12:00"}, "between 1970 and 2248"),
        ({"latest": "true", "from": DAY["from"]}, "`latest=true` takes no `from` and no `to`"),
        ({"lable": "chainsaw"}, "no parameter `lable`; do you mean label?"),
        ({"x": "1"}, "no parameter `x`; there are: station, sensor, kind, label, latest, from, to, limit, cursor"),
        ({"label": ["chainsaw", "boat"]}, "`label` is given 2 times; give it once"),
        ({"label": "motosierra"}, "`label` 'motosierra' is not in the vocabulary, and no reading here has it; "),
        ({"label": "Motosierra", "latest": "true"}, "do you mean chainsaw (Motosierra)?"),
        ({"cursor": "%%%"}, "`cursor` is not one that this API gave; begin without it"),
        ({"cursor": "x" * 500}, "`cursor` must have at most 400 characters"),
        ({"cursor": "WyJyYW5nZSIsMSwwXQ", "latest": "true"}, "`cursor` belongs to a time range"),
        ({"cursor": "WyJsYXRlc3QiLDEsImEiLCJiIl0"}, "`cursor` belongs to `latest=true`"),
    ],
)
def test_a_bad_request_is_told_in_plain_words(query: dict[str, str], said: str, api: httpx.Client) -> None:
    answer = api.get("/api/v1/readings", params=query)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert len(answer.json()["problems"]) == 1


@pytest.mark.slow
def test_a_database_that_is_away(registry: Registry, status: Snapshot) -> None:
    with serving(registry, f"http://127.0.0.1:{free_port()}", "vigia", status, None) as url:
        answer = httpx.get(f"{url}/api/v1/readings?latest=true")
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "10"
        assert "is it running" in answer.json()["detail"]
        assert httpx.get(f"{url}/api/v1/stations").status_code == 200
        assert httpx.get(f"{url}/nowhere").json() == {"detail": "Not Found", "problems": []}


def test_the_openapi_document_is_current() -> None:
    kept = Path(application.__file__).with_name("openapi.json").read_text()
    assert kept == openapi_document(), "write it again: make generated"


def test_the_openapi_document_is_in_order() -> None:
    document = msgspec.json.decode(openapi_document())
    assert document["info"]["title"] == "Vigía"
    operations = {path: methods["get"] for path, methods in document["paths"].items()}
    assert len({op["operationId"] for op in operations.values()}) == len(operations)
    for path, operation in operations.items():
        assert operation["summary"], path
        assert operation["description"], path
        assert len(operation["tags"]) == 1, path
        if path.startswith("/api/v1"):
            assert {"200", "401", "422"} <= operation["responses"].keys()
            problem = operation["responses"]["422"]["content"]["application/json"]["schema"]
            assert problem == {"$ref": "#/components/schemas/Problem"}
    assert {tag["name"] for tag in document["tags"]} == {op["tags"][0] for op in operations.values()}
    assert all(schema.get("description") for schema in document["components"]["schemas"].values())


def test_every_kind_can_be_asked_for_and_is_in_the_guide() -> None:
    assert list(get_args(readings.KindSlug)) == [kind.slug for kind in Kind]
    guide = (Path(__file__).parents[3] / "ingest/README.md").read_text()
    assert [kind.slug for kind in Kind if f"`{kind.slug}`" not in guide] == []
