"""The `billing` command: the processes, and what operators do."""

import json
import logging
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import httpx

from billing.errors import Refusal, RefusesToStart
from billing.settings import PREFIX, Settings, read_settings

DEMO_ENVIRONMENT = Path(".data/demo.env")
SPAN = re.compile(r"(?P<count>\d{1,6})(?P<unit>[smhdw])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Span(click.ParamType[timedelta]):
    """A length of time such as 15d, 36h, 90m, 2w."""

    name = "span"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Raises a usage error for anything else."""
        match = SPAN.fullmatch(str(value).strip())
        if match is None:
            self.fail(f"{value!r} isn't a length of time like 15d, 36h, 90m or 2w", param, ctx)
        return timedelta(**{UNITS[match["unit"]]: int(match["count"])})


class Instant(click.ParamType[datetime]):
    """An instant such as 2026-12-08T09:00+02:00; without a zone, in the publisher's."""

    name = "instant"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Raises a usage error for anything else."""
        try:
            return datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} isn't a moment like 2026-12-08T09:00", param, ctx)


def settings() -> Settings:
    """The settings from the environment; with none there, those of a demo running in this folder."""
    import os

    given = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    if not given and DEMO_ENVIRONMENT.exists():
        click.echo("Using the demo that runs in .data", err=True)
        given = _demo_environment()
    return read_settings(given)


def _demo_environment() -> dict[str, str]:
    import shlex

    lines = (shlex.split(line) for line in DEMO_ENVIRONMENT.read_text("utf-8").splitlines())
    pairs = (words[1].partition("=") for words in lines if words[:1] == ["export"])
    return {name: value for name, _, value in pairs}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="masthead")
def billing() -> None:
    """Masthead: subscriptions and paywall for a news publisher."""


@billing.command()
def serve() -> None:
    """The web process: pages, /v1, webhooks."""
    import uvicorn

    from billing.advance import follow
    from billing.app import build, create_app

    _log_to_stderr()
    read = settings()
    parts = build(read)
    if read.held:
        follow(parts)
    config = uvicorn.Config(
        create_app(parts),
        host=read.host,
        port=read.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )
    uvicorn.Server(config).run()


@billing.command()
def worker() -> None:
    """The worker: notices, charges, refunds, mails. Run as many as you like."""
    from billing.app import build
    from billing.worker import work

    _log_to_stderr()
    work(build(settings()))


@billing.command()
def migrate() -> None:
    """Bring the database up to date. Safe to run again."""
    from billing import installation, migrate, seed
    from billing.db import Database

    read = settings()
    database = Database(read.database_url)
    migrate.upgrade(database)
    with database.transaction() as session:
        installation.claim(session, read)
        seed.plans(session)
    installation.refuse_foreign(database, read)
    click.echo("The database is up to date.")


@billing.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on loopback; 0: any free one.")
@click.option("--data", type=click.Path(path_type=Path), help="File that keeps its state.")
def sandbox(port: int, data: Path | None) -> None:
    """The Stripe-compatible sandbox, on loopback."""
    command = [sys.executable, "-m", "billing.sandbox", "--port", str(port)]
    sys.exit(_attend(command + (["--data", str(data)] if data else [])))


@billing.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on loopback; 0: any free one.")
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path), required=True, help="Folder for the letters."
)
def mailbox(port: int, folder: Path) -> None:
    """A mail server on loopback that keeps every letter in a folder."""
    sys.exit(
        _attend([sys.executable, "-m", "billing.mail.mailbox", "--port", str(port), "--dir", str(folder)])
    )


def _attend(command: list[str]) -> int:
    try:
        return subprocess.run(command, check=False).returncode  # noqa: S603 - our own interpreter and module
    except KeyboardInterrupt:
        return 130


@billing.command()
@click.option("--port", default="8000", show_default=True, help="Port of the pages; 0: any free one.")
@click.option(
    "--data", type=click.Path(path_type=Path), default=Path(".data"), show_default=True, help="Folder."
)
def demo(port: str, data: Path) -> None:
    """Everything at once, on this machine, with a held clock. Ctrl-C stops it."""
    from billing.demo.launch import run as run_demo

    sys.exit(run_demo(port, data))


@billing.command(name="run")
@click.option("--as-of", type=Instant(), help="Bill as if it were then; not after now.")
def run_once(as_of: datetime | None) -> None:
    """One billing run now: notices, charges, retries, ends."""
    from billing.app import build
    from billing.renewals.run import run

    parts = build(settings())
    now = parts.clock.now()
    at = _in_zone(as_of, parts.settings) if as_of else now
    if at > now:
        raise click.ClickException("--as-of lies in the future; nothing may be charged before its time.")
    report = run(parts.till, at)
    words = (
        "notified",
        "due",
        "charged",
        "declined",
        "refunded",
        "unknown",
        "extended",
        "skipped",
        "ended",
        "withdrawn",
    )
    for word in words:
        click.echo(f"{word:>10} {report.counts[word]}")
    for subscription_id, why in sorted(report.stuck.items()):
        click.echo(f"{subscription_id} is stuck: {why}", err=True)
    sys.exit(1 if report.stuck else 0)


def _in_zone(at: datetime, read: Settings) -> datetime:
    return (at if at.tzinfo else at.replace(tzinfo=read.zone)).astimezone(UTC)


@billing.group()
def clock() -> None:
    """Show and move the clock, where it is held (demo and test)."""


@clock.command(name="show")
def clock_show() -> None:
    """What time it is here, and what happens next."""
    from billing.advance import upcoming
    from billing.app import build

    parts = build(settings())
    click.echo(f"{_moment(parts.clock.now(), parts.settings)} ({parts.settings.clock})")
    due = upcoming(parts)
    if due:
        click.echo(f"next: {due[1]} on {_moment(due[0], parts.settings)}")


@clock.command(name="advance")
@click.argument("span", type=Span())
def clock_advance(span: timedelta) -> None:
    """Move on by SPAN (15d, 36h, 90m, 2w); what falls due in between happens, in order."""
    _move(span=span, to=None)


@clock.command(name="to")
@click.argument("moment", type=Instant())
def clock_to(moment: datetime) -> None:
    """Move on to MOMENT (2026-12-08T09:00); what falls due in between happens, in order."""
    _move(span=None, to=moment)


def _move(span: timedelta | None, to: datetime | None) -> None:
    from billing.advance import advance
    from billing.app import build

    parts = build(settings())
    target = _in_zone(to, parts.settings) if to else parts.clock.now() + (span or timedelta())
    click.echo(_moment(advance(parts, target), parts.settings))


def _moment(at: datetime, read: Settings) -> str:
    return at.astimezone(read.zone).strftime("%A %-d %B %Y, %H:%M %Z")


@billing.group()
def keys() -> None:
    """API keys for machine calls."""


@keys.command(name="create")
@click.option("--name", required=True, help="Who will use it; stands in the history of what it did.")
@click.option("--scopes", required=True, help="Comma separated: access, articles, readers, money.")
def keys_create(name: str, scopes: str) -> None:
    """Make a key and print it, once."""
    from billing.app import build
    from billing.web.keys import create

    parts = build(settings())
    with parts.database.transaction() as session:
        secret = create(
            session,
            parts.office.tokens,
            name,
            [part.strip() for part in scopes.split(",")],
            parts.clock.now(),
        )
    click.echo(secret)


@billing.command(name="seed-demo", hidden=True)
def seed_demo() -> None:
    """Sample articles and a key; prints them as JSON. Demo only."""
    from billing import seed
    from billing.app import build
    from billing.settings import Environment

    parts = build(settings())
    if parts.settings.environment is Environment.LIVE:
        raise click.ClickException("Samples don't belong into a live installation.")
    with parts.database.transaction() as session:
        ids_by_level = seed.articles(session, parts.office)
        key = seed.api_key(session, parts.office, parts.clock.now())
    click.echo(json.dumps({"api_key": key, "articles": ids_by_level}))


@billing.command(name="check-migrations", hidden=True)
def check_migrations() -> None:
    """Whether the migrations say what the tables say, on a fresh database."""
    with tempfile.TemporaryDirectory() as folder:
        _check_migrations(Path(folder) / "postgres")


def _check_migrations(folder: Path) -> None:
    from billing import migrate
    from billing.db import Database
    from billing.postgres import Embedded

    server = Embedded.start(folder, durable=False)
    try:
        database = Database(server.create("check"))
        migrate.upgrade(database)
        found = migrate.differences(database)
        database.close()
    finally:
        server.stop()
    if found:
        raise click.ClickException(found)
    click.echo("The migrations say what the tables say.")


def _log_to_stderr() -> None:
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr
    )
    for noisy in ("httpx", "stripe", "apscheduler", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def main() -> None:
    """Run a command; a refusal is one line on stderr and exit status 1."""
    try:
        billing()
    except (RefusesToStart, Refusal, httpx.HTTPError) as refusal:
        click.echo(f"billing: {refusal}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
