"""Words for a sensor, looked at before they are signed: our sensors know a few, and a radio takes any."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from deploy.language import Text
from deploy.orders.checking import Post, Remark, close

FORMS: Final = {
    "ping": Text("ping", "ping"),
    "status": Text("status", "status"),
    "identify": Text("identify SEGUNDOS (0 a 255)", "identify SECONDS (0 to 255)"),
    "interval": Text(
        "interval TIPO SEGUNDOS (environment, device_status o position; 1 a 604800)",
        "interval KIND SECONDS (environment, device_status or position; 1 to 604800)",
    ),
    "reboot": Text("reboot SEGUNDOS (0 a 255)", "reboot SECONDS (0 to 255)"),
}
"""The words that our sensors know (`firmware_bridge.commands.words`), and what goes with each."""


def words_remarks(post: Post | None, name: str, text: str) -> Iterator[Remark]:
    """What a sensor of ours would not understand. What is none of the post's sensors, where the registry lists them, is
    a source such as its radio, and that takes any words."""
    from firmware_bridge.commands.words import body_of
    from firmware_bridge.readings import Downlink, DownlinkError

    if not text or (post is not None and post.sensors and name not in post.sensors):
        return
    try:
        body_of(Downlink(name, text=text))
    except DownlinkError:
        first = next(iter(text.lower().split()), "")
        meant = first if first in FORMS else close(first, FORMS)
        if meant:
            form = FORMS[meant]
            end = Text(f"¿quiso decir {form.es}?", f"do you mean {form.en}?")
        else:
            end = Text(
                "conoce: " + "; ".join(form.es for form in FORMS.values()),
                "it knows: " + "; ".join(form.en for form in FORMS.values()),
            )
        yield Remark(
            Text(
                f"{text!r} no es una orden que un sensor nuestro entienda; {end.es} (si {name} es una radio, toma"
                " cualquier texto)",
                f"{text!r} is no command that a sensor of ours understands; {end.en} (if {name} is a radio, it takes"
                " any text)",
            )
        )
