"""Commands about members of staff. They make the first admin: there is no default account."""

import click

from billing.cli import billing
from billing.cli.installation import transaction
from billing.cli.words import in_words

ROLES = ("support", "finance", "editor", "admin")


@billing.group()
def staff() -> None:
    """Who works here, and as what."""


@staff.command(name="add")
@click.argument("email")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What this member may do.")
def staff_add(email: str, role: str) -> None:
    """Let EMAIL sign in as staff; who is staff already gets the role. All other admins are mailed of a new one."""
    from billing.staff import members
    from billing.staff.notices import admin_added
    from billing.staff.roles import Role

    with transaction() as ctx:
        new_admin = members.is_new_admin(ctx.session, email, Role(role))
        member = members.invite(ctx, email, Role(role))
        if new_admin:
            admin_added(ctx, member.email)
    click.echo(f"{member.email} is staff ({member.role}). Sign in at {ctx.site.page('/staff/sign-in')}")


@staff.command(name="list")
def staff_list() -> None:
    """Everybody, with role and state."""
    from billing.staff import members

    with transaction() as ctx:
        for member in members.everybody(ctx.session):
            state = "has an authenticator" if member.enrolled_at else "has yet to sign in"
            if member.disabled_at:
                state = f"disabled on {in_words(member.disabled_at, ctx.zone)}"
            click.echo(f"{member.email}  {member.role}  {state}")


@staff.command(name="disable")
@click.argument("email")
def staff_disable(email: str) -> None:
    """Sign EMAIL out everywhere, and let nobody sign in as them."""
    from billing.staff import members

    with transaction() as ctx:
        member = members.by_address(ctx.session, email)
        members.disable(ctx, member)
    click.echo(f"{member.email} can't sign in any more.")


@staff.command(name="reset")
@click.argument("email")
def staff_reset(email: str) -> None:
    """Forget EMAIL's authenticator (a lost phone): the next sign-in sets up a new one."""
    from billing.staff import members

    with transaction() as ctx:
        member = members.by_address(ctx.session, email)
        members.reset_codes(ctx, member)
    click.echo(f"{member.email} sets up a new authenticator at the next sign-in.")


@staff.command(name="waiting")
def staff_waiting() -> None:
    """What waits for a second member: its id, who asked, and what for."""
    from billing.staff import approvals, members

    with transaction() as ctx:
        for approval in approvals.waiting(ctx):
            asked_by = members.by_id(ctx.session, approval.asked_by).email
            click.echo(f"{approval.id}  {asked_by}  {' '.join(approval.words)}")


@staff.command(name="approve")
@click.argument("approval_id", metavar="ID")
def staff_approve(approval_id: str) -> None:
    """Be the second person for what waits as ID, where no other member can be."""
    from billing.staff import approvals
    from billing.staff.approval_models import ApprovalState

    with transaction() as ctx:
        done = approvals.approve(ctx, approval_id).state is ApprovalState.DONE
    if not done:
        raise click.ClickException("something has changed since it was asked for; it must be asked for again")
    click.echo("Approved, and done.")
