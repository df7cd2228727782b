"""Commands about newsletters, mail that comes back, and addresses to which none goes."""

import sys
from typing import IO

import click

from billing.cli import billing
from billing.cli.installation import transaction
from billing.cli.words import REASON
from billing.platform.errors import RefusesToStart, TooMany

TRY_AGAIN = 75
"""EX_TEMPFAIL of sysexits.h."""
_REASON = click.option(
    "--reason", default="by a command", show_default=True, help="Why, in words; it is kept in the audit."
)
_SCOPE = click.option("--scope", required=True, help="all, newsletters, or newsletter:<id>.")


@billing.group()
def newsletters() -> None:
    """What readers can sign up for at /newsletters."""


@newsletters.command(name="list")
def newsletters_list() -> None:
    """Every newsletter, retired ones too, in the order of the page."""
    from billing.newsletters.lists import newsletters

    with transaction() as ctx:
        for row in newsletters(ctx.session):
            retired = f"; retired since {ctx.site.today(row.retired_at)}" if row.retired_at else ""
            click.echo(
                f"{row.id}  {row.name}: {row.rhythm}; {row.kind.value}, for {row.audience.value}{retired}"
            )


@newsletters.command(name="add")
@click.argument("newsletter_id", metavar="ID")
@click.option("--name", required=True, help="As readers know it.")
@click.option("--description", required=True, help="What it brings, in a sentence.")
@click.option("--rhythm", required=True, help="When it comes, in words: Weekdays at six.")
@click.option(
    "--audience", type=click.Choice(["everyone", "subscribers"]), default="everyone", show_default=True
)
@click.option(
    "--kind", type=click.Choice(["editorial", "promotional"]), default="editorial", show_default=True
)
@_REASON
def newsletters_add(newsletter_id: str, audience: str, kind: str, reason: str, **words: str) -> None:
    """Begin a newsletter; ID is a word for addresses, such as first-light. Nobody is on its list yet.

    ID, audience and kind never change, because readers agree to them."""
    from billing.newsletters.models import Audience, NewsletterKind
    from billing.staff.newsletters import add_newsletter

    whom, what = Audience(audience), NewsletterKind(kind)
    with transaction() as ctx:
        row = add_newsletter(ctx, newsletter_id, audience=whom, kind=what, reason=reason, **words)
    click.echo(f"{row.name} stands at the end of /newsletters.")


@newsletters.command(name="edit")
@click.argument("newsletter_id", metavar="ID")
@click.option("--name", help="As readers know it.")
@click.option("--description", help="What it brings, in a sentence.")
@click.option("--rhythm", help="When it comes, in words: Weekdays at six.")
@_REASON
def newsletters_edit(newsletter_id: str, reason: str, **words: str | None) -> None:
    """Change the name, the description or the rhythm of ID, from now on. Consents keep the words that they were given to."""
    from billing.staff.newsletters import edit_newsletter

    with transaction() as ctx:
        row = edit_newsletter(ctx, newsletter_id, **words, reason=reason)
    click.echo(f"{row.id}  {row.name}: {row.rhythm}. {row.description}")


@newsletters.command(name="retire")
@click.argument("newsletter_id", metavar="ID")
@_REASON
def newsletters_retire(newsletter_id: str, reason: str) -> None:
    """Take no more sign-ups for ID, and send no issue of it. Its list and issues are kept; an issue under way must end first."""
    from billing.newsletters.progress import audience_now
    from billing.staff.newsletters import retire_newsletter

    with transaction() as ctx:
        row = retire_newsletter(ctx, newsletter_id, reason=reason)
        people = audience_now(ctx.session, newsletter_id)
    click.echo(f"{row.name} is retired; on its list, which is kept: {people}.")


@newsletters.command(name="restore")
@click.argument("newsletter_id", metavar="ID")
@_REASON
def newsletters_restore(newsletter_id: str, reason: str) -> None:
    """Bring a retired newsletter back to its place on /newsletters. Who is on its list still gets its next issue."""
    from billing.newsletters.progress import audience_now
    from billing.staff.newsletters import restore_newsletter

    with transaction() as ctx:
        row = restore_newsletter(ctx, newsletter_id, reason=reason)
        people = audience_now(ctx.session, newsletter_id)
    click.echo(f"{row.name} is published again; on its list: {people}.")


@newsletters.command(name="marketed")
def newsletters_marketed() -> None:
    """The addresses on promotional lists, one a line: what the national opt-out register is asked about, once a month."""
    from billing.newsletters.compare import marketed

    with transaction() as ctx:
        addresses = marketed(ctx.session)
    for address in addresses:
        click.echo(address)


@newsletters.command(name="compare")
@click.argument("file", type=click.File(encoding="utf-8-sig"))
def newsletters_compare(file: IO[str]) -> None:
    """Keep promotional newsletters from the addresses in FILE (- is stdin), one a line: those that the register names.

    All promotional lists count as compared for 31 days then. An empty FILE says that it names nobody. Whoever was blocked
    by it before, and has confirmed a newsletter by mail since, or was let in by the staff, stays on that list."""
    from billing.newsletters.compare import compare, read_register

    named = read_register(file)
    with transaction() as ctx:
        done = compare(ctx, named)
    click.echo(
        f"Compared: {', '.join(done.lists)}. {done.blocked} get no marketing from now on, {done.known} got none before,"
        f" {done.spared} want it all the same."
    )


@billing.group()
def bounces() -> None:
    """Mail that comes back."""


@bounces.command(name="take")
@click.argument("file", type=click.File("rb"))
@click.option("--recipient", default="", help="The address it came to; else it is looked for in the headers.")
def bounces_take(file: IO[bytes], recipient: str) -> None:
    """Read one bounce, complaint or reply to a reader's request from FILE (- is stdin), as a mail server hands it to a pipe.

    What is neither, not about ours or forged changes nothing, and is no failure: the mail server has done its part.
    While the database is away it ends with status 75, at which mail servers keep the report and try again."""
    import sqlalchemy as sa

    from billing.mail.bounces import LARGEST

    raw = file.read(LARGEST)
    try:
        click.echo(_take(raw, recipient))
    except (RefusesToStart, TooMany, sa.exc.SQLAlchemyError) as problem:
        click.echo(f"billing: not taken, try again later: {str(problem).splitlines()[0]}", err=True)
        sys.exit(TRY_AGAIN)


def _take(raw: bytes, recipient: str) -> str:
    """What was done, in words."""
    from billing.mail.bounces import read_report
    from billing.mail.replies import read_reply
    from billing.newsletters.bounces import handle_report
    from billing.staff.mailed_replies import take_reply

    with transaction() as ctx:
        report = read_report(ctx.site.tokens, raw, recipient=recipient)
        reply = read_reply(ctx.site.tokens, raw, recipient=recipient) if report is None else None
        if reply is not None:
            return take_reply(ctx, reply).value
        if report is None:
            return "no report about a mail of ours; nothing changed"
        done = handle_report(ctx, report)
    return f"{report.kind.value} {report.status}".strip() + f": {done.value}"


@billing.group()
def suppressions() -> None:
    """Addresses to which nothing is sent, by scope: all, newsletters, or one list such as newsletter:first-light."""


@suppressions.command(name="show")
@click.argument("address")
def suppressions_show(address: str) -> None:
    """What isn't sent to ADDRESS, and why."""
    from billing.mail.suppressions import standing

    with transaction() as ctx:
        rows = standing(ctx.session, ctx.site.tokens, address)
    for row in rows:
        click.echo(f"{row.scope}  {row.reason.value}  since {row.at:%Y-%m-%d}  {row.source}")
    if not rows:
        click.echo("Everything is sent there.")


@suppressions.command(name="add")
@click.argument("address")
@_SCOPE
@REASON
def suppressions_add(address: str, scope: str, reason: str) -> None:
    """Send nothing of that scope to ADDRESS. With `all`, receipts and notices stop too."""
    from billing.mail.suppression_models import SuppressionReason
    from billing.mail.suppressions import suppress
    from billing.readers.register import clean_address

    with transaction() as ctx:
        new = suppress(
            ctx,
            clean_address(address),
            scope=scope,
            reason=SuppressionReason.STAFF,
            source=f"command: {reason}",
        )
    click.echo("Done." if new else "That stands already.")


@suppressions.command(name="lift")
@click.argument("address")
@_SCOPE
@REASON
def suppressions_lift(address: str, scope: str, reason: str) -> None:
    """Send to ADDRESS again. For a reader who complained, their own new sign-up is the better way: it lifts by itself."""
    from billing.mail.suppressions import lift

    with transaction() as ctx:
        ended = lift(ctx, address, scopes=[scope], by=f"command: {reason}")
    click.echo("Done." if ended else "There is no such suppression.")
    sys.exit(0 if ended else 1)
