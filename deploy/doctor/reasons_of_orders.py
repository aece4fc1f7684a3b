"""Why a post did not begin an order, in plain words. The same names mean other things of sensors and files, so these
hold only where orders are counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from deploy.doctor.findings import Text
from deploy.doctor.reason import MAINTAINER, NOTHING, Reason

_STRANGER: Final = Text(
    "La clave pública del puesto ([commands] key_file) no es la de la sede, o alguien que tiene el broker imita a la "
    "sede: compare las dos claves",
    "The post's public key ([commands] key_file) is not headquarters', or somebody who holds the broker imitates it: "
    "compare the two keys",
)
_NEWER: Final = Text(
    "La sede usa otro Vigía que el puesto: ponga el mismo en los dos",
    "Headquarters runs another Vigía than the post: put the same at both",
)

REASONS_OF_ORDERS: Final[Mapping[str, Reason]] = {
    "bad_signature": Reason(Text("órdenes que la sede no firmó", "orders that headquarters did not sign"), _STRANGER),
    "bad_command": Reason(Text("órdenes que este puesto no entiende", "orders that this post does not know"), _NEWER),
    "unknown_version": Reason(Text("órdenes de otra versión", "orders of another version"), _NEWER),
    "too_large": Reason(Text("órdenes demasiado grandes", "orders that are too large"), _STRANGER),
    "bad_station": Reason(Text("órdenes para nadie", "orders for nobody"), MAINTAINER),
    "wrong_station": Reason(
        Text("órdenes para otro puesto", "orders for another post"),
        Text(
            "El broker entrega a este puesto lo de otro: revise sus permisos con la sede",
            "The broker gives this post what is another's: see to its permissions with headquarters",
        ),
    ),
    "no_room": Reason(
        Text("órdenes que llegaron demasiado juntas", "orders that came too close together"), NOTHING, noise=True
    ),
    "repeated": Reason(
        Text("órdenes repetidas, que se cumplieron una sola vez", "orders repeated, and carried out once"),
        NOTHING,
        harmless=True,
    ),
    "maybe_repeated": Reason(
        Text("órdenes de antes de lo que el puesto recuerda", "orders from before what the post remembers"),
        Text(
            "El puesto perdió su registro de órdenes: dé de nuevo lo que falte",
            "The post lost its record of orders: give again what is wanting",
        ),
    ),
    "clock_not_trusted": Reason(
        Text("órdenes que esperan a que el puesto sepa la hora", "orders that wait until the post knows the time"),
        Text(
            "Mire el reloj del puesto (GPS o red); o dé la orden con --any-time",
            "See to the post's clock (GPS or network); or give the order with --any-time",
        ),
    ),
    "expired": Reason(
        Text("órdenes que llegaron vencidas", "orders that came after their time"),
        Text("Dé la orden otra vez, con más --hours", "Give the order again, with more --hours"),
    ),
    "ledger": Reason(
        Text("órdenes que no se pudieron anotar en el disco", "orders that could not be noted on disk"),
        Text("Revise el disco: sin anotarla no se cumple ninguna", "See to the disk: without a note none is begun"),
    ),
}
