"""The gateway's process without the command line: what `vigia gateway run` becomes. See `become`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

from deploy.cli.running import set_up_logging, stop_event
from deploy.errors import DeployError
from deploy.language import Language
from deploy.settings.file import load_settings
from firmware_bridge.readings import BridgeError
from gateway.errors import GatewayError, SettingsError


def become(file: Path, log_level: str, language: Language) -> NoReturn:
    """Replace this process by the daemon's, which keeps its number: the command line and its libraries would stay in
    memory for months, seven megabytes of the sixty that a post has for us."""
    command = [sys.executable, "-P", "-m", __name__, "gateway", "run", str(file), log_level, language]
    os.execv(sys.executable, command)  # noqa: S606  # what we are told, word by word, and no shell


def run(file: Path, log_level: str, language: Language) -> None:
    """The gateway until SIGTERM or Ctrl-C. Raises DeployError, GatewayError or BridgeError for what a person can put
    right."""
    set_up_logging(log_level)
    # Not before somebody can be told that a library is missing.
    from gateway.memory import share_one_arena
    from gateway.service import serve
    from gateway.settings import GatewaySettings
    from gateway.supervision.service_manager import ServiceManager

    def load() -> GatewaySettings:
        try:
            return load_settings(file, GatewaySettings, language)
        except DeployError as error:
            raise SettingsError(f"{error}") from error

    share_one_arena()
    serve(load, stop_event(), ServiceManager())


def main() -> None:
    """Of `become`: a known fault is a sentence on standard error and exit code 1, never a traceback."""
    _gateway, _run, file, log_level, language = sys.argv[1:]  # so that a list of processes says what it is
    try:
        run(Path(file), log_level, "en" if language == "en" else "es")
    except (DeployError, GatewayError, BridgeError) as error:
        fault: Exception = error
    except ModuleNotFoundError as error:
        from deploy.cli.extras import missing_extra  # brings the command line, where nothing else will run

        if (told := missing_extra(error, "gateway")) is None:
            raise
        fault = told
    else:
        return
    words = fault.words("en" if language == "en" else "es") if isinstance(fault, DeployError) else fault
    sys.stderr.write(f"vigia: {words}\n")
    sys.exit(1)


if __name__ == "__main__":
    main()
