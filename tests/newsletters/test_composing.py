"""An editor's source: rendered safely and completely, or refused with a reason."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import emails
from billing.dev.previews.mails import HOUSE
from billing.newsletters import markdown
from billing.newsletters.compose import (
    MOST_BYTES,
    BadIssue,
    BadSubject,
    IssueCard,
    IssueContent,
    Piece,
    Variant,
    article_ids,
    issue_mail,
    one_line,
    pieces,
    problems,
)
from emails.languages import ENGLISH
from tests.emails.lint import tree
from tests.support.newsroom import CARD, PREHEADER, SOURCE, SUBJECT

WORDS = IssueContent("First Light", SUBJECT, PREHEADER, SOURCE, {"the-water-nobody-counted": CARD})


def rendered(source: str, variant: Variant = Variant.READER) -> emails.Rendered:
    """As that reader gets it."""
    words = replace(WORDS, source=source)
    return emails.render_newsletter(
        issue_mail(
            words, variant, unsubscribe_url="https://a.example/u", preferences_url="https://a.example/p"
        ),
        HOUSE,
    )


def test_a_finished_issue_has_no_problems() -> None:
    assert problems(WORDS, HOUSE, ENGLISH) == []


def test_the_source_is_taken_apart() -> None:
    source = "One.\n\n[[article:a-1]]\nTwo.\n::: subscribers\nThree.\n[[article:b]]\n:::\n\nFour.\n"
    assert pieces(source) == [
        Piece(None, prose="One."),
        Piece(None, article_id="a-1"),
        Piece(None, prose="Two."),
        Piece(Variant.SUBSCRIBER, prose="Three."),
        Piece(Variant.SUBSCRIBER, article_id="b"),
        Piece(None, prose="Four."),
    ]
    assert article_ids(source + "[[article:a-1]]\n[[article: no]]\nx [[article:c]]") == ["a-1", "b"]
    assert pieces(source.replace("\n", "\r\n")) == pieces(source)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("Hello.\n\n::: subscribers\nSecret.", "Line 3 begins a part"),
        ("Hello.\n:::\n", "Line 2 ends a part"),
        ("::: friends\nx\n:::", "Line 1: a part is for subscribers or for non-subscribers, not for friends"),
        ("::: subscribers\n::: non-subscribers\n:::\n:::", "Line 2 begins a part inside another"),
        ("[[article:nowhere]]", "There is no article nowhere"),
        ("", "nothing in it for a subscriber"),
        ("::: subscribers\nOnly you.\n:::", "nothing in it for a reader"),
        ("See [this](/articles/x).", "/articles/x isn't a whole address"),
        ("See [this](https://).", "isn't a whole address"),
        ("Brackets ⟦to⟧.", "The brackets ⟦ and ⟧ are ours"),
    ],
)
def test_what_cannot_be_sent_says_why(source: str, says: str) -> None:
    assert says in " ".join(problems(replace(WORDS, source=source), HOUSE, ENGLISH))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"subject": ""}, "The subject has 0 characters"),
        ({"subject": "x" * 151}, "The subject has 151 characters"),
        ({"preheader": "short"}, "has 5 characters"),
        ({"preheader": "x" * 111}, "has 111 characters"),
        ({"subject": PREHEADER}, "only repeats it"),
    ],
)
def test_the_lines_above_have_their_lengths(change: dict[str, str], says: str) -> None:
    assert says in " ".join(problems(replace(WORDS, **change), HOUSE, ENGLISH))  # type: ignore[arg-type]  # texts all


def test_an_issue_that_gmail_would_cut_is_refused_with_its_size() -> None:
    long = "\n\n".join(
        ["A paragraph of the usual length, more or less, that says the usual things again. " * 6] * 170
    )
    (said,) = problems(replace(WORDS, source=long), HOUSE, ENGLISH)[:1]
    assert "kB long for a subscriber" in said
    assert f"{MOST_BYTES / 1000:.1f} kB" in said


@pytest.mark.parametrize(
    "subject", ["a\r\nBcc: b@example.com", "a\nb", "a\0b", "a\x85b", "a\u2028b", "\ud800"]
)
def test_a_subject_is_one_line(subject: str) -> None:
    with pytest.raises(BadSubject):
        one_line(subject)


def test_a_subject_may_hold_any_letter_and_the_space_that_keeps_an_amount_together() -> None:
    assert one_line(" R\xa075 ~ für Nthabi’s \U0001f4f0 ") == "R\xa075 ~ für Nthabi’s \U0001f4f0"


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:x)",
        '<a href="https://ok.example" onclick="x()">x</a>',
        "![pixel](https://track.example/p.gif)",
        "<style>body{display:none}</style>",
        "<svg/onload=alert(1)>",
        '"><iframe src=//evil.example></iframe>',
        "`<script>`",
        "    <script>code</script>",
        "[a]: javascript:alert(1)\n\n[a]",
        "<https://ok.example/?<script>>",
        "{{ house }} {% raw %}",
    ],
)
def test_no_markup_of_the_source_is_obeyed(source: str) -> None:
    html = rendered(f"Good.\n\n{source}\n\nBye.").html
    root = tree(html)
    assert not root.all("script", "img", "iframe", "svg", "form", "object")
    assert len(root.all("style")) == 1  # ours
    for node in root.all("a"):
        assert node.attributes["href"].startswith(("https://", "http://", "mailto:", "tel:"))
        assert not any(name.startswith("on") for name in node.attributes)
    assert "Good." in html
    assert "Bye." in html


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_any_source_is_refused_or_stays_in_its_place(source: str) -> None:
    try:
        html = rendered(f"Good.\n\n{source}\n\n# Bye").html
    except BadIssue:
        return
    root = tree(html)  # every tag closes what it opened
    assert not root.all("script", "img", "iframe", "svg", "form", "object", "input")
    assert len(root.all("h1")) == 1


def test_headings_never_skip_and_never_rival_the_subject() -> None:
    levels = [
        node.tag
        for node in tree(rendered("# One\n\n### Two\n\n## Three\n\n##### Four").html).all(
            "h1", "h2", "h3", "h4"
        )
    ]
    assert levels == ["h1", "h2", "h3", "h2", "h3"]
    assert [node.tag for node in tree(rendered("### One").html).all("h1", "h2", "h3")] == ["h1", "h2"]


def test_the_text_says_what_the_html_says() -> None:
    source = (
        "# Title\n\nA **bold** *word* and `code`, [a link](https://example.com/x) and <https://example.com/y>.\n"
        "Soft break.\n\n- one\n- two\n  - inner\n\n3. three\n4. four\n\n> A quotation.\n\n***\n\n    code 1\n    code 2\n"
    )
    assert markdown.to_text(source) == "\n\n".join(
        [
            "Title",
            "A bold word and code, a link (https://example.com/x) and https://example.com/y. Soft break.",
            "  - one",
            "  - two",
            "    - inner",
            "  3. three",
            "  4. four",
            "  > A quotation.",
            "  * * *",
            "  code 1\n  code 2",
        ]
    )
    html = markdown.to_html(source)
    for tag in (
        "<h2>",
        "<strong>",
        "<em>",
        "<code>",
        "<ul>",
        '<ol start="3">',
        "<blockquote>",
        "<hr>",
        "<pre>",
    ):
        assert tag in html


@pytest.mark.parametrize("start", [0, 1, 7])
def test_a_list_is_numbered_alike_in_both_parts(start: int) -> None:
    source = f"{start}. first\n{start + 1}. second\n"
    assert markdown.to_text(source) == f"  {start}. first\n\n  {start + 1}. second"
    assert ("<ol>" if start == 1 else f'<ol start="{start}">') in markdown.to_html(source)


def test_a_card_shows_who_can_read_it() -> None:
    locked = rendered(SOURCE)
    assert "For subscribers" in locked.html
    assert (
        "Environment · For subscribers: The water nobody counted\n  https://example.com/water" in locked.text
    )
    assert "For subscribers" not in rendered(SOURCE, Variant.SUBSCRIBER).html
    nasty = replace(
        WORDS,
        cards={
            "the-water-nobody-counted": IssueCard(
                "<b>", "<script>x</script>", "https://a.example/?a=1&b=2", False
            )
        },
    )
    said = emails.render_newsletter(
        issue_mail(
            nasty, Variant.READER, unsubscribe_url="https://a.example", preferences_url="https://a.example"
        ),
        HOUSE,
    )
    assert "<script>" not in said.html
    assert "a=1&amp;b=2" in said.html
