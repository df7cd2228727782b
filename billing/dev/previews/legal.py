"""Pages that the law asks a shop to have, with the sample paper's texts."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from markupsafe import Markup

from billing.brand.legal import DocumentKind
from billing.dev.previews.values import HOUSE, OFFER, VISITOR, YEAR_OFFER
from billing.dev.seed import legal_sample
from billing.newsletters.markdown import to_html
from billing.web.views.frame import Frame, Page
from billing.web.views.legal import AboutPage, LegalPage

HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def pages() -> Iterator[tuple[str, Page, Frame]]:
    """Name, view and frame of each preview."""
    about = AboutPage(offers=(OFFER, YEAR_OFFER), cooling_off_days=14)
    yield "about", about, replace(VISITOR, path="/about")
    member = replace(
        HOUSE,
        memberships="Press Council of South Africa and its Press Code",
        complaints_url="https://presscouncil.example",
    )
    yield "about-member", about, replace(VISITOR, path="/about", house=member)
    for kind in DocumentKind:
        page = LegalPage(
            kind=kind.value,
            label=kind.label,
            number=2,
            since=date(2026, 11, 2),
            text_hash=HASH,
            words=Markup(to_html(legal_sample(kind))),  # noqa: S704 - it is sanitised
            in_force=True,
            others=((1, date(2026, 3, 1)),),
        )
        yield f"legal-{kind}", page, replace(VISITOR, path=f"/{kind}")
    earlier = replace(page, number=1, in_force=False, words=Markup(), url="https://paper.example/refunds")
    yield "legal-earlier", earlier, replace(VISITOR, path="/refunds/1")
