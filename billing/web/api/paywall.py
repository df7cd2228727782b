"""`GET /paywall.js`: the script for article pages without a server side. Pages of any site may use and cache it."""

import hashlib
from functools import cache

from fastapi import APIRouter, Request
from starlette.responses import Response

from billing.web.kit.static_files import STATIC

router = APIRouter(tags=["Access"])
ADDRESS = "/paywall.js"
KEPT = "public, max-age=300, stale-while-revalidate=86400"
"""Five minutes, and a day while a new one is fetched: a corrected script is everywhere the same day."""


@router.head(ADDRESS, include_in_schema=False)
@router.get(ADDRESS, summary="The paywall as a script", response_class=Response)
def paywall(request: Request) -> Response:
    """The same for everybody, so it may be kept; 304 where it hasn't changed."""
    body, etag = script()
    headers = {"Cache-Control": KEPT, "ETag": etag, "Cross-Origin-Resource-Policy": "cross-origin"}
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if known & {etag, "*"}:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="text/javascript")


@cache
def script() -> tuple[bytes, str]:
    """The script as it is served, and its ETag."""
    body = compact((STATIC / "paywall.js").read_text("utf-8")).encode()
    return body, f'"{hashlib.sha256(body).hexdigest()[:16]}"'


def compact(source: str) -> str:
    """The script without indentation and comment lines. None of its strings spans lines, so it does the same."""
    lines = (line.strip() for line in source.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//")) + "\n"
