"""nginx as Debian has it, with the sample configuration as it stands: two hosts, over TLS, before Masthead and a paper."""

import os
import shutil
import signal
import socket
import ssl
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
from billing.dev.demo.folder import free_port
from tests.edges.before import Edge
from tests.edges.paper import Paper
from tests.support.certificates import authority
from tests.support.faulty_proxy import FaultyProxy
from tests.support.polling import eventually
from tests.support.publisher import Answer, serve
from tests.support.world import World

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
FOLDER = Path(billing.edges.__file__).parent / "nginx"
ACCOUNTS, WWW = "accounts.paper.example", "www.paper.example"
VALID_UNTIL = 8
"""Where a file of nginx's cache says until when it is fresh: `time_t`, after a word with the format's version."""
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
class Nginx(Edge):
    """nginx at work."""

    folder: Path
    server: subprocess.Popen[bytes]
    port: int
    plain_port: int

    def get(self, path: str, method: str = "GET", host: str = WWW, **headers: str) -> httpx.Response:
        """As a browser asks one of the hosts, which keeps nothing."""
        with httpx.Client(verify=authority().trusted(), trust_env=False, timeout=90) as http:
            named = {"host": host} | headers
            sni = {"sni_hostname": host}
            return http.request(method, f"{self.url}{path}", headers=named, extensions=sni)

    def raw(self, path: str, headers: str, host: str = WWW, named: str = "", method: str = "GET") -> bytes:
        """Asked for, and answered, as it was written. `named`: what the request calls the host, if it is another name."""
        with self._connection(path, headers, host, named or host, method) as connection:
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def status(self, path: str, headers: str = "", host: str = WWW, method: str = "GET") -> int:
        """The status alone; no more of the answer is read."""
        with self._connection(path, headers, host, host, method) as connection:
            return int(connection.recv(1024).split()[1])

    @contextmanager
    def _connection(
        self, path: str, headers: str, host: str, named: str, method: str
    ) -> Iterator[ssl.SSLSocket]:
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as bare:
            with authority().trusted().wrap_socket(bare, server_hostname=host) as connection:
                lines = f"{method} {path} HTTP/1.1\r\nHost: {named}\r\nConnection: close\r\n{headers}"
                connection.sendall(f"{lines.strip()}\r\n\r\n".encode())
                yield connection

    def is_hasty(self) -> None:
        """From now on it waits a tenth of a second for Masthead's word. Returns when no process is left that waits longer."""
        told = self.folder / "masthead-gate.conf"
        told.write_text(told.read_text().replace("30s;", "100ms;"))
        before = psutil.Process(self.server.pid).children()
        self.server.send_signal(signal.SIGHUP)
        assert eventually(lambda: not any(worker.is_running() for worker in before))

    def remembers(self, answers: int) -> bool:
        """Whether so many answers of Masthead's are kept, before long: the one about subscribers comes beside the page."""
        return eventually(lambda: len(self._kept()) == answers)

    def forgets(self) -> bool:
        """Whether nothing that is kept lets anybody in, before long."""
        return eventually(lambda: not any(b"HTTP/1.1 204" in file.read_bytes() for file in self._kept()))

    def an_hour_passes(self) -> None:
        """And a second, for all that nginx remembers of decisions: it was fresh until that much earlier."""
        for file in self._kept():
            with file.open("r+b") as stream:
                stream.seek(VALID_UNTIL)
                (until,) = struct.unpack("q", stream.read(8))
                stream.seek(VALID_UNTIL)
                stream.write(struct.pack("q", until - 3601))

    def _kept(self) -> list[Path]:
        return [each for each in (self.folder / "cache-decisions").rglob("*") if each.is_file()]


def configured(
    folder: Path, masthead: str, paper: int, ports: tuple[int, int], changes: Mapping[str, str]
) -> None:
    """The samples as they stand, with this machine's addresses, and 30 s in place of 300 ms: the machine may be busy."""
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
    """The article by which nginx learns who holds a subscription."""
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
    """It reaches Masthead by the proxy (or at `masthead`), and a paper that believes X-Masthead-Access, or has `pages` of its own. `changes`: what
    an operator changes in the samples."""
    assert NGINX is not None
    register_subscribers(world)
    paper = Paper(lambda headers, query: bool(headers.get("x-masthead-access")))
    with serve(pages or paper) as paper_port:
        ports = free_port(0), free_port(0)
        configured(folder, masthead or proxy.url, paper_port, ports, changes)
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
            url = f"https://127.0.0.1:{ports[0]}"
            found = Nginx(world, proxy, paper, url, folder, server, *ports)
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
