"""A publisher's site in PHP, run by PHP's own server."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

import billing.edges
from billing.dev.demo.folder import free_port
from tests.edges.paper import BEGINNING, METERED
from tests.support.faulty_proxy import FaultyProxy
from tests.support.http_client import http_client
from tests.support.polling import eventually
from tests.support.publisher import LOCKED, whole_text

PHP = shutil.which("php")
FILE = Path(billing.edges.__file__).parent / "masthead.php"
Site = Callable[..., httpx.Client]


@contextmanager
def php_site(proxy: FaultyProxy, folder: Path) -> Iterator[Site]:
    """`site(timeout=30, key="")` starts a site that reaches Masthead through the proxy, or at `masthead`. Its cache is `folder/kept`."""
    assert PHP is not None
    for article in (LOCKED, METERED):
        (folder / article).write_text(whole_text(article))
    with ExitStack() as ends:

        def begin(timeout: float = 30, key: str = "", masthead: str = "") -> httpx.Client:
            port = free_port(0)
            given = {
                "MASTHEAD_PHP": str(FILE),
                "MASTHEAD": masthead or proxy.url,
                "KEY": key,
                "TIMEOUT": str(timeout),
                "TEXTS": str(folder),
                "FOLDER": str(folder / "kept"),
                "BEGINNING": BEGINNING.decode(),
            }
            page = str(Path(__file__).parent / "php_page.php")
            server = subprocess.Popen(
                [str(PHP), "-S", f"127.0.0.1:{port}", page],
                env=os.environ | given,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            ends.callback(server.wait)
            ends.callback(server.terminate)
            http = ends.enter_context(http_client(f"http://127.0.0.1:{port}"))
            assert eventually(lambda: _answers(http))
            proxy.asked.clear()
            return http

        yield begin


def _answers(http: httpx.Client) -> bool:
    try:
        return http.get("/articles/nothing").status_code == 200
    except httpx.TransportError:
        return False
