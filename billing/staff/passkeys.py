"""A member's passkeys: each stands for a code of the authenticator, after the mailed link and before a sensitive act (SEC-2, SEC-6).

The device must check its user's fingerprint, face or PIN: here the passkey is the factor beside the mail. Devices don't offer
these passkeys to readers' pages, which couldn't use them."""

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from billing.platform import ids
from billing.platform.context import TransactionContext
from billing.platform.db import lock_one
from billing.platform.errors import Conflict, NotFound
from billing.platform.logs import log_event
from billing.readers import webauthn_checks
from billing.readers.models import PasskeyColumns
from billing.readers.sessions import Browser
from billing.readers.webauthn_checks import NotValid, Owner, PasskeyAnswer, RelyingParty
from billing.staff import audit
from billing.staff.models import StaffMember, StaffSession
from billing.staff.passkey_notices import passkey_changed

PURPOSE = "staff-passkey"
ADDS = "staff-passkey-add"
MOST = 10
REFUSED = "That passkey did not work here. It may have been removed, or this page was open for long. Try again, or type a code."


class StaffPasskey(PasskeyColumns, table=True):
    """A member's."""

    __tablename__ = "staff_passkey"

    staff_id: str = Field(foreign_key="staff_member.id", index=True)


class UnknownStaffPasskey(NotFound):
    """You have no such passkey."""

    code = "unknown_staff_passkey"


class EnoughStaffPasskeys(Conflict):
    """You have ten passkeys, which is as many as a member takes. Remove one first."""

    code = "enough_staff_passkeys"


def of_member(session: Session, staff_id: str) -> list[StaffPasskey]:
    """The member's passkeys, oldest first."""
    found = select(StaffPasskey).where(StaffPasskey.staff_id == staff_id).order_by(col(StaffPasskey.id))
    return list(session.exec(found))


def use_options(ctx: TransactionContext, staff_session: StaffSession) -> str | None:
    """What the browser is asked to sign in this session, as JSON; None for a member without passkeys, or a host that can have none."""
    known = of_member(ctx.session, staff_session.staff_id)
    party = webauthn_checks.relying_party(ctx.site)
    if party is None or not known:
        return None
    return webauthn_checks.use_options(
        ctx.site, party, PURPOSE, ctx.at, staff_session.id, require_user=True, of=known
    )


def new_options(ctx: TransactionContext, member: StaffMember, publisher: str) -> str | None:
    """What a new passkey is made from, as JSON; None on a host that can have none, and for a member who has enough."""
    known = of_member(ctx.session, member.id)
    party = webauthn_checks.relying_party(ctx.site)
    if party is None or len(known) >= MOST:
        return None
    return webauthn_checks.new_options(ctx.site, party, ADDS, ctx.at, _owner(member), publisher, known)


def _owner(member: StaffMember) -> Owner:
    return Owner(member.id, member.email, found_by_host=False, require_user=True)


def add(
    ctx: TransactionContext, member: StaffMember, credential: str, name: str, browser: Browser
) -> StaffPasskey | None:
    """Keep a new passkey, and mail the member about it. None where the browser's answer isn't valid. Raises EnoughStaffPasskeys.

    Call it only after a fresh code: whoever adds a passkey can come back."""
    lock_one(ctx.session, StaffMember, member.id)  # two that come at once count each other
    if len(of_member(ctx.session, member.id)) >= MOST:
        raise EnoughStaffPasskeys
    try:
        party = _party(ctx)
        answer = PasskeyAnswer.read(credential)
        made = webauthn_checks.check_new(ctx, party, ADDS, answer, _owner(member), name, browser.device)
        passkey = StaffPasskey(id=ids.new("spk", ctx.at), staff_id=member.id, **made)
        webauthn_checks.insert(ctx.session, passkey)
    except NotValid:
        log_event(ctx.session, "staff passkey refused", by=str(ctx.actor))
        return None
    audit.write(ctx, "add_passkey", subject=member.id, after={"passkey": passkey.name})
    passkey_changed(ctx, member, passkey.id, passkey.name, browser, added=True)
    return passkey


def _party(ctx: TransactionContext) -> RelyingParty:
    party = webauthn_checks.relying_party(ctx.site)
    if party is None:
        raise NotValid
    return party


def remove(ctx: TransactionContext, member: StaffMember, passkey_id: str, browser: Browser) -> None:
    """Forget a passkey of the member's, and mail them about it. Raises UnknownStaffPasskey."""
    passkey = _lock(ctx.session, member, col(StaffPasskey.id) == passkey_id)
    if passkey is None:
        raise UnknownStaffPasskey
    ctx.session.delete(passkey)
    audit.write(ctx, "remove_passkey", subject=member.id, before={"passkey": passkey.name})
    passkey_changed(ctx, member, passkey.id, passkey.name, browser, added=False)


def use(
    ctx: TransactionContext, staff_session: StaffSession, member: StaffMember, credential: str
) -> str | None:
    """The name of the member's passkey that has signed a challenge shown in this session; None where the answer isn't valid."""
    try:
        party, answer = _party(ctx), PasskeyAnswer.read(credential)
        signed = webauthn_checks.challenge_in(ctx, PURPOSE, answer, (staff_session.id[:32],))
        passkey = _lock(ctx.session, member, col(StaffPasskey.credential_id) == answer.credential_id)
        if passkey is None or not answer.is_for((member.id,)):
            raise NotValid
        webauthn_checks.check_use(ctx, party, passkey, answer, signed, require_user=True)
    except NotValid:
        return None
    return passkey.name


def forget(session: Session, staff_id: str) -> None:
    """Remove all of the member's passkeys."""
    session.execute(sa.delete(StaffPasskey).where(col(StaffPasskey.staff_id) == staff_id))


def _lock(session: Session, member: StaffMember, which: sa.ColumnElement[bool]) -> StaffPasskey | None:
    """The member's one that fits."""
    return webauthn_checks.lock(session, StaffPasskey, which, col(StaffPasskey.staff_id) == member.id)
