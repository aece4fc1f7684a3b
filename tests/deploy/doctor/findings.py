"""Findings for tests: what was found, by code; and that every sentence is there in both languages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from deploy.doctor.findings import Check, Finding, Mark, Told


def found(findings: Iterable[Finding | Told]) -> dict[str, Mark]:
    """Code to mark."""
    marks: dict[str, Mark] = {}
    for item in findings:
        finding = item.finding if isinstance(item, Told) else item
        assert finding.what.es
        assert finding.what.en
        if finding.mark is not Mark.OK:
            assert finding.todo is not None, f"{finding.code} says nothing of what to do"
            assert finding.todo.es
            assert finding.todo.en
        marks[finding.code] = finding.mark
    return marks


def troubles(findings: Iterable[Finding | Told]) -> dict[str, Mark]:
    """Those that are not well."""
    return {code: mark for code, mark in found(findings).items() if mark is not Mark.OK}


def look(checks: Sequence[Check]) -> list[Finding]:
    """Every finding of some checks, one after the other."""
    return [finding for check in checks for finding in check.look()]
