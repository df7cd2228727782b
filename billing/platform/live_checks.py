"""Checks of live settings that need more than the value. Each returns what is wrong, in words, or None."""

import ipaddress
import os
import stat
import tempfile
from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path
from urllib.parse import unquote, urlsplit

from billing.platform.database_address import as_libpq, parameters
from billing.platform.errors import RefusesToStart

PROVED = ("verify-full", "verify-ca")
"""The values of libpq's `sslmode` that check the server's certificate; `require` encrypts to any server.
Source: https://www.postgresql.org/docs/current/libpq-ssl.html, "Protection Provided in Different Modes"."""
RESERVED = ("example", "invalid", "localhost", "test")
"""Domains for samples, with `example.com` and its like. Source: RFC 2606."""
TEMPORARY = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))  # noqa: S108 - these are refused


def database_fault(url: str) -> str | None:
    """A database on another machine needs TLS with a checked certificate (ASVS 12.3.2)."""
    try:
        given = parameters(as_libpq(url))
    except RefusesToStart:
        return None  # connecting reports it
    service, mode = _given_or_set(given, "service"), given.get("sslmode", "")
    if not service:  # a service's file may name another host and mode, and they precede the environment
        mode = mode or os.environ.get("PGSSLMODE", "")
    addresses, hosts = (_given_or_set(given, name).split(",") for name in ("hostaddr", "host"))
    here = all(is_here(address or host) for address, host in zip_longest(addresses, hosts, fillvalue=""))
    if mode in PROVED or (here and not service):
        return None
    return (
        f"leads to another machine with sslmode={mode or 'prefer'}, which anybody between can read or answer in its place:"
        " add sslmode=verify-full and sslrootcert=system, or the file of your provider's certificates"
    )


def _given_or_set(given: Mapping[str, str], name: str) -> str:
    """The value that libpq uses: the URL's, or else the environment's. PGHOSTADDR counts even where the URL names a host.
    Source: https://www.postgresql.org/docs/current/libpq-envars.html."""
    return given.get(name) or os.environ.get(f"PG{name.upper()}", "")


def relay_fault(url: str) -> str | None:
    """Mail leaves this machine encrypted (A7)."""
    parts = urlsplit(url)
    if parts.scheme != "smtp" or is_here(parts.hostname or ""):
        return None
    return "leads to another machine unencrypted: use smtps:// or smtp+starttls://"


def journal_fault(value: str) -> str | None:
    """The send logs need a folder that no other user can write to, and that survives a restart."""
    path = Path(value)
    if not value:
        return "is empty, and the notes of what was sent would lie among temporary files: name a folder of its own"
    if not path.is_absolute():
        return "is no absolute path: which folder it names depends on where the process was started"
    resolved = path.resolve()
    if any(resolved.is_relative_to(folder.resolve()) for folder in (*TEMPORARY, Path(tempfile.gettempdir()))):
        return "is a folder for temporary files, which others may write into and a restart may empty"
    return None


def privacy_fault(folder: Path) -> str | None:
    """A folder must be no link, belong to this user, and be closed to others. It may be missing."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISDIR(found.st_mode):
        return "is no folder"
    if found.st_uid != os.geteuid():
        return "belongs to somebody else"
    return "is open to others: say chmod 700" if stat.S_IMODE(found.st_mode) & 0o077 else None


def reused(secret: str, others: dict[str, tuple[str, ...]]) -> list[str]:
    """The names of other settings that hold this secret too, so that a leak of one would reveal both."""
    return [
        name
        for name, values in others.items()
        if any(secret in unquote(value) or secret in value for value in values)
    ]


def sample_host(value: str | tuple[str, ...]) -> str | None:
    """The first host in these addresses that is reserved for samples, or is this machine."""
    for address in value if isinstance(value, tuple) else (value,):
        host = urlsplit(address).hostname if "://" in address else address.rpartition("@")[2]
        labels = (host or "").casefold().split(".")
        if (
            labels[-1] in RESERVED
            or labels[-2:-1] == ["example"]
            or ("://" in address and is_here(host or ""))
        ):
            return host
    return None


def is_here(host: str) -> bool:
    """Whether a host is this machine: loopback, or the folder of a socket."""
    try:
        return not host or host.startswith(("/", "@")) or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
