"""What a person can put right is told in one line, with exit code 1 and no traceback."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import typer

from deploy.errors import DeployError
from deploy.language import Language, system_words


@contextlib.contextmanager
def plain_errors(language: Language = "es") -> Iterator[None]:
    """Turn DeployError and a file that cannot be read or written into one line on stderr and `typer.Exit(1)`."""
    try:
        yield
    except DeployError as error:
        reason = error.words(language)
    except OSError as error:
        said = system_words(error)(language)
        reason = f"{error.filename}: {said}" if error.filename else said
    else:
        return
    typer.echo(reason, err=True)
    raise typer.Exit(1)
