"""The demo's static page, a file with `paywall.js` that is the same for everyone; and the endpoint of its text."""

from pathlib import Path

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from billing.access.articles import UnknownArticle
from billing.dev.paper.look import paper_asset
from billing.dev.paper.sample_articles import sample_article
from billing.platform.errors import Forbidden
from billing.rules.access import READ
from billing.web.kit.access_request import check_for
from billing.web.kit.visit import Visiting

router = APIRouter(include_in_schema=False)
PAGE = Path(__file__).parents[2] / "edges" / "page.html"
BODY = '<body class="reading">'


class TextLocked(Forbidden):
    """The rest of this article is for subscribers."""

    code = "text_locked"


@router.get("/demo/static-page")
def static_page(visit: Visiting) -> Response:
    """The example page with the demo's bar added."""
    style = f'<link rel="stylesheet" href="{paper_asset("paper.css")}">\n</head>'
    bar = str(visit.extras.banner(visit) or "")  # as plain text: added to markup, BODY would be escaped
    page = PAGE.read_text("utf-8").replace("</head>", style, 1)
    return visit.html(page.replace(BODY, BODY + bar, 1))


@router.get("/demo/text/{article_id}")
def text(visit: Visiting, article_id: str) -> Response:
    """The full text, for readers with access. The script's access check has counted this reading already."""
    sample = sample_article(article_id)
    if sample is None:
        raise UnknownArticle
    with visit.read() as ctx:
        checked = check_for(visit, ctx.session, article_id, counts=False)
    if READ not in checked.decision.features or checked.pending:
        raise TextLocked
    html = visit.look.render("_text.html", blocks=sample.paragraphs)
    return HTMLResponse(html)
