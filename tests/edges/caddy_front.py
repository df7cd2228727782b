"""Debian's Caddy with the sample configuration: Masthead's own host over TLS."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import httpx

import billing.edges
from billing.dev.demo.folder import free_ports
from tests.edges.paper import Paper
from tests.edges.tls_edge import ACCOUNTS, TlsEdge
from tests.support.certificates import authority
from tests.support.faulty_proxy import FaultyProxy
from tests.support.polling import eventually
from tests.support.world import World

CADDY = shutil.which("caddy")
SAMPLE = Path(billing.edges.__file__).parent / "caddy" / "Caddyfile"


@dataclass
class Caddy(TlsEdge):
    """A running Caddy."""

    folder: Path


def variables(folder: Path, masthead: str) -> dict[str, str]:
    """The environment of the sample. What Caddy keeps goes into the folder."""
    kept = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    return (
        dict(os.environ)
        | kept
        | {"MASTHEAD_HOST": ACCOUNTS, "MASTHEAD_WEB": masthead.removeprefix("http://")}
    )


def configured(folder: Path, ports: tuple[int, int], changes: Mapping[str, str]) -> Path:
    """Write the sample with this machine's ports, and with a certificate of the tests in place of a fetched one."""
    authority().issue(ACCOUNTS, folder / "ssl", "accounts")
    certificate = f"tls {folder}/ssl/accounts.pem {folder}/ssl/accounts.key"
    here = {
        "\tservers {": f"\tadmin off\n\thttps_port {ports[0]}\n\thttp_port {ports[1]}\n\tservers {{",
        "\theader -Via": f"\theader -Via\n\t{certificate}",
    } | dict(changes)
    text = SAMPLE.read_text()
    for before, after in here.items():
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    written = folder / "Caddyfile"
    written.write_text(text)
    return written


@contextmanager
def caddy_front(
    world: World,
    proxy: FaultyProxy,
    folder: Path,
    changes: Mapping[str, str] = MappingProxyType({}),
    masthead: str = "",
) -> Iterator[Caddy]:
    """Run Caddy in front of Masthead, which is reached through the proxy, or at `masthead`. `changes` are an operator's
    replacements in the sample."""
    assert CADDY is not None
    tls, plain = free_ports(0, 0)
    written = str(configured(folder, (tls, plain), changes))
    command = [CADDY, "run", "--adapter", "caddyfile", "--config", written]
    given = variables(folder, masthead or proxy.url)
    with (folder / "log").open("wb") as log, subprocess.Popen(command, env=given, stderr=log) as server:
        url = f"https://127.0.0.1:{tls}"
        found = Caddy(world, proxy, Paper(lambda headers, query: False), url, tls, plain, folder)
        try:
            assert eventually(lambda: _answers(found)), (folder / "log").read_text()
            yield found
        finally:
            server.terminate()


def _answers(edge: Caddy) -> bool:
    try:
        return edge.get("/metrics", host=ACCOUNTS).status_code == 404
    except httpx.TransportError:
        return False
