"""A reader chooses the language of pages and mails."""

from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Form
from sqlmodel import col
from starlette.responses import Response

from billing.http import cookies
from billing.platform.context import TransactionContext
from billing.platform.setting_types import OFFER
from billing.readers.models import Reader
from billing.web.kit import page_language
from billing.web.kit.refused_forms import refuse_cross_site
from billing.web.kit.visit import Visit, Visiting

router = APIRouter(include_in_schema=False)


@router.post("/language")
def choose(
    visit: Visiting, language: Annotated[str, Form()] = "", back: Annotated[str, Form()] = ""
) -> Response:
    """Keep the choice, in the browser and with a signed-in reader, and go back to the page. Raises CrossSite.

    The form has no token: a token would make every page of a stranger one browser's own, for an act that changes only words."""
    refuse_cross_site(visit.request, visit.services)
    chosen = visit.services.site.languages.by_code(language)
    if chosen is not None:
        visit.give(cookies.LANGUAGE, chosen.code, cookies.YEAR)
        if visit.reader is not None:
            with visit.begin() as ctx:
                _keep(ctx, visit.reader.id, chosen.code)
    return visit.go(back if page_language.is_here(back) else OFFER)


def keep_choice(visit: Visit, ctx: TransactionContext, reader_id: str) -> None:
    """After a sign-in: what was chosen in this browser is the reader's from now on."""
    chosen = page_language.chosen(visit.request, visit.services)
    if chosen is not None:
        _keep(ctx, reader_id, chosen.code)


def _keep(ctx: TransactionContext, reader_id: str, code: str) -> None:
    change = sa.update(Reader).where(col(Reader.id) == reader_id, col(Reader.language).is_distinct_from(code))
    ctx.session.execute(change.values(language=code))
