"""What is carried to a post on a USB stick: the authority's certificate, its own certificate and its key."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Final

from deploy.errors import DeployError
from deploy.language import Text
from deploy.pki import files
from deploy.pki.authority import BROKER, current_files, issued_name

_ARCHIVES: Final = (".tar.gz", ".tgz")


def bundle(directory: Path, name: str, out: Path) -> Path:
    """Write the bundle of a station (`station.crt`, `station.key`) or of a service (for `service.ingest`: `ingest.crt`,
    `ingest.key`), with `ca.crt`, to a file that ends in .tar.gz or .tgz, or to a new folder. Missing folders on the way
    to `out` are made. A service may be named without `service.`, as when it was issued. Returns `out`.

    The names are those that the settings of gateway and ingest have by default in /etc/vigia.

    The file or folder is for its owner only, though a USB stick (FAT) does not keep that. Raises DeployError when
    `out` is there already or the certificate is revoked or has expired, and OSError.
    """
    name = issued_name(directory, name)
    certificate, key = current_files(directory, name)
    if name == BROKER:
        raise DeployError(
            Text(
                "los archivos del broker los escribe `vigia deploy broker`; no van en un paquete",
                "the broker's files are written by `vigia deploy broker`, not carried in a bundle",
            )
        )
    if out.exists():
        raise DeployError(
            Text(
                f"{out} ya existe: elija otro lugar, o bórrelo antes",
                f"{out} is there already: choose another place, or remove it first",
            )
        )
    stem = name.removeprefix("service.") if name.startswith("service.") else "station"
    parts = {
        "ca.crt": ((directory / "ca.crt").read_bytes(), files.PUBLIC),
        f"{stem}.crt": (certificate.read_bytes(), files.PUBLIC),
        f"{stem}.key": (key.read_bytes(), files.PRIVATE),
    }
    if out.name.endswith(_ARCHIVES):
        files.make_directory(out.parent)
        files.write(out, _archive(parts), files.PRIVATE)
    else:
        files.make_directory(out)
        for part, (content, mode) in parts.items():
            files.write(out / part, content, mode)
    return out


def _archive(parts: dict[str, tuple[bytes, int]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, (content, mode) in parts.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
