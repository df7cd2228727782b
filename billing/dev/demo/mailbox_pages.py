"""The demo's mailbox pages: every mail the demo has sent."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, ClassVar, Literal
from urllib.parse import quote

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.responses import Response

from billing.dev.mailbox import ReceivedMail, greylists, let_greylist, read
from billing.http.headers import framed_headers
from billing.platform.errors import NotFound
from billing.web.kit.visit import Guarded, Visit, Visiting

router = APIRouter(include_in_schema=False)
LINKS_OPEN = "allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"
"""What the sandbox of a mail allows, so that its links can be followed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterRow:
    id: str
    at: datetime
    sender: str
    recipient: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLetter:
    row: LetterRow
    headers: tuple[tuple[str, str], ...]
    text: str
    has_html: bool
    enclosures: tuple[str, ...] = ()
    """The names of the attached files."""
    shown: Literal["html", "text"] = "html"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxPage:
    """Letters, newest first; `to` limits the list to one address."""

    template: ClassVar[str] = "mailbox.html"
    letters: tuple[LetterRow, ...]
    letter: OpenLetter | None = None
    to: str | None = None
    greylists: bool = False
    """Whether the mail server accepts a mail only at its second try."""


class NoSuchLetter(NotFound):
    """There is no such letter in the mailbox."""

    code = "unknown_letter"


def _folder(visit: Visit) -> Path:
    return Path(visit.services.settings.mailbox_dir)


def _letters(visit: Visit, to: str | None) -> list[ReceivedMail]:
    return read(_folder(visit), to or None)


@router.get("/mailbox")
def mailbox(visit: Visiting, to: str = "") -> Response:
    """Every mail the demo has sent."""
    rows = tuple(_row(letter) for letter in _letters(visit, to))
    return visit.page(MailboxPage(letters=rows, to=to or None, greylists=greylists(_folder(visit))))


@router.post("/mailbox/greylist")
def set_greylist(visit: Guarded, on: Annotated[bool, Form()] = False) -> Response:
    """Switch the mail server's greylisting on or off."""
    let_greylist(_folder(visit), on)
    return visit.go("/mailbox")


@router.get("/mailbox.json")
def mailbox_json(visit: Visiting, to: str = "") -> JSONResponse:
    """Every mail as JSON, newest first."""
    return JSONResponse([_as_json(letter) for letter in _letters(visit, to)])


@router.get("/mailbox/{letter_id}")
def letter(visit: Visiting, letter_id: str, to: str = "") -> Response:
    """One letter, opened."""
    letters = _letters(visit, to)
    found = _find(letters, letter_id)
    shown: Literal["html", "text"] = "text" if visit.request.query_params.get("as") == "text" else "html"
    view = MailboxPage(
        letters=tuple(_row(letter) for letter in letters),
        letter=OpenLetter(
            row=_row(found),
            headers=tuple(found.headers),
            text=found.text,
            has_html=bool(found.html),
            enclosures=tuple(file.name for file in found.enclosures),
            shown=shown,
        ),
        to=to or None,
    )
    return visit.page(view)


@router.get("/mailbox/{letter_id}/html")
def letter_html(visit: Visiting, letter_id: str) -> Response:
    """The letter's HTML, for a frame that can't run scripts."""
    found = _find(_letters(visit, None), letter_id)
    html = found.html.replace("<head>", '<head><base target="_top">', 1)
    return HTMLResponse(html, headers=framed_headers("'self' data:", allowed=LINKS_OPEN))


@router.get("/mailbox/{letter_id}/enclosures/{place}")
def enclosure(visit: Visiting, letter_id: str, place: int) -> Response:
    """An attached file as a download, so that the browser neither shows nor runs it."""
    files = _find(_letters(visit, None), letter_id).enclosures
    if not 0 <= place < len(files):
        raise NoSuchLetter
    file = files[place]
    name = quote(file.name, safe="")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    return Response(file.content, media_type=file.content_type, headers=headers)


def _find(letters: list[ReceivedMail], letter_id: str) -> ReceivedMail:
    found = next((letter for letter in letters if letter.id == letter_id), None)
    if found is None:
        raise NoSuchLetter
    return found


def _row(letter: ReceivedMail) -> LetterRow:
    return LetterRow(
        id=letter.id, at=letter.at, sender=letter.sender, recipient=letter.recipient, subject=letter.subject
    )


def _as_json(letter: ReceivedMail) -> dict[str, object]:
    return {
        "id": letter.id,
        "at": letter.at.isoformat(),
        "from": letter.sender,
        "to": letter.recipient,
        "subject": letter.subject,
        "text": letter.text,
        "html": letter.html,
        "enclosures": [file.name for file in letter.enclosures],
        "headers": [list(pair) for pair in letter.headers],
    }
