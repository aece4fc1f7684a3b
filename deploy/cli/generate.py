"""vigia generate: the files of the source tree that are made from code."""

from __future__ import annotations

from typing import Annotated

import typer

from deploy.cli.plain import plain_errors
from deploy.errors import DeployError


def generate(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 when a file is not up to date.")
    ] = False,
) -> None:
    """Write every generated file of this source tree (boards, OpenAPI, reference) and say what changed."""
    with plain_errors():
        from deploy.reference.generated import source_tree, stale, wanted, write

        root, files = source_tree(), wanted()
        changes = stale(root, files) if check else write(root, files)
        for change in changes:
            typer.echo(f"{change.how:8}{change.path}")
        if check and changes:
            raise DeployError(
                f"{len(changes)} generated files are not up to date: run `vigia generate` and commit them"
            )
        typer.echo(
            f"{len(files)} generated files are up to date" + (f", {len(changes)} of them now" if changes else "")
        )
