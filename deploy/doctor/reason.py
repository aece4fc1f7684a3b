"""What there is to say of a reason, and advice that many of them share."""

from __future__ import annotations

from typing import Final, NamedTuple

from deploy.doctor.findings import Text


class Reason(NamedTuple):
    """what: a few words. todo: advice. noise: some of it is normal, and only a larger share is worth a journey.
    harmless: any number of it is."""

    what: Text
    todo: Text
    noise: bool = False
    harmless: bool = False


CABLE: Final = Text(
    "Si son muchos: revise el cable, la antena y que nada cercano haga ruido eléctrico; baud igual en ambos lados",
    "If there are many: check the cable, the antenna and noise nearby; the same baud on both sides",
)
FIRMWARE: Final = Text(
    "El programa del sensor es más nuevo que Vigía, o falla: actualice Vigía o cambie el sensor",
    "The sensor's firmware is newer than Vigía, or faulty: update Vigía or change the sensor",
)
FILE: Final = Text("Ponga bien el archivo y reinicie el servicio", "Mend the file and restart the service")
NOTHING: Final = Text("No hay que hacer nada", "Nothing needs to be done")
MAINTAINER: Final = Text(
    "Anote el nombre entre paréntesis y avise a quien mantiene Vigía", "Tell whoever maintains Vigía the name"
)
