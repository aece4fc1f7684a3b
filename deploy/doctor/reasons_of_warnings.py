"""What the watch, its history and the outputs of warnings count, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from deploy.doctor.findings import Text
from deploy.doctor.reason import NOTHING, Reason

REASONS_OF_WARNINGS: Final[Mapping[str, Reason]] = {
    "warning_failed": Reason(
        Text("veces que una salida de avisos falló", "times that an output of warnings failed"),
        Text(
            "Vea qué dice la página del puesto de esa salida, y pruébela allí",
            "See what the post's page says of that output, and test it there",
        ),
        noise=True,
    ),
    "warning_too_late": Reason(
        Text("avisos que ya no se dieron por tardíos", "warnings that were not given, for it was too late"),
        Text(
            "La salida no funcionó a tiempo: revise la sirena, la radio o la conexión, y pruébela en la página",
            "The output did not work in time: see to the siren, the radio or the link, and test it on the page",
        ),
    ),
    "warning_came_late": Reason(
        Text("avisos de algo que llegó tarde al puesto", "warnings of what reached the post too late"),
        Text(
            "La salida no tiene culpa: lo oído estaba en una tarjeta o un sensor sin señal. Recoja la tarjeta más "
            "seguido; si quiere avisos así, suba too_late_s en [[warnings]]",
            "It is not the output's fault: it lay on a card, or in a sensor without a link. Collect the card more "
            "often; to be warned all the same, raise too_late_s in [[warnings]]",
        ),
    ),
    "warning_refused": Reason(
        Text("avisos que la otra parte rechazó", "warnings that the other side refused"),
        Text("Revise su dirección y su clave en [[warnings]]", "See its address and secret in [[warnings]]"),
    ),
    "warning_not_kept": Reason(
        Text(
            "avisos que se dieron sin poder guardarlos por si se corta la luz",
            "warnings that were given but could not be kept on disk for a restart",
        ),
        Text("Revise el espacio y el estado de la tarjeta SD", "See to the room and the health of the SD card"),
    ),
    "watch_overflow": Reason(
        Text("lecturas que las reglas no alcanzaron a ver", "readings that the rules had no time for"),
        Text(
            "Se enviaron igual; algún sensor habla demasiado: vea cuál en la página",
            "They were sent all the same; some sensor says too much: see which on the page",
        ),
    ),
    "alerts_merged": Reason(
        Text("alertas iguales que se vieron como una", "alike alerts that were looked at as one"),
        NOTHING,
        harmless=True,
    ),
    "facts_evicted": Reason(
        Text("del historial, borradas por falta de lugar", "of the history, let go for lack of room"),
        Text("Si las necesita para probar reglas, suba max_megabytes en [history]", "Raise max_megabytes in [history]"),
        noise=True,
    ),
    "facts_not_kept": Reason(
        Text("que no se pudieron guardar en el historial", "that could not be kept in the history"),
        Text("Revise el espacio y el estado de la tarjeta SD", "See to the room and the health of the SD card"),
    ),
    "history_set_aside": Reason(
        Text("veces que el historial se dañó y se apartó", "times the history was damaged and set aside"),
        Text(
            "Suele ser por cortes de luz o una tarjeta SD gastada: si se repite, cambie la tarjeta",
            "Mostly power cuts or a worn SD card: if it happens again, change the card",
        ),
    ),
}
