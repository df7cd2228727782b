"""What a reader agreed to, word for word, as a file to keep (C6): to subscribe, and to receive newsletters.

It is plain text, which any phone opens, prints and mails."""

from collections.abc import Iterator
from datetime import datetime

from fastapi import APIRouter
from starlette.responses import Response

from billing.newsletters.evidence import lines_of
from billing.newsletters.models import Newsletter, SignupChange, SignupState
from billing.newsletters.signups import Person
from billing.readers.consents import given_by
from billing.readers.models import Consent, ConsentText
from billing.rules.money import Money
from billing.web.kit.visit import Visit, Visiting
from billing.web.reader.step_up import require_fresh

router = APIRouter(include_in_schema=False)
HOW = {
    "page": "the boxes on the newsletter page",
    "started": "the boxes on the page after your start",
    "preferences": "the page behind the link in a newsletter",
    "confirmation mail": "the button behind our mail that asked",
    "one click": "the link in a newsletter that stops it",
    "taken back": "the button that takes a stop back, on the page that stopped it",
    "complaint": "your mail provider told us that it was not wanted",
}
Entry = list[tuple[str, str]]


@router.get("/account/consents")
def download(visit: Visiting) -> Response:
    """All of it, after a fresh sign-in: it names devices and network addresses. It changes nothing, so no rate limit counts it.
    Raises RedirectReader."""
    reader = require_fresh(visit, "consents")
    with visit.read() as ctx:
        agreed = [_agreed(visit, *row) for row in given_by(ctx.session, reader.id)]
        said = [_said(visit, *row) for row in lines_of(ctx.session, Person.of(reader))]
    text = "\n".join(_lines(visit, reader.email, agreed, said)) + "\n"
    headers = {"Content-Disposition": 'attachment; filename="my-consents.txt"'}
    return Response(text, media_type="text/plain; charset=utf-8", headers=headers)


def _lines(visit: Visit, email: str, agreed: list[Entry], said: list[Entry]) -> Iterator[str]:
    house, site = visit.services.sender.house, visit.services.site
    yield f"What {email} agreed to, as {house.name} keeps it"
    yield f"Written on {_moment(visit, visit.at)}. All times are those of {site.zone.key}."
    yield f"Kept by {house.legal_name}, {house.address}. Questions: {house.contact_email}"
    for title, entries in (("YOUR SUBSCRIPTION", agreed), ("NEWSLETTERS", said)):
        yield from ("", title)
        for entry in entries:
            yield ""
            yield from (f"{name}: {_on_one_line(value)}" for name, value in entry if value)
        if not entries:
            yield from ("", "Nothing.")


def _agreed(visit: Visit, consent: Consent, text: ConsentText) -> Entry:
    return [
        ("On", _moment(visit, consent.accepted_at)),
        ("You agreed to", f"the {consent.kind} terms, version {consent.text_version}"),
        ("In these words", text.words),
        ("Price", Money(consent.amount, consent.currency).with_vat_words()),
        ("First charge on", f"{consent.first_charge_on:%-d %B %Y}"),
        ("Address", consent.email),
        ("From the network address", consent.ip),
        ("Device", consent.device),
        ("Record", consent.id),
    ]


def _said(visit: Visit, line: SignupChange, newsletter: Newsletter) -> Entry:
    yes = line.to_state == SignupState.CONFIRMED
    return [
        ("On", _moment(visit, line.at)),
        ("You said", f"{'yes' if yes else 'no more'} to {newsletter.name}"),
        ("In these words", line.words),
        ("Version of the words", line.text_version),
        ("First ticked on", _moment(visit, line.asked_at) if line.asked_at else ""),
        ("By", HOW.get(line.source, line.source)),
        ("Confirmed by", f"our mail {line.message_key}" if line.message_key else ""),
        ("Address", line.address),
        ("From the network address", line.ip),
        ("Device", line.device),
        ("Record", str(line.id)),
    ]


def _moment(visit: Visit, at: datetime) -> str:
    return f"{at.astimezone(visit.services.site.zone):%-d %B %Y at %H:%M:%S}"


def _on_one_line(value: str) -> str:
    """A browser chooses its own name; a line break in it could forge a line of this file."""
    return " ".join(value.split())
