"""Commands that are processes, one each."""

import json
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from billing.cli import billing
from billing.cli.installation import opened
from billing.cli.progress import progress
from billing.cli.words import RECORD, settings
from billing.platform.errors import RefusesToStart

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from billing.container import Services


@billing.command()
def serve() -> None:
    """The web process: pages, /v1, webhooks."""
    from billing.app import build
    from billing.platform.logs import log_to_stderr
    from billing.platform.time_limits import Work
    from billing.web.kit.serve import server

    read = settings()
    log_to_stderr(read.log_format, read.log_level)
    services = build(read, connections=read.web_connections, work=Work.REQUEST)
    _refuse_without_terms(services)
    listener = _listen(read.host, read.port)
    server(web_application(services), behind_proxy=read.proxy_count > 0).run(sockets=[listener])


def web_application(services: "Services") -> "ASGIApp":
    """The web application, with the demo around it where the clock is held, which it never is in live."""
    from billing.app import create_app
    from billing.platform.settings import Environment

    if not services.settings.held and services.settings.environment is not Environment.DEMO:
        return create_app(services)
    from billing.dev.demo_app import create_demo_app
    from billing.dev.time_travel import follow

    if services.settings.held:
        follow(services)
    return create_demo_app(services)


def _refuse_without_terms(services: "Services") -> None:
    """In live, start only with terms, a privacy notice and a refund policy. Raises RefusesToStart."""
    from billing.brand.legal import refuse_missing
    from billing.platform.settings import Environment

    if services.settings.environment is Environment.LIVE:
        with services.database.transaction() as session:
            refuse_missing(session)


def _listen(host: str, port: int) -> socket.socket:
    """The socket of the web process. Raises RefusesToStart when the port is taken or the host isn't ours."""
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=2048
        )
    except OSError as error:
        raise RefusesToStart(
            f"Can't listen on {host}, port {port} ({error.strerror}). Set BILLING_HOST or BILLING_PORT to one that is free."
        ) from None


@billing.command()
def worker() -> None:
    """The worker: notices, charges, refunds, mails. Run as many as you like."""
    from billing.app import build
    from billing.newsletters import send_log
    from billing.platform.logs import log_to_stderr
    from billing.platform.time_limits import Work
    from billing.worker import connections, work

    read = settings()
    log_to_stderr(read.log_format, read.log_level)
    services = build(read, connections=connections(read), work=Work.RUN)
    _refuse_without_terms(services)
    send_log.place(services.newsletter_sender.send_logs)
    work(services)


@billing.command()
@click.option(
    "--plan", is_flag=True, help="Only say what would run, what each statement locks, and for how long."
)
def migrate(plan: bool) -> None:
    """Bring the database up to date. Safe to run again."""
    if plan:
        from billing.cli.migration_plan import show

        return show(settings())
    _migrate()
    click.echo("The database is up to date.")
    return None


def _migrate() -> None:
    from billing.app import build
    from billing.platform import heartbeat, installation, list_key, migrate
    from billing.platform.db import Database
    from billing.platform.pooling import refuse_transaction_pooling
    from billing.platform.settings import Environment
    from billing.subscriptions import first_plans

    read = settings()
    database = Database(read.database_url)
    refuse_transaction_pooling(database)  # before any lock or time limit of ours could leak into its sessions
    with progress() as say:
        say("  migrating")
        migrate.upgrade(
            database,
            lambda revision: say(f"  migrating: {revision} is through"),
            lambda who: click.echo(f"billing: waits for {who}", err=True),
        )
        with database.transaction() as session:
            installation.claim(session, read)
            list_key.seal_first(session, read)
            first_plans.add(session)
        build(read).database.close()  # refuses now if a setting doesn't fit the database
        if read.environment is Environment.DEMO:
            # Nothing of the demo runs yet, and its clock stands still: the heartbeat of its last start would pass for a new one.
            with database.transaction() as session:
                heartbeat.clear(session)


@billing.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on loopback; 0: any free one.")
@click.option("--data", type=click.Path(path_type=Path), help="File that keeps its state.")
def sandbox(port: int, data: Path | None) -> None:
    """The Stripe-compatible sandbox, on loopback."""
    command = [sys.executable, "-m", "billing.dev.sandbox", "--port", str(port)]
    sys.exit(_attend(command + (["--data", str(data)] if data else [])))


@billing.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on loopback; 0: any free one.")
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path), required=True, help="Folder for the letters."
)
def mailbox(port: int, folder: Path) -> None:
    """A mail server on loopback that keeps every letter in a folder."""
    sys.exit(
        _attend([sys.executable, "-m", "billing.dev.mailbox", "--port", str(port), "--dir", str(folder)])
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
@click.option(
    "--name",
    type=click.Choice(["127.0.0.1", "localhost"]),
    default="127.0.0.1",
    show_default=True,
    help="This machine's name in addresses; passkeys need localhost.",
)
@RECORD
def demo(port: str, data: Path, name: str, record: Path | None) -> None:
    """Everything at once, on this machine, with a held clock. Ctrl-C stops it."""
    from billing.dev.demo.launch import run as run_demo

    sys.exit(run_demo(port, data, record, name))


@billing.command(name="seed-demo", hidden=True)
def seed_demo() -> None:
    """Sample articles and a key; prints them as JSON. Demo only."""
    from billing.dev import seed
    from billing.platform.actors import Command
    from billing.platform.settings import Environment

    services = opened()
    if services.settings.environment is Environment.LIVE:
        raise click.ClickException("Samples don't belong into a live installation.")
    with services.database.begin(services.site, services.clock.now(), Command()) as ctx:
        ids_by_level = seed.articles(ctx)
        seed.openings(ctx)
        key = seed.api_key(ctx)
        seed.newsletters(ctx.session, ctx.at, people=True)
        seed.newsletters_of_plans(ctx.session)
        answer = {"api_key": key, "articles": ids_by_level}
        if services.settings.environment is Environment.DEMO:
            domain = services.settings.mail_from.rpartition("@")[2]
            answer["staff_sign_in_url"] = seed.staff(ctx, domain)
            seed.brand(ctx)
            seed.legal_documents(ctx)
    click.echo(json.dumps(answer))


@billing.command(name="check-migrations", hidden=True)
def check_migrations() -> None:
    """Whether the migrations say what the tables say, on a fresh database."""
    from billing.dev.postgres import Embedded
    from billing.platform import migrate
    from billing.platform.db import Database

    with tempfile.TemporaryDirectory() as folder:
        server = Embedded.start(Path(folder) / "postgres", durable=False)
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
