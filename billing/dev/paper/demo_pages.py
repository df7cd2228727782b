"""Pages of the demo alone: the mailbox, and the buttons that move the held clock."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.responses import Response

from billing.dev.mailbox import Letter, greylists, let_greylist, read
from billing.dev.time_travel import advance, upcoming
from billing.platform.clock import CannotTurnBack
from billing.platform.errors import Invalid, NotFound
from billing.web import views
from billing.web.kit.bulkhead import Waits, may_wait
from billing.web.kit.visit import Guarded, Visit, Visiting

router = APIRouter(include_in_schema=False)
STEPS = {"1d": timedelta(days=1), "7d": timedelta(days=7)}
FRAME_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"
)


class NoSuchLetter(NotFound):
    """There is no such letter in the mailbox."""

    code = "unknown_letter"


class NoSuchStep(Invalid):
    """The clock moves by `1d`, by `7d`, or to the `next` thing that happens."""

    code = "bad_step"


@router.post("/demo/clock")
@may_wait
def move_clock(visit: Guarded, to: Annotated[str, Form()] = "", back: Annotated[str, Form()] = "/") -> Waits:
    """Move the clock, and come back to the page one was on."""
    return Waits(visit, lambda: _move(visit, to, back))


def _move(visit: Visit, to: str, back: str) -> Response:
    if to == "next":
        due = upcoming(visit.parts)
        # What another move has brought about by now has happened, as it was asked for.
        with suppress(CannotTurnBack):
            advance(visit.parts, due[0] if due else timedelta())
    elif to in STEPS:
        advance(visit.parts, STEPS[to])
    else:
        raise NoSuchStep
    return visit.go(back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/")


def _folder(visit: Visit) -> Path:
    return Path(visit.parts.settings.mailbox_dir)


def _letters(visit: Visit, to: str | None) -> list[Letter]:
    return read(_folder(visit), to or None)


@router.get("/mailbox")
def mailbox(visit: Visiting, to: str = "") -> Response:
    """Every mail the demo has sent."""
    rows = tuple(_row(letter) for letter in _letters(visit, to))
    return visit.page(views.Mailbox(letters=rows, to=to or None, greylists=greylists(_folder(visit))))


@router.post("/mailbox/greylist")
def set_greylist(visit: Guarded, on: Annotated[bool, Form()] = False) -> Response:
    """Let the mail server put each mail off once, as strangers' servers do, or take all at once again."""
    let_greylist(_folder(visit), on)
    return visit.go("/mailbox")


@router.get("/mailbox.json")
def mailbox_json(visit: Visiting, to: str = "") -> JSONResponse:
    """The same for programs, newest first."""
    return JSONResponse([_as_json(letter) for letter in _letters(visit, to)])


@router.get("/mailbox/{letter_id}")
def letter(visit: Visiting, letter_id: str, to: str = "") -> Response:
    """One letter, opened."""
    letters = _letters(visit, to)
    found = _find(letters, letter_id)
    shown: Literal["html", "text"] = "text" if visit.request.query_params.get("as") == "text" else "html"
    view = views.Mailbox(
        letters=tuple(_row(each) for each in letters),
        letter=views.OpenLetter(
            row=_row(found),
            headers=tuple(found.headers),
            text=found.text,
            has_html=bool(found.html),
            enclosures=tuple(each.name for each in found.enclosures),
            shown=shown,
        ),
        to=to or None,
    )
    return visit.page(view)


@router.get("/mailbox/{letter_id}/html")
def letter_html(visit: Visiting, letter_id: str) -> Response:
    """The letter as mail programs show it, in a frame that can run nothing."""
    found = _find(_letters(visit, None), letter_id)
    html = found.html.replace("<head>", '<head><base target="_top">', 1)
    return HTMLResponse(html, headers={"Content-Security-Policy": FRAME_POLICY})


@router.get("/mailbox/{letter_id}/enclosures/{place}")
def enclosure(visit: Visiting, letter_id: str, place: int) -> Response:
    """A file that came with it, to be kept: nothing in it is shown or run here."""
    files = _find(_letters(visit, None), letter_id).enclosures
    if not 0 <= place < len(files):
        raise NoSuchLetter
    file = files[place]
    name = quote(file.name, safe="")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    return Response(file.content, media_type=file.content_type, headers=headers)


def _find(letters: list[Letter], letter_id: str) -> Letter:
    found = next((each for each in letters if each.id == letter_id), None)
    if found is None:
        raise NoSuchLetter
    return found


def _row(letter: Letter) -> views.LetterRow:
    return views.LetterRow(
        id=letter.id, at=letter.at, sender=letter.sender, recipient=letter.recipient, subject=letter.subject
    )


def _as_json(letter: Letter) -> dict[str, object]:
    return {
        "id": letter.id,
        "at": letter.at.isoformat(),
        "from": letter.sender,
        "to": letter.recipient,
        "subject": letter.subject,
        "text": letter.text,
        "html": letter.html,
        "enclosures": [each.name for each in letter.enclosures],
        "headers": [list(pair) for pair in letter.headers],
    }
