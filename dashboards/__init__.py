"""Grafana boards as code, built from the names in ingest.schema."""
