"""The registry of territories and stations, and what is wrong with it told line by line in both languages."""

from __future__ import annotations

from pathlib import Path

from deploy.language import Language, Text
from deploy.settings.file import load_settings
from deploy.settings.problems import Problem, SettingsFileError
from ingest.registry import RegistryError, RegistryFile, read_registry


def load_registry(path: Path, language: Language = "es") -> RegistryFile:
    """The registry as ingest reads it. Raises SettingsFileError with every problem found."""
    try:
        return read_registry(path)
    except RegistryError as error:
        load_settings(path, RegistryFile, language)
        # Ingest is stricter than we are: its own words are better than none.
        problem = Problem(None, "", Text(f"no sirve; en inglés: {error}", str(error)))
        raise SettingsFileError(path, [problem], language) from error
