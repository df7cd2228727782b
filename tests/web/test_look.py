"""Every page with sample values: strict markup, prices with VAT, forms with a CSRF token, no locked text."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from zoneinfo import ZoneInfo

import pytest
from jinja2 import UndefinedError

from billing.dev.demo import clock_bar, mailbox_pages, staff_sign_in
from billing.dev.paper import views as paper
from billing.dev.paper.news_article import news_article
from billing.dev.paper.sample_articles import parse, sample_article, sample_articles
from billing.dev.previews.pages import pages
from billing.dev.previews.values import HOUSE, LOOK, NOW, READER, STEPS, VISITOR
from billing.rules.money import Money
from billing.web import views
from billing.web.kit.rendering import PageRenderer, money
from billing.web.kit.static_files import STATIC, asset
from billing.web.views.account import SignInExpiredPage
from billing.web.views.frame import ErrorPage, Flash, Frame, Page
from billing.web.views.start import ReviewPage
from emails.languages import ENGLISH, Text, full_day, say, short_date

PAGES = list(pages())
EVERY_PAGE = pytest.mark.parametrize(("page", "frame"), [p[1:] for p in PAGES], ids=[p[0] for p in PAGES])
AT_NINE = datetime(2026, 3, 16, 7, 0, tzinfo=UTC)
STYLED_BY = {"input": "type", "details": "class"}
PRICE = re.compile(r"R[\d\u00a0]+\.\d\d")


class Reading(HTMLParser):
    """A page's text, and the markup that a strict content policy or a missing token would break."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.forms: list[dict[str, str | None]] = []
        self.tokens: list[bool] = []
        self.forbidden: list[str] = []
        self.ids: list[str] = []
        self.loaded: list[str] = []
        self.unstyled: list[dict[str, str | None]] = []
        """Fields without a type and folds without a class: the styles know them by these, and make them large enough to touch."""
        self.ticked = 0
        self._silent = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._silent += tag in ("script", "style", "title")
        self.forbidden += [f"{tag} {name}" for name in given if name == "style" or name.startswith("on")]
        if tag == "style" or (
            tag == "script" and "src" not in given and given.get("type") != "application/ld+json"
        ):
            self.forbidden.append(f"inline {tag}")
        self.ids += [given["id"] or ""] if "id" in given else []
        self.loaded += [
            given[name] or ""
            for name in ("src", "href")
            if name in given
            and tag not in ("a", "iframe")
            and given.get("rel") not in ("alternate", "canonical")
        ]
        if STYLED_BY.get(tag, "") not in ("", *given):
            self.unstyled.append(given)
        self.ticked += tag == "input" and given.get("type") == "checkbox" and "checked" in given
        if tag == "form":
            self.forms.append(given)
            self.tokens.append(False)
        if tag == "input" and given.get("name") == "csrf" and given.get("value") == "sample-token":
            self.tokens[-1] = True

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("script", "style", "title")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.text += f" {data}"


@EVERY_PAGE
def test_markup_needs_no_inline_script_or_style(page: Page, frame: Frame) -> None:
    found = Reading(LOOK.page(page, frame))
    assert found.forbidden == []
    assert len(found.ids) == len(set(found.ids))
    assert all(
        re.match(r"/(static|articles|listen|brand)/|/(paywall\.js|manifest\.webmanifest)$", address)
        for address in found.loaded
    )


@EVERY_PAGE
def test_every_form_posts_with_its_token_and_nothing_is_ticked_beforehand(page: Page, frame: Frame) -> None:
    found = Reading(LOOK.page(page, frame))
    assert {form["method"] for form in found.forms} <= {"post", "get"}
    own = [
        not str(form["action"]).startswith("/u/") for form in found.forms
    ]  # pressed by mail programs too (RFC 8058)
    asked = [form["method"] == "post" and ours for form, ours in zip(found.forms, own, strict=True)]
    assert found.tokens == asked, "a form that only asks carries no token into the address bar"
    if frame.staff is None:  # a member's form keeps what was typed, and consents to nothing
        assert found.ticked == sum(choice.chosen for choice in getattr(page, "choices", ()))


@EVERY_PAGE
def test_every_field_and_fold_has_what_its_style_goes_by(page: Page, frame: Frame) -> None:
    assert Reading(LOOK.page(page, frame)).unstyled == []


@EVERY_PAGE
def test_every_price_says_vat(page: Page, frame: Frame) -> None:
    text = re.sub(r"\s+", " ", Reading(LOOK.page(page, frame)).text)
    silent = [
        text[max(0, m.start() - 60) : m.end() + 60]
        for m in PRICE.finditer(text)
        if "VAT" not in text[max(0, m.start() - 60) : m.end() + 60]
    ]
    assert silent == []


@EVERY_PAGE
def test_the_house_stands_on_every_page(page: Page, frame: Frame) -> None:
    text = Reading(LOOK.page(page, frame)).text
    house = frame.house
    for part in (
        house.name,
        house.legal_name,
        house.address,
        house.vat_number,
        house.phone,
        house.contact_email,
    ):
        assert part in text


def test_there_is_a_sample_of_every_view_and_a_use_for_every_template() -> None:
    shown = {page.template for _, page, _ in PAGES if "/" not in page.template}
    files = {
        name
        for name in LOOK.environment(ENGLISH).list_templates()
        if not name.startswith("_")
        and name not in ("base.html", clock_bar.TEMPLATE)
        and "/" not in name  # rooms have tests of their own
    }
    of_pages = [import_module(one.name) for one in iter_modules(views.__path__, f"{views.__name__}.")]
    defining = (*of_pages, paper, mailbox_pages, staff_sign_in)
    kinds = [kind for module in defining for kind in vars(module).values() if isinstance(kind, type)]
    defined = {getattr(kind, "template", None) for kind in kinds}
    defined = {template for template in defined if isinstance(template, str) and "/" not in template}
    assert shown == files == defined


def test_hostile_words_are_shown_as_words() -> None:
    hostile = "<script>alert(1)</script>\"'>"
    page = ErrorPage(status=404, title=Text(hostile), advice=say("%(typed)s", typed=hostile))
    html = LOOK.page(page, replace(VISITOR, flash=Flash(text=Text(hostile)), path=f"/{hostile}"))
    assert "<script>alert" not in html
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 4


def test_hostile_words_cannot_leave_the_described_article() -> None:
    article = sample_articles()[0]
    teaser = replace(article.teaser, title="</script><script>alert(1)</script>", lead="short")
    wall = paper.Wall(reason="subscribe", step=STEPS["stranger"], price=Money(7500), trial_days=14)
    described = news_article(teaser, HOUSE, "https://paper.example/a", NOW)
    page = paper.ArticlePage(teaser=teaser, byline="", paragraphs=None, wall=wall, json_ld=described)
    assert "<script>alert" not in LOOK.page(page, VISITOR)


def test_a_missing_value_is_an_error_not_a_gap() -> None:
    with pytest.raises(UndefinedError):
        LOOK.render("error.html", csrf="x")


def test_a_locked_article_cannot_carry_its_text() -> None:
    article = sample_articles()[0]
    wall = paper.Wall(reason="subscribe", step=STEPS["stranger"], price=Money(7500), trial_days=14)
    for paragraphs, shown in ((article.paragraphs, wall), (None, None)):
        with pytest.raises(ValueError, match="never both"):
            paper.ArticlePage(teaser=article.teaser, byline="", paragraphs=paragraphs, wall=shown)


@pytest.mark.parametrize("name", ["article-locked", "article-register", "article-meter-used"])
def test_locked_pages_hold_no_sentence_of_the_text(name: str) -> None:
    page, frame = next(p[1:] for p in PAGES if p[0] == name)
    assert isinstance(page, paper.ArticlePage)
    html = LOOK.page(page, frame)
    article = sample_article(page.teaser.id)
    assert article is not None
    assert "<audio" not in html
    for block in article.paragraphs:
        assert block.text[:40] not in html


def test_an_article_is_printed_without_scripts_too_and_the_page_says_how() -> None:
    [(page, frame)] = [(page, frame) for name, page, frame in PAGES if name == "article-print"]
    quiet = re.search(r"<noscript>(.*?)</noscript>", LOOK.page(page, frame))
    assert quiet is not None
    assert "“Print” in your browser’s menu" in quiet.group(1)


def test_the_account_goes_from_what_comes_next_to_leaving() -> None:
    [(page, frame)] = [(page, frame) for name, page, frame in PAGES if name == "account-choices"]
    headings = re.findall(r'<h2 id="(\w+)"', LOOK.page(page, frame))
    order = [
        "next",
        "card",
        "receipts",
        "choices",
        "letters",
        "gifts",
        "sessions",
        "agreed",
        "ask",
        "leave",
        "close",
    ]
    assert headings == order


def test_review_shows_the_recorded_sentence_word_for_word_and_every_date() -> None:
    page, frame = next(p[1:] for p in PAGES if p[0] == "review")
    assert isinstance(page, ReviewPage)
    text = re.sub(r"\s+", " ", Reading(LOOK.page(page, frame)).text)
    for part in (
        page.consent_text,
        "Monday 7 December 2026",
        "30 Nov 2026",
        "4 Dec 2026",
        "R75.00 on Tuesday 8 December 2026",
        "R9.78 VAT",
    ):
        assert part in text


def test_a_signed_in_reader_finds_account_and_sign_out_a_visitor_finds_sign_in() -> None:
    page = SignInExpiredPage()
    inside, outside = LOOK.page(page, READER), LOOK.page(page, VISITOR)
    assert 'action="/sign-out"' in inside
    assert 'href="/account"' in inside
    assert 'action="/sign-out"' not in outside
    assert 'href="/sign-in"' in outside


def test_outside_the_demo_there_is_no_clock_to_move() -> None:
    page = SignInExpiredPage()
    assert "/demo/clock" in LOOK.page(page, VISITOR)
    assert "/demo/clock" not in LOOK.page(page, replace(VISITOR, banner=None))


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (money(Money(7500)), "R75.00"),
        (full_day(date(2026, 3, 16)), "Monday 16 March 2026"),
        (full_day(date(2026, 12, 8)), "Tuesday 8 December 2026"),
        (short_date(date(2026, 3, 6)), "6 Mar 2026"),
        (LOOK.moment(AT_NINE), "Monday 16 March 2026 at 09:00"),
        (LOOK.moment(datetime(2026, 3, 15, 22, 30, tzinfo=UTC)), "Monday 16 March 2026 at 00:30"),
        (LOOK.short_moment(AT_NINE), "Mon 16 Mar 2026, 09:00"),
        (LOOK.clock_time(AT_NINE), "09:00"),
        (PageRenderer(ZoneInfo("America/New_York")).moment(AT_NINE), "Monday 16 March 2026 at 03:00"),
    ],
)
def test_money_and_time_in_words(shown: str, expected: str) -> None:
    assert shown == expected


def test_days_and_instants_are_not_mixed_up() -> None:
    with pytest.raises(ValueError, match="zone"):
        LOOK.moment(datetime(2026, 3, 16, 9, 0))  # noqa: DTZ001 - the naive one is the case
    with pytest.raises(TypeError, match="civil date"):
        full_day(AT_NINE)
    with pytest.raises(TypeError, match="civil date"):
        short_date(AT_NINE)


def test_a_static_file_has_an_address_that_changes_with_its_content() -> None:
    assert re.fullmatch(r"/static/site\.css\?v=[0-9a-f]{12}", asset("site.css"))
    assert asset("site.css").split("=")[1] != asset("wait.js").split("=")[1]
    assert (STATIC / "site.css").stat().st_size < 32_000
    with pytest.raises(FileNotFoundError):
        asset("missing.css")


def test_the_sample_paper_has_articles_of_every_access_level() -> None:
    found = [article.teaser.access for article in sample_articles()]
    assert {level: found.count(level) for level in set(found)} == {
        "free": 2,
        "registered": 2,
        "metered": 3,
        "subscriber": 4,
    }
    assert any(a.teaser.audio and a.teaser.access == "subscriber" for a in sample_articles())
    assert all(len([b for b in a.paragraphs if b.kind == "paragraph"]) >= 5 for a in sample_articles())
    assert sample_article("no-such-article") is None


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("title: A\nsection: B\n\nText", "lacks access, byline, lead, published"),
        ("title: A\nsection: B\nlead: C\naccess: secret\npublished: 2026-01-01\nbyline: D\n\nText", "secret"),
        ("title: A\nsection: B\nlead: C\naccess: free\npublished: 1 May\nbyline: D\n\nText", "1 May"),
    ],
)
def test_a_faulty_article_file_is_named(source: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse("faulty", source)


def test_free_articles_are_described_as_free_and_the_others_as_behind_the_wall() -> None:
    for article in sample_articles():
        described = news_article(article.teaser, HOUSE, "https://paper.example/a", NOW)
        assert described["isAccessibleForFree"] is (article.teaser.access == "free")
        assert ("hasPart" in described) is (article.teaser.access != "free")
        assert "articleBody" not in described


@pytest.mark.parametrize("sheet", sorted(STATIC.glob("*.css")), ids=lambda sheet: sheet.name)
def test_each_rule_for_some_screens_ends_before_the_next_begins(sheet: Path) -> None:
    """A brace that a merge lost would leave all later rules to wide or dark screens."""
    depth = 0
    for line in sheet.read_text().splitlines():
        assert not (line.startswith("@media") and depth), line
        depth += line.count("{") - line.count("}")
    assert depth == 0
