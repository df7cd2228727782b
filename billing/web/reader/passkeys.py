"""A reader's passkeys: add one, name it, remove it. How one signs in is in `sign_in.py`."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form
from starlette.responses import Response

from billing.http import cookies
from billing.readers import passkeys, webauthn_checks
from billing.readers.models import Reader
from billing.readers.webauthn_checks import RelyingParty
from billing.web.kit.visit import Guarded, Visit, Visiting
from billing.web.reader import step_up, way
from billing.web.reader.guard import RedirectReader
from billing.web.views.passkeys import AddPasskeyPage, PasskeyRow, PasskeysPage
from emails.languages import Text, say

router = APIRouter(include_in_schema=False)
HOME = "/account/passkeys"


def party_of(visit: Visit) -> RelyingParty:
    """Whom passkeys are for here. Raises RedirectReader to the account where this host can have none."""
    party = webauthn_checks.relying_party(visit.services.site)
    if party is None:
        raise RedirectReader(visit.go("/account"))
    return party


def _proved(visit: Visit) -> Reader:
    """The reader, whose address a session has proved. Raises RedirectReader."""
    if visit.proved_reader is None:
        raise RedirectReader(way.sign_in_first(visit, HOME))
    return visit.proved_reader


def offer(visit: Visit) -> Literal["none", "link", "offer"]:
    """What the account says of passkeys. It offers one just after signing in, in a browser that has not said no and has used none."""
    if visit.proved_reader is None or webauthn_checks.relying_party(visit.services.site) is None:
        return "none"
    just_signed_in = visit.cookie(cookies.FLASH) in ("signed-in", "registered")
    return "offer" if just_signed_in and not visit.cookie(cookies.PASSKEY) else "link"


def offer_no_more(visit: Visit) -> None:
    """Don't offer a passkey in this browser for a year."""
    visit.give(cookies.PASSKEY, "no-offer", cookies.YEAR)


@router.get(HOME)
def listed(visit: Visiting) -> Response:
    """The reader's passkeys. Raises RedirectReader."""
    party_of(visit)
    reader = _proved(visit)
    with visit.read() as ctx:
        rows = tuple(PasskeyRow.of(each) for each in passkeys.of_reader(ctx.session, reader.id))
    return visit.page(PasskeysPage(rows=rows, can_add=len(rows) < passkeys.MOST))


@router.get(f"{HOME}/add")
def ask_add(visit: Visiting) -> Response:
    """The button that makes one, after a fresh sign-in. Raises RedirectReader."""
    party_of(visit)
    step_up.require_fresh(visit, "passkey")
    return visit.page(_add_page(visit))


def _add_page(visit: Visit, error: Text | None = None) -> AddPasskeyPage:
    reader = _proved(visit)
    with visit.read() as ctx:
        publisher = visit.services.sender.house.name
        options = passkeys.new_passkey_options(ctx, party_of(visit), reader, publisher)
    return AddPasskeyPage(email=reader.email, options=options, error=error)


@router.post(f"{HOME}/add")
def add(
    visit: Guarded, credential: Annotated[str, Form()] = "", name: Annotated[str, Form()] = ""
) -> Response:
    """Keep the passkey that the browser has made. Raises RedirectReader, EnoughPasskeys."""
    party = party_of(visit)
    reader = step_up.require_fresh(visit, "passkey")
    with visit.begin() as ctx:
        made = passkeys.add(ctx, party, reader, credential, name, visit.browser)
    if made is None:
        failed = say("That did not work, and nothing was added. Please try again.")
        return visit.page(_add_page(visit, failed), 422)
    offer_no_more(visit)
    return visit.go(HOME, "passkey-added")


@router.post(f"{HOME}/not-now")
def decline(visit: Guarded) -> Response:
    """Don't offer a passkey in this browser again."""
    offer_no_more(visit)
    return visit.go("/account")


@router.post(f"{HOME}/{{passkey_id}}/name")
def rename(visit: Guarded, passkey_id: str, name: Annotated[str, Form()] = "") -> Response:
    """Give it another name. Raises RedirectReader, UnknownPasskey."""
    reader = _proved(visit)
    with visit.begin() as ctx:
        passkeys.rename(ctx, reader, passkey_id, name)
    return visit.go(HOME, "passkey-named")


@router.post(f"{HOME}/{{passkey_id}}/remove")
def remove(visit: Guarded, passkey_id: str) -> Response:
    """Remove it: it signs in nobody any more. Raises RedirectReader, UnknownPasskey."""
    reader = _proved(visit)
    with visit.begin() as ctx:
        passkeys.remove(ctx, reader, passkey_id, visit.browser)
    return visit.go(HOME, "passkey-removed")
