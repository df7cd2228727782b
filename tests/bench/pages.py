"""Benchmark of readers' pages, each beside a usual page of the same size with one query, and beside an earlier revision of the
product. The earlier revision is checked out in a worktree; the variable BENCH_BEFORE names another one."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import click
import httpx

from billing.dev.postgres import Embedded
from tests.bench.beside_bare import BARE, is_ok
from tests.bench.figures import Figure
from tests.bench.load_client import PAGE_CONNECTIONS, LoadClient
from tests.bench.readers import SECRET_KEY
from tests.bench.requests import Ask, Browser
from tests.bench.rounds import Case, Measured, in_turn
from tests.bench.web_process import Process, free_port, running, serving

PART = "pages"
ROOT = Path(__file__).parents[2]
SERVER = Path(__file__).with_name("page_server.py")
BEFORE = os.environ.get("BENCH_BEFORE", "31b860d2")
"""By default the revision in which pages were first measured."""
USUAL = "FastAPI and Jinja, one query"
BARRED = ("the offer", "the address page", "the account", "a wall")
UNIT = "answers/CPU s"
BY = "the framework's dispatch and its thread; a transaction with one to three statements; rendering"


@dataclass(frozen=True, slots=True)
class Page:
    """A path of a process, and the cookies with which it is asked for."""

    process: Process
    path: str
    cookies: tuple[bytes, ...] = ()

    def case(self, seconds: float) -> Case:
        """A round at full load over a few connections."""
        ask = Ask(f"GET {self.path} HTTP/1.1\r\n".encode(), Browser(0, *self.cookies), b"")
        client = LoadClient(self.process.url, is_ok, PAGE_CONNECTIONS)
        return Case(lambda: client.at_full(repeat(ask), seconds), (self.process.pid,))


def measure(quick: bool) -> list[Figure]:
    """Answers of each page per second of the process's own CPU."""
    rounds, seconds = (1, 1.0) if quick else (7, 2.0)
    with ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="masthead-bench-")))
        server = ends.enter_context(Embedded.start(folder / "postgres", durable=False, disposable=True))
        environ = _environ(server.create("ours"))
        ours = ends.enter_context(_product(ROOT, environ))
        tree = ends.enter_context(_worktree(folder / "before"))
        before = ends.enter_context(_product(tree, _environ(server.create("before")))) if tree else {}
        usual = ends.enter_context(_usual(environ))
        pages = {}
        # one after the other, so that a machine that slows down slows all three
        for name, page in ours.items():
            pages[f"ours {name}"] = page
            if name in before:
                pages[f"before {name}"] = before[name]
            pages[f"usual {name}"] = Page(usual, f"/page/{_size(page)}")
        process = next(iter(ours.values())).process
        pages |= {
            "healthz": Page(process, "/healthz"),
            "bare": Page(ends.enter_context(serving("bare", {})), "/"),
        }
        for page in pages.values():  # a process's first second compiles statements and templates
            page.case(1.0).work()
        found = in_turn({name: page.case(seconds) for name, page in pages.items()}, rounds)
    return list(_figures(found, list(ours)))


def _figures(found: Mapping[str, Measured], pages: list[str]) -> Iterator[Figure]:
    for name in pages:
        is_barred, ours = name in BARRED, found[f"ours {name}"]
        by_cpu, usual = ours.a_cpu_second, found[f"usual {name}"].a_cpu_second
        bar, aim = (0.6, 0.9) if is_barred else (None, None)
        yield Figure(PART, name, by_cpu, UNIT, usual, USUAL, bar, bound=BY, aim=aim, machine=ours.words)
        if f"before {name}" in found:
            bar, aim = (4, 8) if is_barred else (None, None)
            before = found[f"before {name}"].a_cpu_second
            yield Figure(PART, f"{name}, and before", by_cpu, UNIT, before, BEFORE, bar, aim=aim)
    healthz, bare = found["healthz"].a_cpu_second, found["bare"].a_cpu_second
    yield Figure(PART, "/healthz", healthz, UNIT, bare, BARE, 0.25)


def _environ(url: str) -> dict[str, str]:
    return {
        "BILLING_DATABASE_URL": url,
        "BILLING_SECRET_KEY": SECRET_KEY,
        "BILLING_STRIPE_SECRET_KEY": "sk_test_bench",
        "BILLING_PAPER_URL": "/articles",
    }


@contextmanager
def _worktree(folder: Path) -> Iterator[Path | None]:
    """The product as it was at `BEFORE`; None where this repository hasn't that revision."""
    git = ["git", "-C", str(ROOT)]
    known = subprocess.run([*git, "cat-file", "-e", f"{BEFORE}^{{commit}}"], capture_output=True)
    if known.returncode:
        click.echo(f"this repository has no revision {BEFORE}: pages are not compared with it", err=True)
        yield None
        return
    subprocess.run(
        [*git, "worktree", "add", "--detach", str(folder), BEFORE], check=True, capture_output=True
    )
    try:
        yield folder
    finally:
        subprocess.run([*git, "worktree", "remove", "--force", str(folder)], check=True, capture_output=True)


@contextmanager
def _product(tree: Path, environ: dict[str, str]) -> Iterator[dict[str, Page]]:
    """The product of this tree, with a case for each page."""
    environ = environ | {"PYTHONPATH": str(tree)}
    port = free_port()
    command = [sys.executable, "-P", str(SERVER)]
    printed = subprocess.run(
        [*command, "fill"], env={**os.environ, **environ}, cwd=tree, check=True, stdout=subprocess.PIPE
    ).stdout
    with running([*command, "serve", str(port)], port, environ) as process:
        yield _pages(process, json.loads(printed))


@contextmanager
def _usual(environ: dict[str, str]) -> Iterator[Process]:
    port = free_port()
    with running([sys.executable, "-m", "tests.bench.usual_page", str(port)], port, environ) as process:
        yield process


def _pages(process: Process, filled: dict[str, object]) -> dict[str, Page]:
    """Each page, with the cookies of a browser that has come so far."""
    with httpx.Client(base_url=process.url, trust_env=False, headers={"accept": "text/html"}) as browser:
        typed = browser.get("/subscribe").text.partition('name="csrf" value="')[2].partition('"')[0]
        browser.post("/subscribe", data={"csrf": typed, "email": "someone@example.com"})
        stranger = tuple(f"{cookie.name}={cookie.value}".encode() for cookie in browser.cookies.jar)
    article = filled["articles"]["subscriber"][0]  # type: ignore[index]
    member = (f"masthead-session={filled['session']}".encode(),)
    return {
        "the offer": Page(process, "/", stranger),
        "the address page": Page(process, "/subscribe", stranger),
        "the review": Page(process, "/subscribe/review", stranger),
        "the account": Page(process, "/account", member),
        "newsletters": Page(process, "/newsletters", stranger),
        "a wall": Page(process, f"/articles/{article}", stranger),
    }


def _size(page: Page) -> int:
    cookies = b"; ".join(page.cookies)
    answer = httpx.get(f"{page.process.url}{page.path}", headers={b"cookie": cookies}, trust_env=False)
    if answer.status_code != 200:
        raise RuntimeError(f"{page.path}: {answer.status_code}")
    return len(answer.content)
