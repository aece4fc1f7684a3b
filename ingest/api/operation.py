"""/healthz, /readyz and /metrics: for the process supervisor, the operator and Prometheus."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from pydantic import BaseModel, Field

from ingest.api.parts import Authorised, PartsOf, require_token
from ingest.api.problems import ANSWERS
from ingest.api.status import StatusSource

router = APIRouter(tags=["operation"])


class Health(BaseModel):
    """The process is alive."""

    status: Literal["alive"] = "alive"


class Readiness(BaseModel):
    """Whether messages are taken and stored now."""

    ready: Annotated[bool, Field(description="Everything is in order.")]
    reasons: Annotated[
        list[str],
        Field(
            description="What is not in order; to callers without the token only which part.",
            examples=[["influxdb: 1200 messages behind: InfluxDB takes no connection"]],
        ),
    ]


@router.get("/healthz", summary="Is the process alive?")
def healthz() -> Health:
    """Always answers while the process runs. Needs no token."""
    return Health()


@router.get(
    "/readyz",
    summary="Are messages taken and stored?",
    responses={503: {"model": Readiness, "description": "Something is not in order; `reasons` says what."}},
)
def readyz(parts: PartsOf, authorised: Authorised, response: Response) -> Readiness:
    """In order means: broker connected, journal writable, no sink waiting for its database. Needs no token."""
    faults = list(_faults(parts.status))
    response.status_code = 503 if faults else 200
    return Readiness(ready=not faults, reasons=[f"{part}: {detail}" if authorised else part for part, detail in faults])


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    dependencies=[Depends(require_token)],
    response_class=Response,
    responses={
        200: {
            "content": {"text/plain": {"schema": {"type": "string"}}},
            "description": "Prometheus text format 0.0.4.",
        },
        401: ANSWERS[401],
    },
)
def metrics(parts: PartsOf) -> Response:
    """Counters and states of the service, by stage, sink and station."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_StatusCollector(parts.status))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)


def _faults(status: StatusSource) -> Iterable[tuple[str, str]]:
    if not status.broker_connected():
        yield "broker", "not connected; check that it runs, its address and our certificate"
    if (fault := status.journal_fault()) is not None:
        yield "journal", fault
    for name, sink in status.sinks().items():
        if sink.last_error is not None:
            yield name, f"{sink.behind} messages behind: {sink.last_error}"


class _StatusCollector(Collector):
    def __init__(self, status: StatusSource) -> None:
        self._status = status

    def collect(self) -> Iterable[Metric]:
        status = self._status
        yield GaugeMetricFamily(
            "vigia_ingest_broker_connected", "1 while subscribed at the broker", value=status.broker_connected()
        )
        yield GaugeMetricFamily(
            "vigia_ingest_journal_ok", "1 while the journal takes messages", value=status.journal_fault() is None
        )
        behind = GaugeMetricFamily("vigia_ingest_sink_behind_messages", "Messages still to deal with", labels=["sink"])
        failing = GaugeMetricFamily("vigia_ingest_sink_failing", "1 while the sink waits to try again", labels=["sink"])
        for name, sink in sorted(status.sinks().items()):
            behind.add_metric([name], sink.behind)
            failing.add_metric([name], sink.last_error is not None)
        yield behind
        yield failing
        up = GaugeMetricFamily("vigia_ingest_station_up", "1 while the station's link is up", labels=["station"])
        last = GaugeMetricFamily(
            "vigia_ingest_station_last_received_timestamp_seconds", "Unix time of its last message", labels=["station"]
        )
        closed = GaugeMetricFamily(
            "vigia_ingest_station_closed", "1 while it is down because it closed its link itself", labels=["station"]
        )
        for name, link in sorted(status.station_links().items()):
            if link.link != "unknown":
                up.add_metric([name], link.link == "up")
                closed.add_metric([name], bool(link.reason))
            if link.last_received_ms is not None:
                last.add_metric([name], link.last_received_ms / 1000)
        yield up
        yield closed
        yield last
        yield from self._counters()

    def _counters(self) -> Iterable[Metric]:
        families: dict[str, CounterMetricFamily] = {}
        for (name, labels), value in sorted(self._status.counters().items()):
            full = f"vigia_ingest_{name}"
            family = families.setdefault(full, CounterMetricFamily(full, name.replace("_", " ").capitalize()))
            family.add_sample(f"{full}_total", dict(labels), value)
        return families.values()
