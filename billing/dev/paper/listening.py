"""Recordings: their addresses play for five minutes, for the session or reader token they were made for (PW-7). Nothing is stored.

When an address expires, the page requests a new one, so that playback can go on after a pause."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse
from starlette.responses import FileResponse, Response

from billing.dev.paper.sample_articles import AUDIO, sample_article
from billing.http import shapes
from billing.platform.errors import Forbidden, NotFound
from billing.rules.access import LISTEN
from billing.web.api.by_token import ByToken
from billing.web.kit.access_request import check_for
from billing.web.kit.visit import Visit

router = APIRouter()
GOOD_FOR = timedelta(minutes=5)
PURPOSE = "listen"
FOR_PLAYERS = {"Cross-Origin-Resource-Policy": "same-site"}
Named = Annotated[str, Path(max_length=shapes.LONGEST)]


class NoRecording(NotFound):
    """There is no recording of this article."""

    code = "no_recording"


class ListeningNotIncluded(Forbidden):
    """Listening is for subscribers. With a subscription, or in the free trial, you can listen to this article."""

    code = "listening_not_included"
    title = "Listening is for subscribers"


class AddressOver(Forbidden):
    """This recording's address was good for five minutes. Open the article again, and it plays on."""

    code = "address_over"
    title = "This address is over"


class OthersAddress(Forbidden):
    """This recording's address plays in the browser it was made for. Open the article here, and you can listen."""

    code = "others_address"
    title = "This address was made for another browser"


@dataclass(frozen=True, slots=True)
class Recording:
    """The address of an article's recording, and its expiry."""

    path: str
    until: datetime


def recording(visit: Visit, article_id: str) -> Recording:
    """A new address for this reader and session. Raises OthersAddress if nobody is signed in."""
    until = (visit.at + GOOD_FOR).astimezone(UTC).replace(microsecond=0)
    return Recording(
        f"/listen/{article_id}/{int(until.timestamp())}.{_seal(visit, article_id, until)}", until
    )


def _seal(visit: Visit, article_id: str, until: datetime) -> str:
    """A signature over article, expiry and session."""
    return visit.services.site.tokens.token(PURPOSE, _sealed(visit, article_id, until)).rpartition(".")[2]


def _sealed(visit: Visit, article_id: str, until: datetime) -> str:
    """The signed text, which isn't part of the address."""
    if visit.who.by is None:
        raise OthersAddress
    return f"{article_id}:{int(until.timestamp())}:{visit.who.by}"


@router.get(
    "/v1/audio/{article_id}", tags=["Access"], summary="Where this reader can listen, for five minutes"
)
def where(visit: ByToken, article_id: Named) -> JSONResponse:
    """For the reader's own session, or by a reader token, as an app has it; the address plays by that session's cookie, or by
    a token of the same session (of the same reader, where a program got the token), and by nothing else. Ask again when it is
    over.

    403 without the feature `listen`, 404 where there is no recording."""
    _refuse(visit, article_id)
    found = recording(visit, article_id)
    body = {
        "article": article_id,
        "address": visit.services.site.page(found.path),
        "until": shapes.instant(found.until),
    }
    return JSONResponse(body)


@router.api_route("/listen/{article_id}/{end}.{seal}", methods=["GET", "HEAD"], include_in_schema=False)
def listen(visit: ByToken, article_id: Named, end: int, seal: str) -> Response:
    """The recording, whole or in ranges. The right to listen is checked at each request, so that it ends at once."""
    _refuse(visit, article_id)
    until = _moment(end)
    sealed = _sealed(visit, article_id, until)
    if not visit.services.site.tokens.is_token(PURPOSE, sealed, f"{sealed}.{seal}"):
        raise OthersAddress
    if visit.at >= until:
        raise AddressOver
    return _File(AUDIO, media_type="audio/ogg", headers=FOR_PLAYERS)


def _refuse(visit: Visit, article_id: str) -> None:
    """Raises UnknownArticle, NoRecording, ListeningNotIncluded."""
    with visit.read() as ctx:
        checked = check_for(visit, ctx.session, article_id, counts=False)
    sample = sample_article(article_id)
    if sample is None or not sample.teaser.audio:
        raise NoRecording
    if LISTEN not in checked.decision.features:
        raise ListeningNotIncluded


def _moment(end: int) -> datetime:
    try:
        return datetime.fromtimestamp(end, UTC)
    except (OverflowError, OSError, ValueError):
        raise OthersAddress from None


class _File(FileResponse):
    """Players request one or two ranges; a request for many gets the whole file."""

    max_ranges = 4
