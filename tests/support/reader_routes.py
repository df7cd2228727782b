"""Whose each route of a reader's browser is, so that tests with two readers cover every one, new ones too."""

from enum import StrEnum

from tests.support.routes import Route, routes
from tests.support.world import World


class Whose(StrEnum):
    """Whom a route shows or changes something of."""

    ACCOUNT = "of the account that is signed in"
    NAMED = "of the account that is signed in; the address names one thing of it"
    LINK = "of whoever holds the mailed link"
    BROWSER = "of this browser, before anybody is signed in"
    EVERYBODY = "the same for everybody"


ELSEWHERE = ("/staff", "/demo", "/mailbox", "/openapi.json")
BY_COOKIE = ("/v1/access/{article_id}", "/v1/gate/{article_id}", "/v1/access", "/v1/access-token", "/v1/audio/{article_id}")  # fmt: skip
"""Programs' endpoints that answer a reader's browser too."""
_OF: dict[Whose, str] = {
    Whose.ACCOUNT: """
        GET /account  GET /account/address  POST /account/address  GET /account/address/sent  POST /account/address/code
        GET /account/charge-day  POST /account/charge-day  GET /account/charge-day/undo  POST /account/charge-day/undo
        GET /account/cancel  POST /account/cancel  GET /account/cancelled
        GET /account/withdraw  POST /account/withdraw  POST /account/keep  GET /account/card  POST /account/card
        GET /account/confirm  POST /account/confirm  GET /account/consents  GET /account/plan  POST /account/plan
        GET /account/pause  POST /account/pause  GET /account/resume  POST /account/resume
        GET /account/plan/undo  POST /account/plan/undo  GET /account/pause/undo  POST /account/pause/undo
        POST /account/pay  GET /account/gifts  GET /account/passkeys  GET /account/passkeys/add
        POST /account/passkeys/add  POST /account/passkeys/not-now  GET /account/erase  POST /account/erase
        GET /account/closed  POST /account/erase/keep  GET /account/requests
        GET /account/invoice-details  POST /account/invoice-details  POST /account/invoice-details/remove
        GET /account/data  POST /account/data  GET /account/data/archive
        GET /who-charged-me  GET /contact  POST /contact  GET /newsletters  POST /newsletters  POST /newsletters/add
        POST /sign-out  POST /sign-out-everywhere  POST /language
        GET /v1/access/{article_id}  GET /v1/gate/{article_id}  POST /v1/access  GET /v1/access-token
        GET /v1/audio/{article_id}  GET /articles/{article_id}  GET /articles/{article_id}/print
        POST /articles/{article_id}/gift
    """,
    Whose.NAMED: """
        GET /account/receipts/{invoice_id}  GET /account/receipts/{invoice_id}.pdf  POST /account/receipts/{invoice_id}
        GET /account/gifts/{gift_id}  POST /account/gifts/{gift_id}/revoke
        GET /account/requests/{request_id}  POST /account/requests/{request_id}
        POST /account/passkeys/{passkey_id}/name  POST /account/passkeys/{passkey_id}/remove
        POST /account/sessions/{session_id}/sign-out
    """,
    Whose.LINK: """
        GET /account/address/link/{token}  GET /account/address/confirm  POST /account/address/confirm
        GET /address/stop/{token}  GET /address/stop  POST /address/stop
        GET /cancel/{token}  GET /cancel  POST /cancel  POST /cancel/withdraw  POST /cancel/undo
        GET /card/{token}  GET /card  POST /card
        GET /pay/{token}  GET /pay  POST /pay  POST /pay/page  GET /pay/back  GET /pay/stop
        GET /request/{token}  GET /request  POST /request
        GET /gift/{token}  GET /listen/{article_id}/{end}.{seal}
        GET /newsletters/confirm/{token}  GET /newsletters/confirm  POST /newsletters/confirm
        GET /newsletters/mine/{token}  GET /newsletters/mine  POST /newsletters/mine  POST /newsletters/mine/back
        GET /u/{token}  POST /u/{token}  GET /u/{token}/back  POST /u/{token}/back
        GET /sign-in/link/{token}  GET /sign-in/confirm  POST /sign-in/confirm  POST /sign-in/here
    """,
    Whose.BROWSER: """
        GET /subscribe  POST /subscribe  POST /subscribe/without-trial  GET /subscribe/review  POST /subscribe/review
        GET /subscribe/back  GET /subscribe/started
        GET /sign-in  POST /sign-in  GET /sign-in/sent  POST /sign-in/again  POST /sign-in/code  POST /sign-in/passkey
        GET /sign-in/on  GET /contact/sent/{token}  GET /request/confirmed/{token}  GET /newsletters/asked
    """,
    Whose.EVERYBODY: """
        GET /  GET /about  GET /terms  GET /privacy  GET /refunds
        GET /terms/{number}  GET /privacy/{number}  GET /refunds/{number}
        GET /articles  GET /feed.xml  GET /sitemap.xml  GET /sitemap-news.xml  GET /robots.txt  GET /license.xml
        GET /favicon.ico  GET /apple-touch-icon.png  GET /manifest.webmanifest  GET /paywall.js
        GET /brand/logo.{kind}  GET /brand/site.css  GET /brand/paper.css  GET /brand/listen.js
        GET /brand/share.png  GET /brand/icon-{side}.png
    """,
}
WHOSE = {
    f"{method} {path}": whose
    for whose, listed in _OF.items()
    for method, path in zip(listed.split()[::2], listed.split()[1::2], strict=True)
}
"""Each route, with whose it is. A new route is added here before the tests with two readers pass."""


def reader_routes(world: World) -> list[Route]:
    """Every route that a reader's browser opens, from the application itself."""
    return [
        route
        for route in routes(world)
        if (route.is_page and not route.path.startswith(ELSEWHERE)) or route.path in BY_COOKIE
    ]
