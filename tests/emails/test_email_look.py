"""Every mail is accessible, legible in light and dark, and made for a phone (X1 to X6, H18)."""

from pathlib import Path

import pytest

from billing.dev.previews.mails import HOUSE, main, samples
from emails import render
from tests.emails.lint import contrast, problems, tree
from tests.support.shared_chromium import Chromium

GOOD = render(samples()["receipt"], HOUSE)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('<html lang="en-ZA" dir="ltr">', "<html>", "X1 html needs"),
        ("<title>Tax", "<title>Bill", "X1 the title"),
        (
            'name="color-scheme" content="light dark"',
            'name="color-scheme" content="light"',
            "X1 color-scheme",
        ),
        (' role="presentation"', "", "X2 a table is neither"),
        (' scope="row"', "", "X2 a table is neither"),
        (' cellspacing="0"', "", "X2 a table without"),
        ("<h1", "<h2>An h2 first</h2><h1", "X4 headings"),
        (">Cancel your subscription<", ">here<", "X4 a link that says"),
        (">Cancel your subscription<", ">See your payments and receipts<", "X4 'See your payments"),
        ("padding: 10px 0;", "padding: 2px 0;", "X4 'See your payments"),
        ("text-decoration: underline", "text-decoration: none", "X4 'See your payments"),
        ("<h1", '<img src="https://a.example/x.png"><h1', "X3 an image without alt"),
        ("<h1", '<p style="float: left"></p><h1', "X6 uses float"),
        ("max-width: 600px", "max-width: 800px", "X6 widths"),
        ("color: #211e1a", "color: #c8c0b4", "X5 light"),
        ("color: #efe9df !important", "color: #4a443c !important", "X5 dark"),
        ("font-size: 17px", "font-size: 15px", "X5 15.0 px"),
        ("display: none", "display: block", "H18 the preheader is not hidden"),
        ("Thank you. Paid", "Paid. " * 20, "H18 the preheader has"),
    ],
)
def test_the_linter_sees_what_is_broken(old: str, new: str, complaint: str) -> None:
    assert old in GOOD.html
    found = problems(GOOD.html.replace(old, new), GOOD.subject)
    assert any(problem.startswith(complaint) for problem in found), found


def test_contrast_is_the_ratio_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


def test_a_tag_that_closes_another_is_found() -> None:
    with pytest.raises(AssertionError, match="closes"):
        tree("<p><b></p>")


def test_the_preview_holds_every_sample(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "preview")]) == 0
    index = Path(capsys.readouterr().out.strip()).read_text("utf-8")
    for name in samples():
        assert f'href="{name}.html"' in index
        assert (tmp_path / "preview" / f"{name}.txt").read_text("utf-8").startswith("Subject: ")


def test_the_preview_says_what_it_wants(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    (tmp_path / "file").write_text("")
    assert main([str(tmp_path / "file")]) == 1
    assert "cannot write the preview" in capsys.readouterr().err


MEASURED = """mails => Promise.all(mails.map(html => new Promise(done => {
    const frame = document.createElement('iframe');
    frame.style = 'width: 320px; height: 640px; border: 0';
    frame.onload = () => done({
        seen: frame.contentWindow.innerWidth,
        width: frame.contentDocument.documentElement.scrollWidth,
        links: [...frame.contentDocument.querySelectorAll('a')].map(one => one.getBoundingClientRect().height),
    });
    frame.srcdoc = html;
    document.body.append(frame);
})))"""
"""Each mail in a window of its own, as wide as a small phone; all at once, which is five times as fast as page after page."""


@pytest.mark.browser
def test_no_mail_is_wider_than_a_phone(chromium: Chromium) -> None:
    mails = {name: render(mail, HOUSE).html for name, mail in samples().items()}
    with chromium.context() as context:
        measured = context.new_page().evaluate(MEASURED, list(mails.values()))
    for name, found in zip(mails, measured, strict=True):
        assert found["seen"] == 320, name
        assert found["width"] <= 320, name
        assert min(found["links"]) >= 44, name
