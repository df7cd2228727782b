"""The pages of the demo and of trouble, with sample values."""

from collections.abc import Iterator
from dataclasses import replace

from billing.dev.previews.values import NOW, VISITOR
from billing.web import views


def mailbox() -> Iterator[tuple[str, views.Page, views.Frame]]:
    """The demo's mailbox, with a letter and empty."""
    at = replace(VISITOR, path="/mailbox")
    subjects = (
        "Your tax invoice INV-000148",
        "R75.00 incl. VAT will be charged on 8 December",
        "Your trial has begun",
        "Your link to sign in",
    )
    rows = tuple(
        views.LetterRow(
            id=f"l{n}",
            at=NOW,
            sender="The Swartberg Post <readers@swartberg-post.example>",
            recipient="thandi@example.org",
            subject=subject,
        )
        for n, subject in enumerate(subjects)
    )
    headers = (
        ("Message-ID", "<7f3a2c.1@swartberg-post.example>"),
        ("Date", "Mon, 23 Nov 2026 09:00:00 +0200"),
    )
    text = "Good morning,\n\nyour tax invoice is below.\n\nCancel at any time: http://127.0.0.1:8000/cancel\n"
    letter = views.OpenLetter(row=rows[0], headers=headers, text=text, has_html=True)
    yield "mailbox", views.Mailbox(letters=rows, letter=letter), at
    yield (
        "mailbox-text",
        views.Mailbox(letters=rows, letter=replace(letter, shown="text"), to="thandi@example.org"),
        at,
    )
    yield "mailbox-empty", views.Mailbox(letters=()), at
    yield "mailbox-greylists", views.Mailbox(letters=rows, greylists=True), at


def errors() -> Iterator[tuple[str, views.Page, views.Frame]]:
    """What is said when a page is missing, or broken."""
    missing = views.Error(
        status=404,
        title="This page does not exist",
        advice="The address may be mistyped, or the page has moved.",
    )
    broken = views.Error(
        status=500,
        title="Something broke on our side",
        advice="Nothing was charged twice and nothing is lost. Try again in a minute.",
        request_id="req_8f2k1",
    )
    yield "error-404", missing, replace(VISITOR, demo=None)
    yield "error-500", broken, replace(VISITOR, flash=views.Flash(text="That did not work.", tone="bad"))
