"""The manifest of a backup: where it comes from, which secret key opens it, and the checksum of each file.

It is written last, and a folder without one is no backup."""

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from billing.platform.errors import RefusesToStart

NAME = "manifest.json"
DATABASE, JOURNAL = "database", "journal"
"""The folders of a backup: what `pg_dump` wrote, and copies of the send logs."""


class FileSum(BaseModel):
    """Size in bytes and SHA-256 of a file."""

    model_config = ConfigDict(frozen=True)

    size: int
    sha256: str


class Manifest(BaseModel):
    """All that `restore` checks before it begins."""

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    masthead: str
    """The release that made the backup."""
    environment: str
    installation: str
    revisions: tuple[str, ...]
    """The migrations that the database is at."""
    taken_at: datetime
    postgresql: int
    """Major version of the server."""
    pg_dump: int
    """Major version of the program; an older `pg_restore` may not read its files."""
    key_check: str
    """Check value of the secret key that opens the database. The key can't be derived from it."""
    files: dict[str, FileSum]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files.values())


def measure(folder: Path) -> dict[str, FileSum]:
    """Size and checksum of each file below the folder, except the manifest."""
    return {
        str(path.relative_to(folder)): _measured(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / NAME
    }


def _measured(path: Path) -> FileSum:
    with path.open("rb") as file:
        return FileSum(size=path.stat().st_size, sha256=hashlib.file_digest(file, "sha256").hexdigest())


def verify(folder: Path) -> Manifest:
    """The manifest of a whole backup. Raises RefusesToStart where it is none, or a file was lost, changed or added."""
    try:
        manifest = Manifest.model_validate_json((folder / NAME).read_bytes())
    except OSError:
        raise RefusesToStart(
            f"{folder} is no whole backup: its {NAME} can't be read. Name the folder that `billing backup` printed."
        ) from None
    except ValidationError:
        raise RefusesToStart(
            f"{folder / NAME} is damaged, or was written by a later release of Masthead."
        ) from None
    found = measure(folder)
    differing = sorted(
        name for name in found.keys() | manifest.files.keys() if found.get(name) != manifest.files.get(name)
    )
    if differing:
        raise RefusesToStart(
            f"{folder} isn't as it was written: {', '.join(differing[:5])} changed, or is missing or new. Use another backup."
        )
    return manifest
