"""The CDN worker, run by Node."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

import billing.edges
from tests.edges.edge import Edge, start_trials
from tests.edges.paper import Paper
from tests.support.faulty_proxy import FaultyProxy
from tests.support.publisher import serve
from tests.support.world import World

NODE = shutil.which("node")
WORKER = Path(billing.edges.__file__).parent / "worker.js"
HOST = Path(__file__).parent / "worker_host.mjs"


class Worker(Edge):
    """The running worker; the test moves its clock."""

    def clock(self, ms: float, timeout: int = 5000) -> None:
        self.get(f"/_clock?ms={int(ms)}&timeout={timeout}")

    def follow(self, timeout: int = 5000) -> None:
        """Set the worker's clock to the world's."""
        self.clock(self.world.now.timestamp() * 1000, timeout)


@contextmanager
def worker_at_cdn(world: World, proxy: FaultyProxy, folder: Path, masthead: str = "") -> Iterator[Worker]:
    """Run the worker. It reaches Masthead at `masthead`, or through the proxy."""
    assert NODE is not None
    start_trials(world)
    module = folder / "worker.mjs"  # CDNs load it as an ES module
    shutil.copy(WORKER, module)
    paper = Paper(
        lambda headers, query: headers.get("x-masthead-key") == "the edge's key" and query == "masthead=whole"
    )
    with serve(paper) as port:
        addresses = [masthead or proxy.url, f"http://127.0.0.1:{port}", world.url]
        command = [NODE, "--no-warnings", str(HOST), str(module), *addresses]
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
