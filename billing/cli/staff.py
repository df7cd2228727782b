"""Commands about who works here. The first admin comes into being here: there is no default account."""

import click

from billing.cli import billing
from billing.cli.words import in_words, settings

ROLES = ("support", "finance", "editor", "admin")


@billing.group()
def staff() -> None:
    """Who works here, and as what."""


@staff.command(name="add")
@click.argument("email")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What this member may do.")
def staff_add(email: str, role: str) -> None:
    """Let EMAIL sign in as staff; who is staff already gets the role. All other admins are mailed of a new one."""
    from billing.app import build
    from billing.platform.actors import Command
    from billing.staff import members
    from billing.staff.notices import admin_added
    from billing.staff.roles import Role

    services = build(settings())
    with services.database.begin(services.site, services.clock.now(), Command()) as ctx:
        new_admin = members.is_new_admin(ctx.session, email, Role(role))
        member = members.add(ctx, email, Role(role))
        if new_admin:
            admin_added(ctx, member.email)
    click.echo(f"{member.email} is staff ({member.role}). Sign in at {services.site.page('/staff/sign-in')}")


@staff.command(name="list")
def staff_list() -> None:
    """Everybody, with role and state."""
    from billing.app import build
    from billing.staff import members

    services = build(settings())
    with services.database.transaction() as session:
        for member in members.everybody(session):
            state = "has an authenticator" if member.enrolled_at else "has yet to sign in"
            if member.disabled_at:
                state = f"disabled on {in_words(member.disabled_at, services.settings)}"
            click.echo(f"{member.email}  {member.role}  {state}")


@staff.command(name="disable")
@click.argument("email")
def staff_disable(email: str) -> None:
    """Sign EMAIL out everywhere, and let nobody sign in as them."""
    from billing.app import build
    from billing.platform.actors import Command
    from billing.staff import members

    services = build(settings())
    with services.database.begin(services.site, services.clock.now(), Command()) as ctx:
        member = members.by_address(ctx.session, email)
        members.disable(ctx, member)
    click.echo(f"{member.email} can't sign in any more.")


@staff.command(name="reset")
@click.argument("email")
def staff_reset(email: str) -> None:
    """Forget EMAIL's authenticator (a lost phone): the next sign-in sets up a new one."""
    from billing.app import build
    from billing.platform.actors import Command
    from billing.staff import members

    services = build(settings())
    with services.database.begin(services.site, services.clock.now(), Command()) as ctx:
        member = members.by_address(ctx.session, email)
        members.reset_codes(ctx, member)
    click.echo(f"{member.email} sets up a new authenticator at the next sign-in.")


@staff.command(name="waiting")
def staff_waiting() -> None:
    """What waits for a second member: its id, who asked, and what for."""
    from billing.app import build
    from billing.platform.actors import Command
    from billing.staff import approvals, members

    services = build(settings())
    with services.database.begin(services.site, services.clock.now(), Command()) as ctx:
        for one in approvals.waiting(ctx):
            click.echo(f"{one.id}  {members.by_id(ctx.session, one.asked_by).email}  {' '.join(one.words)}")


@staff.command(name="approve")
@click.argument("approval_id", metavar="ID")
def staff_approve(approval_id: str) -> None:
    """Be the second person for what waits as ID, where no other member can be."""
    from billing.app import build
    from billing.platform.actors import Command
    from billing.staff import approvals
    from billing.staff.approval_models import ApprovalState

    services = build(settings())
    with services.database.begin(services.site, services.clock.now(), Command()) as ctx:
        done = approvals.approve(ctx, approval_id).state is ApprovalState.DONE
    if not done:
        raise click.ClickException("something has changed since it was asked for; it must be asked for again")
    click.echo("Approved, and done.")
