"""The worker for CDNs at work, hosted by Node."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

import billing.edges
from tests.edges.before import Edge, start_trials
from tests.edges.paper import Paper
from tests.support.faulty_proxy import FaultyProxy
from tests.support.publisher import serve
from tests.support.world import World

NODE = shutil.which("node")
WORKER = Path(billing.edges.__file__).parent / "worker.js"
HOST = Path(__file__).parent / "worker_host.mjs"


class Worker(Edge):
    """The worker, with a clock that a test moves."""

    def clock(self, ms: float, timeout: int = 5000) -> None:
        self.get(f"/_clock?ms={int(ms)}&timeout={timeout}")

    def follow(self, timeout: int = 5000) -> None:
        """The worker's clock goes with the world's."""
        self.clock(self.world.now.timestamp() * 1000, timeout)


@contextmanager
def worker_at_cdn(world: World, proxy: FaultyProxy, folder: Path, masthead: str = "") -> Iterator[Worker]:
    """It knows Masthead by `masthead`, or else by the proxy."""
    assert NODE is not None
    start_trials(world)
    module = folder / "worker.mjs"  # as a module, which is how every CDN takes it
    shutil.copy(WORKER, module)
    paper = Paper(
        lambda headers, query: headers.get("x-masthead-key") == "the edge's key" and query == "masthead=whole"
    )
    with serve(paper) as port:
        asked = [masthead or proxy.url, f"http://127.0.0.1:{port}", world.url]
        command = [NODE, "--no-warnings", str(HOST), str(module), *asked]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as host:
            assert host.stdout is not None
            assert host.stdin is not None
            found = Worker(world, proxy, paper, f"http://127.0.0.1:{int(host.stdout.readline())}")
            found.follow()
            yield found
            host.stdin.close()


def token_in(answer: httpx.Response) -> str:
    """The cookie in which the worker keeps the reader's token."""
    found = [line for line in answer.headers.get_list("set-cookie") if line.startswith("masthead-token=")]
    assert len(found) == 1
    assert "HttpOnly" in found[0]
    return found[0].partition(";")[0]
