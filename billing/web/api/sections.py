"""`/v1/sections`: the access levels of sections, for articles that say nothing themselves."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse
from starlette.responses import Response

from billing.access import articles, policies, public_windows
from billing.access.policies import NO_TERMS, AccessTerms
from billing.platform.context import TransactionContext
from billing.rules.access import AccessLevel
from billing.staff import editing
from billing.web.api.articles import TermsBody
from billing.web.api.caller import Answer, Articles
from billing.web.api.pages import MOST, After, Limit, page

router = APIRouter(tags=["Articles"])
SectionName = Annotated[str, Path(min_length=1, max_length=100)]


class SectionBody(TermsBody):
    """A section's policy, for articles that say nothing themselves."""

    access: AccessLevel


@router.get("/v1/sections")
def sections(caller: Articles, limit: Limit = MOST, after: After = None) -> JSONResponse:
    """Every section that has an article or a policy, with its policy, by name."""
    with caller.begin() as ctx:
        terms = policies.of_sections(ctx.session)
        names = sorted({*terms, *articles.sections(ctx.session)})
    following = [name for name in names if after is None or name > after]
    return page(following, limit, lambda name: _section(name, terms.get(name, NO_TERMS)))


@router.put("/v1/sections/{section}")
def put_section(section: SectionName, body: SectionBody, caller: Articles) -> Response:
    """From now on the section's articles that say nothing themselves ask this."""

    def do(ctx: TransactionContext) -> Answer:
        editing.set_section_by_program(ctx, section, body.terms)
        return 200, _section(section, body.terms)

    return caller.once_in_one(body, do)


@router.delete("/v1/sections/{section}", status_code=204)
def delete_section(section: SectionName, caller: Articles) -> Response:
    """The section has no policy any more; articles that lean on it are for subscribers. 404 where it had none."""

    def do(ctx: TransactionContext) -> Answer:
        if policies.of_section(ctx.session, section) == NO_TERMS:
            raise public_windows.UnknownSection("That section has no policy.")
        editing.set_section_by_program(ctx, section, NO_TERMS)
        return 204, None

    return caller.once_in_one(None, do)


def _section(name: str, terms: AccessTerms) -> dict[str, Any]:
    return {
        "section": name,
        "access": terms.access.value if terms.access else None,
        "free_hours": terms.free_hours,
        "open_after_days": terms.open_after_days,
    }
