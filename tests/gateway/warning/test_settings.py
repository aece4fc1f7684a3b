"""What may be said of outputs."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from gateway.settings import GatewaySettings

SIREN = {"output": "siren", "name": "sirena", "pin": 17}


def test_a_post_that_says_nothing_writes_into_its_log() -> None:
    (only,) = GatewaySettings().warnings
    assert (only.output, only.name, only.lang) == ("log", "log", "es")


@pytest.mark.parametrize(
    ("warnings", "said"),
    [
        ([SIREN, SIREN], "two outputs are called sirena"),
        ([SIREN | {"labels": ["motosierra"]}], "do you mean chainsaw"),
        ([SIREN | {"hours": "9-17"}], "pattern"),
        ([SIREN | {"pin": 28}], "27"),
        ([SIREN | {"pattern": [0.0]}], "0.05"),
        ([SIREN | {"levels": []}], "at least 1"),
        ([{"output": "radio", "name": "r", "source": "malla"}], "no source is called so"),
        ([{"output": "webhook", "name": "w", "url": "ftp://x"}], "pattern"),
        ([{"output": "humo", "name": "w"}], "humo"),
    ],
)
def test_what_cannot_be_is_refused(warnings: list[dict[str, object]], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        GatewaySettings.model_validate({"warnings": warnings})


def test_silence_is_something_to_warn_of() -> None:
    assert GatewaySettings.model_validate({"warnings": [SIREN | {"labels": ["silence", "chainsaw"]}]}).warnings
