"""What a person can put right is told in one line, with exit code 1 and no traceback."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import typer

from deploy.errors import DeployError


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """Turn DeployError and a file that cannot be read or written into one line on stderr and `typer.Exit(1)`."""
    try:
        yield
    except DeployError as error:
        reason = str(error)
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    else:
        return
    typer.echo(reason, err=True)
    raise typer.Exit(1)
