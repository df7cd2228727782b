"""Whom the embedded PostgreSQL runs as: ourselves, or, as it refuses root, another account of the system."""

import contextlib
import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

ACCOUNTS_FOR_ROOT = ("postgres", "nobody")


class SubprocessOptions(TypedDict, total=False):
    """The part of Popen's arguments that changes the account."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class ServerAccount:
    """An account to run as; `None` stands for our own."""

    uid: int | None = None
    gid: int | None = None

    def options(self) -> SubprocessOptions:
        """What `subprocess` needs to run a child as this account."""
        if self.uid is None or self.gid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def give(self, path: Path) -> None:
        """Make this account the owner of the path."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def reaches(self, *paths: Path) -> bool:
        """Whether the account may pass through all these folders."""
        if self.uid is None:
            return True
        script = 'for p; do test -x "$p" || exit 1; done'
        asked = subprocess.run(  # noqa: S603 - a fixed script, the paths are its arguments
            ["/bin/sh", "-c", script, "sh", *map(str, paths)],
            cwd="/",
            check=False,
            capture_output=True,
            **self.options(),
        )
        return asked.returncode == 0


def account_for(cluster: Path) -> ServerAccount | None:
    """Ourselves, unless we are root: then the owner of the cluster, or an account every system has.

    None when root finds no such account.
    """
    if os.geteuid() != 0:
        return ServerAccount()
    if cluster.exists() and cluster.stat().st_uid != 0:
        owner = cluster.stat()
        return ServerAccount(owner.st_uid, owner.st_gid)
    for name in ACCOUNTS_FOR_ROOT:
        with contextlib.suppress(KeyError):
            found = pwd.getpwnam(name)
            return ServerAccount(found.pw_uid, found.pw_gid)
    return None


def owner_of(path: Path) -> str:
    """The name of the account that owns the path, for people to read."""
    uid = path.stat().st_uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"account {uid}"
