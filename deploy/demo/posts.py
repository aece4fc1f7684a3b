"""The three posts that the demo plays, named after the landscape's protected areas."""

from __future__ import annotations

from typing import Final, NamedTuple


class Post(NamedTuple):
    """A control post.

    sensors: in the order of the scenario's, which they play. scenario_s: how long one play is. group: what its sensors
    are called together. sites: kilometres east and north of the middle of its map, for each sensor. river_km: or
    kilometres up the river, as in the scenario.
    """

    station: str
    territory: str
    scenario: str
    scenario_s: float
    sensors: tuple[str, ...]
    group: str
    sites: tuple[tuple[float, float], ...]
    river_km: tuple[float, ...] = ()


POSTS: Final = (
    Post(
        "puesto-yaguas",
        "yaguas",
        "chainsaw",
        1500,
        ("trocha-norte", "trocha-sur", "lindero-este"),
        "Lindero",
        ((1.8, 2.4), (0.2, -2.1), (4.4, -1.6)),
    ),
    Post(
        "puesto-ampiyacu",
        "ampiyacu-apayacu",
        "boat_passing",
        3600,
        ("rio-abajo", "rio-medio", "rio-arriba"),
        "Río Sereno",
        ((0.0, 0.0), (2.5, 0.0), (5.0, 0.0)),
        river_km=(0.0, 2.5, 5.0),
    ),
    Post(
        "puesto-maijuna",
        "maijuna-kichwa",
        "day_at_a_post",
        86_400,
        ("puesto", "quebrada-arriba", "trocha-norte"),
        "Quebrada",
        ((-3.2, 0.4), (2.4, 2.2), (1.0, -1.9)),
    ),
)
"""The first is the one whose link is cut and whose gateway is killed."""
