"""The FastAPI application and its OpenAPI document."""

from __future__ import annotations

import json
from typing import Final

from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from ingest.api import media as media_routes
from ingest.api import operation, readings, stations
from ingest.api.parts import Parts
from ingest.api.problems import add_problem_handlers
from ingest.api.settings import ApiSettings
from ingest.api.status import StatusSource
from ingest.influx.reader import InfluxReader
from ingest.media.service import MediaService
from ingest.registry import Registry

API_VERSION: Final = "1.0"
_DESCRIPTION: Final = (
    "What the posts of a landscape have sent to headquarters. Times are UTC. Positions and sightings are sensitive: "
    "who holds the token decides with the territories who else sees an answer."
)
_TAGS: Final = [
    {"name": "stations", "description": "Control posts and their sensors."},
    {"name": "readings", "description": "What sensors said."},
    {"name": "media", "description": "Pictures and clips."},
    {"name": "operation", "description": "State of the ingestion service."},
]


def create_api(
    registry: Registry,
    reader: InfluxReader,
    status: StatusSource,
    settings: ApiSettings,
    media: MediaService | None = None,
) -> FastAPI:
    """The application over a running service. Does no I/O; run it with uvicorn."""
    app = _application()
    app.state.parts = Parts(registry, reader, status, settings, media)
    if settings.token is None:
        # Open on loopback: a web page in a browser of this machine must not reach it under a name of its own.
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "[::1]"])
    return app


def openapi_document() -> str:
    """The OpenAPI document as it is checked in (`ingest/api/openapi.json`)."""
    return json.dumps(_application().openapi(), indent=2, ensure_ascii=False) + "\n"


def _application() -> FastAPI:
    # No docs pages: they would load JavaScript from a server elsewhere.
    app = FastAPI(
        title="Vigía",
        version=API_VERSION,
        summary="Field sensors and ranger stations, as stored at headquarters",
        description=_DESCRIPTION,
        openapi_tags=_TAGS,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
        license_info={"name": "Apache 2.0", "identifier": "Apache-2.0"},
    )
    app.include_router(stations.router)
    app.include_router(readings.router)
    app.include_router(media_routes.router)
    app.include_router(operation.router)
    add_problem_handlers(app)
    return app
