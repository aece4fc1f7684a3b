# The ingest service. Build context: the root of the repository.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

RUN useradd --system --uid 1884 --home-dir /var/lib/vigia --create-home vigia

WORKDIR /src
COPY deploy/constraints.txt deploy/constraints.txt
COPY pyproject.toml README.md LICENSE ./
COPY firmware_bridge firmware_bridge
COPY gateway gateway
COPY ingest ingest
COPY dashboards dashboards
COPY deploy deploy
RUN pip install -c deploy/constraints.txt ".[ingest]" && rm -rf /src/*

WORKDIR /var/lib/vigia
USER vigia
VOLUME /var/lib/vigia
EXPOSE 8080
ENTRYPOINT ["vigia"]
CMD ["ingest", "run", "/etc/vigia/ingest.toml"]
