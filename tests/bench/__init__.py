"""Benchmarks: `make bench`, or `make bench BENCH="backlog frames"`. Ratios measured in one run, never a timed test."""
