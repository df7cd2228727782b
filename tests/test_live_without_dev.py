"""A live process imports nothing of sandbox, demo and sample paper, and has none of their pages."""

import json
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.support.architecture.sources import ROOT, Source, sources
from tests.support.cli import environment
from tests.support.live_settings import LIVE

LIVED = """
import asyncio, json, sys
import httpx
from billing.cli import billing

def dev():
    return sorted(name for name in sys.modules if name.startswith("billing.dev"))

def command(*words):
    try:
        billing.main(words, standalone_mode=False)
    except SystemExit as end:
        assert not end.code, words
    loaded[" ".join(words)] = dev()

async def ask(app):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://accounts.paper.co.za") as client:
        return {path: (await client.get(path)).status_code for path in paths}

commands, paths = json.loads(sys.argv[1])
loaded = {}
for words in commands:
    command(*words)
from billing.cli.processes import web_application
from billing.cli.words import settings
from billing.app import build
app = web_application(build(settings()))
loaded["serve"] = dev()
statuses = asyncio.run(ask(app))
loaded["answering"] = dev()
import billing.worker
loaded["worker"] = dev()
print(json.dumps({"loaded": loaded, "statuses": statuses}), file=sys.stderr)
"""
COMMANDS = (
    ("migrate",),
    ("keys", "create", "--name", "site", "--scopes", "access"),
    ("keys", "list"),
    ("staff", "add", "editor@paper.co.za", "--role", "editor"),
    ("plans", "list"),
    ("prices", "list"),
    ("clock", "show"),
    ("doctor",),
    ("suppressions", "show", "nomsa@example.com"),
)
"""Operators' commands that send no request outside: `adopt` and `reconcile` ask Stripe."""
OF_THE_DEMO = (
    *("/articles", "/articles/the-water-nobody-counted", "/articles/x/print", "/listen/x/1.y", "/v1/audio/x"),
    *("/feed.xml", "/sitemap.xml", "/sitemap-news.xml", "/mailbox", "/mailbox.json", "/demo/static-page"),
    *(
        "/demo/clock",
        "/demo/text/x",
        "/static/paper/paper.css",
        "/brand/paper.css",
        "/brand/listen.js",
        "/v1/clock",
        "/v1/clock/advance",
        "/staff/demo/x",
    ),
)
LIVES_ON = (
    "/",
    "/paywall.js",
    "/robots.txt",
    "/openapi.json",
    "/sign-in",
    "/healthz",
    "/.well-known/jwks.json",
)


@pytest.fixture
def live(database_url: str, tmp_path: Path) -> dict[str, str]:
    """The variables of a live installation whose database is empty."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return environment(database_url) | LIVE | {"BILLING_DATABASE_URL": database_url, "PYTHONPATH": str(ROOT)}


def test_no_live_process_imports_anything_of_dev_or_answers_for_it(
    live: dict[str, str], tmp_path: Path
) -> None:
    argument = json.dumps([COMMANDS, [*OF_THE_DEMO, *LIVES_ON]])
    done = subprocess.run(
        [sys.executable, "-c", LIVED, argument],
        env=live,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stderr.splitlines()[-1])
    assert found["loaded"].keys() == {
        *(" ".join(words) for words in COMMANDS),
        "serve",
        "answering",
        "worker",
    }
    assert {name: modules for name, modules in found["loaded"].items() if modules} == {}
    assert found["statuses"] == dict.fromkeys(OF_THE_DEMO, 404) | dict.fromkeys(LIVES_ON, 200)


def imports_of_dev(modules: tuple[Source, ...]) -> list[str]:
    """Importers of `billing.dev`, except its own modules and commands that import it when called."""
    return [
        source.says(line, f"imports {name}")
        for source in modules
        if not source.within("billing.dev")
        for line, name in source.imports
        if f"{name}.".startswith("billing.dev.") and not is_within_a_command(source, line)
    ]


def is_within_a_command(source: Source, line: int) -> bool:
    return source.within("billing.cli") and source.text.splitlines()[line - 1].startswith("    ")


def test_only_commands_import_dev() -> None:
    assert imports_of_dev(sources()) == []


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("billing.web.kit.visit", "def f():\n    from billing.dev.time_travel import advance\n"),
        ("billing.app", "import billing.dev.demo_app\n"),
        ("billing.app", "from billing import dev\n"),
        ("billing.cli.keys", "from billing.dev import seed\n"),
    ],
)
def test_another_import_is_found(module: str, text: str) -> None:
    assert imports_of_dev((Source(module, text),))
