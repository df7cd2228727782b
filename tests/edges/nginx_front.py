"""Debian's nginx with the sample configuration: two hosts over TLS, in front of Masthead and a publisher's server."""

import os
import shutil
import signal
import struct
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import MappingProxyType

import httpx
import psutil

import billing.edges
from billing.dev.demo.folder import free_ports
from tests.edges.paper import Paper
from tests.edges.tls_edge import ACCOUNTS, WWW, TlsEdge
from tests.support.certificates import authority
from tests.support.faulty_proxy import FaultyProxy
from tests.support.polling import eventually
from tests.support.publisher import Answer, serve
from tests.support.world import World

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
FOLDER = Path(billing.edges.__file__).parent / "nginx"
VALID_UNTIL = 8
"""Offset of `valid_sec` in nginx's cache files: a `time_t` after the format's version."""
MAIN = """
daemon off; worker_processes 2; pid {folder}/pid; error_log {folder}/errors.log warn;
events {{ worker_connections 256; }}
http {{
    access_log off; default_type text/plain; client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    include {folder}/accounts.conf;
    include {folder}/paywall.conf;
}}
"""


@dataclass
class Nginx(TlsEdge):
    """A running nginx."""

    folder: Path
    server: subprocess.Popen[bytes]

    def shorten_timeout(self) -> None:
        """Wait at most 100 ms for Masthead from now on. Returns when every process with the old timeout has ended."""
        configuration = self.folder / "masthead-gate.conf"
        configuration.write_text(configuration.read_text().replace("30s;", "100ms;"))
        before = psutil.Process(self.server.pid).children()
        self.server.send_signal(signal.SIGHUP)
        assert eventually(lambda: not any(worker.is_running() for worker in before))

    def caches(self, answers: int) -> bool:
        """Whether the cache soon holds this many of Masthead's answers. The answer about subscribers is fetched in the
        background.
        """
        return eventually(lambda: len(self._cached()) == answers)

    def forgets(self) -> bool:
        """Whether the cache soon holds no answer that permits access."""
        return eventually(lambda: not any(b"HTTP/1.1 204" in file.read_bytes() for file in self._cached()))

    def an_hour_passes(self) -> None:
        """Age all cached decisions by an hour and a second."""
        for file in self._cached():
            with file.open("r+b") as stream:
                stream.seek(VALID_UNTIL)
                (until,) = struct.unpack("q", stream.read(8))
                stream.seek(VALID_UNTIL)
                stream.write(struct.pack("q", until - 3601))

    def _cached(self) -> list[Path]:
        # nginx writes an answer to a name with a suffix, and renames it when it's whole
        found = (self.folder / "cache-decisions").rglob("*")
        return [path for path in found if path.is_file() and not path.suffix]


def configured(
    folder: Path, masthead: str, paper: int, ports: tuple[int, int], changes: Mapping[str, str]
) -> None:
    """Write the samples with this machine's addresses, and with 30 s in place of 300 ms, because the machine may be busy."""
    assert (FOLDER / "masthead-gate.conf").read_text().count("300ms;") == 3
    here = {
        "server 127.0.0.1:8000;": f"server {masthead.removeprefix('http://')};",
        "server 127.0.0.1:8080;": f"server 127.0.0.1:{paper};",
        "listen 443 ssl": f"listen 127.0.0.1:{ports[0]} ssl",
        "listen 80": f"listen 127.0.0.1:{ports[1]}",
        "300ms;": "30s;",
        "/etc/ssl/paper/": f"{folder}/ssl/",
        "/var/cache/nginx/": f"{folder}/cache-",
        "/etc/nginx/": f"{folder}/",
    }
    here |= changes
    seen: set[str] = set()
    for sample in FOLDER.iterdir():
        text = sample.read_text()
        for before, after in here.items():
            seen |= {before} if before in text else set()
            text = text.replace(before, after)
        (folder / sample.name).write_text(text)
    assert seen == set(here)
    authority().issue(ACCOUNTS, folder / "ssl", "accounts")
    authority().issue(WWW, folder / "ssl", "www")
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder))


def register_subscribers(world: World) -> None:
    """Register the article by which nginx checks for a subscription."""
    body = {"title": "-", "url": "https://news.example/-", "section": "-", "access": "subscriber"}
    at = {"published_at": world.now.isoformat()}
    world.api.put("/v1/articles/subscribers", json=body | at).raise_for_status()


@contextmanager
def nginx_front(
    world: World,
    proxy: FaultyProxy,
    folder: Path,
    changes: Mapping[str, str] = MappingProxyType({}),
    pages: Callable[[BaseHTTPRequestHandler], Answer] | None = None,
    masthead: str = "",
) -> Iterator[Nginx]:
    """Run nginx in front of Masthead and a publisher's server.

    Masthead is reached through the proxy, or at `masthead`. The server trusts X-Masthead-Access; `pages` replaces it. `changes` are an
    operator's replacements in the samples."""
    assert NGINX is not None
    register_subscribers(world)
    paper = Paper(lambda headers, query: bool(headers.get("x-masthead-access")))
    with serve(pages or paper) as paper_port:
        tls, plain = free_ports(0, 0)
        configured(folder, masthead or proxy.url, paper_port, (tls, plain), changes)
        folder.chmod(0o755)
        command: list[str | Path] = [
            NGINX,
            "-p",
            folder,
            "-e",
            folder / "errors.log",
            "-c",
            folder / "nginx.conf",
        ]
        as_root = ["-g", "user root;"] if os.geteuid() == 0 else []
        with subprocess.Popen([*command, *as_root]) as server:
            url = f"https://127.0.0.1:{tls}"
            found = Nginx(world, proxy, paper, url, tls, plain, folder, server)
            try:
                assert eventually(lambda: _answers(found)), (folder / "errors.log").read_text()
                yield found
            finally:
                server.terminate()


def _answers(edge: Nginx) -> bool:
    try:
        return edge.get("/about").status_code < 500
    except httpx.TransportError:
        return False
