"""The account of the embedded PostgreSQL: the present one, or another for root, which PostgreSQL refuses."""

import contextlib
import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

ACCOUNTS_FOR_ROOT = ("postgres", "nobody")


class SubprocessOptions(TypedDict, total=False):
    """Popen's arguments that set the account."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class ServerAccount:
    """An account to run as; `None` is the present one."""

    uid: int | None = None
    gid: int | None = None

    def options(self) -> SubprocessOptions:
        """Arguments for `subprocess` that run a child as this account."""
        if self.uid is None or self.gid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def give(self, path: Path) -> None:
        """Make this account the owner of the path."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def reaches(self, *paths: Path) -> bool:
        """Whether the account may enter all these folders."""
        if self.uid is None:
            return True
        script = 'for p; do test -x "$p" || exit 1; done'
        done = subprocess.run(  # noqa: S603 - a fixed script, the paths are its arguments
            ["/bin/sh", "-c", script, "sh", *map(str, paths)],
            cwd="/",
            check=False,
            capture_output=True,
            **self.options(),
        )
        return done.returncode == 0


def account_for(cluster: Path) -> ServerAccount | None:
    """The present account; for root the cluster's owner, or an account that every system has.

    None if root finds no such account.
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
    """The name of the path's owner, for messages."""
    uid = path.stat().st_uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"account {uid}"
