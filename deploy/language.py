"""What is said to a person, in Spanish and in English."""

from __future__ import annotations

import errno
from typing import Final, Literal, NamedTuple, TypeAlias

Language: TypeAlias = Literal["es", "en"]


class Text(NamedTuple):
    """The same in Spanish and in English."""

    es: str
    en: str

    def __call__(self, language: Language) -> str:
        """In one language."""
        return self.es if language == "es" else self.en

    def filled(self, **words: object) -> Text:
        """With words in the places of both."""
        return Text(self.es.format(**words), self.en.format(**words))


_SYSTEM: Final = {
    errno.ENOENT: "no existe",
    errno.EACCES: "sin permiso",
    errno.EPERM: "sin permiso",
    errno.EEXIST: "ya existe, y no es lo que debe ser",
    errno.EISDIR: "es un directorio",
    errno.ENOTDIR: "parte de la ruta no es un directorio",
    errno.EIO: "el disco o la tarjeta no responde",
    errno.ENOSPC: "el disco está lleno",
    errno.EROFS: "el disco es de solo lectura",
    errno.ELOOP: "demasiados enlaces simbólicos",
    errno.ENAMETOOLONG: "el nombre es demasiado largo",
    errno.ECONNREFUSED: "nadie contesta en ese puerto",
    errno.ECONNRESET: "el otro lado cortó la conexión",
    errno.ETIMEDOUT: "no hubo respuesta a tiempo",
    errno.EHOSTUNREACH: "no hay camino hasta allí",
    errno.ENETUNREACH: "no hay red",
}


def system_words(error: OSError) -> Text:
    """What the operating system says; in English too where we have no Spanish for it."""
    english = error.strerror or str(error)
    return Text(_SYSTEM.get(error.errno or 0, english), english)
