"""The way back: where a reader was going when a page of ours stopped them. Every door uses this module.

A door's address names an article as `?article=<id>`. The id needs no signature: it is looked up in the registry, and only the
registered address of that article is ever shown or opened. So a wall is the same for all strangers, and a publisher's page can
write the link itself. An id that nobody registered is ignored. The cookie is signed: it holds an article's id, or a path of
ours that a page here has set.

`&issue=<id>` beside it, or alone, names the newsletter issue that the reader came by. A start records both (see `origin`)."""

from datetime import timedelta
from urllib.parse import quote

from fastapi import APIRouter
from starlette.responses import Response

from billing.access.models import Article
from billing.http import cookies
from billing.platform.context import TransactionContext
from billing.readers import links
from billing.subscriptions.origins import CameFrom
from billing.web.kit.came_from import came_from, is_article_id, is_issue_id
from billing.web.kit.visit import Visit, Visiting
from billing.web.views.frame import ReadOn
from billing.web.views.start import ReadOnPage

WAY = "way"
PAGE_LIFE = 2 * links.LIFE
"""Longer than a link's life: the reader may request the link some minutes after the way was remembered."""
ARTICLE_LIFE = timedelta(hours=12)
"""As long as a start that was chosen is kept (`start_shared.START_LIFE`)."""
HOME = "/account"
ELSEWHERE = "/sign-in/on"
_ARTICLE = "article:"
router = APIRouter(include_in_schema=False)


def arrive(visit: Visit, article_id: str, issue_id: str = "") -> None:
    """Remember the article, and the newsletter issue, from which the reader came to this door. Asks the database nothing: `read_on`
    looks it up. A wall's link that names only the article keeps the issue that led there."""
    article_id = article_id if is_article_id(article_id) else ""
    issue_id = issue_id if is_issue_id(issue_id) else ""
    if not article_id and not issue_id:
        return
    before_article, before_issue = _came_by(visit)
    if article_id and article_id == before_article:
        issue_id = issue_id or before_issue
    _keep(visit, _ARTICLE + article_id + (f":{issue_id}" if issue_id else ""), ARTICLE_LIFE)


def _came_by(visit: Visit) -> tuple[str, str]:
    """The ids of the remembered article and issue; empty without."""
    subject = _kept(visit)
    if not subject.startswith(_ARTICLE):
        return "", ""
    article_id, _, issue_id = subject.removeprefix(_ARTICLE).partition(":")
    return article_id, issue_id


def origin(visit: Visit, ctx: TransactionContext) -> CameFrom:
    """What a start that begins here is recorded to have come from. At most two indexed reads, and none without a way."""
    return came_from(ctx, *_came_by(visit))


def remember(visit: Visit, path: str) -> None:
    """Go on at this page of ours after signing in."""
    subject = quote(path, safe="/?=&%#")  # a cookie is ASCII; what is quoted already stays as it is
    _keep(visit, subject, PAGE_LIFE)


def _keep(visit: Visit, subject: str, life: timedelta) -> None:
    visit.give(cookies.WAY, visit.services.site.tokens.token(WAY, subject), life)


def sign_in_first(visit: Visit, path: str) -> Response:
    """To the sign-in page, and on to this page of ours."""
    remember(visit, path)
    return visit.go("/sign-in")


def read_on(visit: Visit, ctx: TransactionContext) -> ReadOn | None:
    """The article from which the reader came, if one is remembered. One indexed read, and none without."""
    article_id, _ = _came_by(visit)
    article = ctx.session.get(Article, article_id) if article_id else None
    return ReadOn(title=article.title, url=article.url) if article is not None else None


def back(visit: Visit, ctx: TransactionContext) -> str:
    """Where the reader goes on after signing in, and forget it: the remembered page or article; else the account.

    An article on another host goes on by way of `ELSEWHERE`: a form may lead to this host only (`form-action`)."""
    subject, article = _kept(visit), read_on(visit, ctx)
    if article is not None and (path := _path_here(visit, article.url)) is None:
        return ELSEWHERE
    forget(visit)
    if article is not None:
        return path or HOME
    return subject if subject.startswith("/") and not subject.startswith("//") else HOME


def _kept(visit: Visit) -> str:
    """What is remembered, also by this very request; empty without."""
    given = [value for name, value, _ in visit.gives if name == cookies.WAY]
    token = given[-1] if given else visit.cookie(cookies.WAY)
    return visit.services.site.tokens.subject_of(WAY, token) or ""


def forget(visit: Visit) -> None:
    """Remember nothing any more."""
    visit.gives = [given for given in visit.gives if given[0] != cookies.WAY]
    visit.takes.append(cookies.WAY)


def _path_here(visit: Visit, url: str) -> str | None:
    here = f"{visit.services.settings.public_url}/"
    return f"/{url.removeprefix(here).lstrip('/')}" if url.startswith(here) else None


@router.get(ELSEWHERE)
def go_on(visit: Visiting) -> Response:
    """From here to an article on the publisher's own host: at once, and by a button."""
    with visit.read() as ctx:
        article = read_on(visit, ctx)
    forget(visit)
    return visit.page(ReadOnPage(article=article)) if article is not None else visit.go(HOME)
