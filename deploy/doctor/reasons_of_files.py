"""Why pictures, clips and pieces of them were discarded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from deploy.doctor.findings import Text
from deploy.doctor.reason import CABLE, NOTHING, Reason

_CARD: Final = Text(
    "Si se repite con la misma cámara o grabadora, cambie su tarjeta",
    "If it happens again with the same camera or recorder, change its card",
)
_AS_WAV: Final = Text("Grabe en WAV de 16 bits, en archivos más cortos", "Record WAV of 16 bits, in shorter files")
_SMALLER: Final = Text(
    "Baje el tamaño en la cámara o grabadora, o suba max_megabytes", "Set a smaller size there, or raise max_megabytes"
)
_DISK: Final = Text(
    "Libere espacio en el disco y revise los permisos de su directorio", "Make room on the disk; check its permissions"
)
_TRANSFER: Final = Text(
    "La cámara lo manda otra vez sola; si son muchas, revise el cable",
    "The camera sends it again by itself; if there are many, check the cable",
)

REASONS_OF_FILES: Final[Mapping[str, Reason]] = {
    "not_a_picture": Reason(Text("archivos que no son fotos", "files that are no pictures"), _CARD),
    "bad_picture": Reason(Text("fotos dañadas", "damaged pictures"), _CARD),
    "unsupported_picture": Reason(
        Text("fotos de una clase que no se sabe leer", "pictures of a sort that cannot be read"),
        Text("Ponga la cámara a guardar JPEG", "Set the camera to store JPEG"),
    ),
    "too_many_pixels": Reason(Text("fotos con demasiados píxeles", "pictures with too many pixels"), _SMALLER),
    "too_large": Reason(Text("archivos demasiado grandes", "files that are too large"), _SMALLER),
    "not_a_wav": Reason(Text("sonidos que no son WAV", "sounds that are no WAV"), _AS_WAV),
    "rf64": Reason(Text("sonidos en archivos de más de 4 GB", "sounds in files above 4 GB"), _AS_WAV),
    "no_format": Reason(Text("sonidos sin su formato", "sounds without their format"), _CARD),
    "bad_format": Reason(Text("sonidos en un formato que no se sabe leer", "sounds of an unknown format"), _AS_WAV),
    "no_samples": Reason(Text("sonidos vacíos", "empty sounds"), _CARD),
    "free_label": Reason(
        Text("sonidos con una etiqueta que ningún aviso conoce", "sounds with a label that no warning knows"),
        Text(
            "Se guardan como vinieron y no avisan; para que avisen, nómbrelos con una etiqueta de"
            " `vigia gateway config`, [lanes] alert_labels, como chainsaw o motosierra",
            "They are kept as they came, and warn nobody; to warn, name them by a label of `vigia gateway config`,"
            " [lanes] alert_labels, such as chainsaw",
        ),
    ),
    "too_deep": Reason(
        Text("archivos en carpetas demasiado hondas", "files in directories too deep"),
        Text(
            "No se leen: suba max_depth de esa fuente, o guarde los archivos más arriba",
            "They are not read: raise max_depth of that source, or store the files higher up",
        ),
    ),
    "unreadable": Reason(Text("archivos que no se pudieron leer", "files that could not be read"), _CARD),
    "unwritable": Reason(Text("archivos que no se pudieron guardar", "files that could not be kept"), _DISK),
    "disk_full": Reason(Text("archivos para los que no hubo espacio", "files for which there was no room"), _DISK),
    "not_kept": Reason(Text("fotos o sonidos que no se guardan aquí", "pictures or sounds that are not kept"), NOTHING),
    "evicted_delivered": Reason(
        Text("fotos o sonidos que la sede ya tiene", "pictures or sounds that headquarters has"), NOTHING, harmless=True
    ),
    "evicted_undelivered": Reason(
        Text("fotos o sonidos borrados por falta de espacio", "pictures or sounds deleted for want of room"),
        Text(
            "La sede solo tiene su miniatura: suba [media] max_megabytes, o ponga un disco más grande",
            "Headquarters has their thumbnails only: raise [media] max_megabytes, or put in a larger disk",
        ),
    ),
    "altered": Reason(Text("archivos que cambiaron al copiarlos", "files that changed while being copied"), _CARD),
    "bad_sha256": Reason(Text("fotos que llegaron alteradas", "pictures that came altered"), _TRANSFER),
    "bad_chunk_crc": Reason(
        Text("trozos de foto dañados en el camino", "pieces damaged on the way"), CABLE, noise=True
    ),
    "bad_chunk": Reason(Text("trozos de foto que no corresponden", "pieces that do not fit"), _TRANSFER, noise=True),
    "chunk_gap": Reason(Text("trozos de foto que faltaron", "pieces that were missed"), _TRANSFER, noise=True),
    "repeated_chunk": Reason(Text("trozos de foto repetidos", "repeated pieces"), NOTHING, harmless=True),
    "unasked_chunk": Reason(
        Text("trozos de foto que nadie pidió", "pieces that nobody asked for"), NOTHING, harmless=True
    ),
    "stalled": Reason(
        Text("fotos que dejaron de llegar a medias", "pictures that stopped half-way"),
        Text("Revise la luz y el cable de la cámara", "Check the camera's power and cable"),
        noise=True,
    ),
}
