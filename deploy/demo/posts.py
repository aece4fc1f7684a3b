"""The three posts that the demo plays, named after the landscape's protected areas."""

from __future__ import annotations

from typing import Final, NamedTuple


class Post(NamedTuple):
    """A control post. sensors: in the order of the scenario's, which they play. scenario_s: how long one play is."""

    station: str
    territory: str
    scenario: str
    scenario_s: float
    sensors: tuple[str, ...]


POSTS: Final = (
    Post("puesto-yaguas", "yaguas", "chainsaw", 1500, ("trocha-norte", "trocha-sur", "lindero-este")),
    Post("puesto-ampiyacu", "ampiyacu-apayacu", "boat_passing", 3600, ("rio-abajo", "rio-medio", "rio-arriba")),
    Post("puesto-maijuna", "maijuna-kichwa", "day_at_a_post", 86_400, ("puesto", "quebrada-arriba", "trocha-norte")),
)
"""The first is the one whose link is cut and whose gateway is killed."""
