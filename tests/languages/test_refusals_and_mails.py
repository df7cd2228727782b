"""A refusal, and a mail to a stranger, are in the language of the browser that asked."""

from collections.abc import Callable
from html import unescape

import pytest

import billing.container  # noqa: F401 - registers every mail
from billing.dev.mailbox import ReceivedMail
from billing.web.kit.plain_page import plain_page
from emails import MAILS, ArticleCard, NewsletterMail, render, render_newsletter
from emails.languages import Text, offered, say
from emails.samples import HOUSE, samples
from tests.support.browser import Browser
from tests.support.newsroom import Newsroom
from tests.support.pseudo_language import PSEUDO, outside, strings_of
from tests.support.staff_members import add
from tests.support.world import World

STRANGER = "thandi@example.com"
AFRIKAANS = offered(["af"]).default


def in_afrikaans(message: str, **values: object) -> str:
    """A message in Afrikaans, which must not be English."""
    words = AFRIKAANS.text(Text(message, values))
    assert words != Text(message, values), f"not translated yet: {message}"
    return words


def afrikaans_browser(world: World) -> Browser:
    """A stranger's browser that is set to Afrikaans."""
    browser = world.browser()
    browser.http.headers["accept-language"] = "af-ZA,af;q=0.9,en;q=0.5"
    return browser


def damaged(world: World) -> Browser:
    return afrikaans_browser(world).again("/cancel/sub_01kpb0cz8e2y6n4m.7tq2Zr0wVb5mHd1xLc9sQa2u")


def missing(world: World) -> Browser:
    return afrikaans_browser(world).again("/no-such-page")


def stale(world: World) -> Browser:
    browser = afrikaans_browser(world).again("/subscribe")
    browser.page.response = browser.http.post(
        "/subscribe",
        data={"email": STRANGER, "csrf": "of-last-year"},
        headers={"sec-fetch-site": "same-origin"},
    )
    return browser


def too_often(world: World) -> Browser:
    browser = afrikaans_browser(world)
    for number in range(21):
        browser.again("/sign-in").post("/sign-in", email=f"reader{number}@example.com")
    return browser


@pytest.mark.parametrize(
    ("refused", "status", "title", "advice"),
    [
        (
            damaged,
            404,
            "This link is damaged",
            "Please copy the link whole from the mail, or sign in to your account instead.",
        ),
        (missing, 404, "There is nothing here", "There is no such page. It may have moved."),
        (
            stale,
            403,
            "That isn’t allowed",
            "This page was opened too long ago, or before you deleted cookies, so we did nothing. Open the page again, and send it"
            " once more.",
        ),
        (too_often, 429, "One moment, please", "Too many tries. Wait a few minutes and try again."),
    ],
)
def test_a_refusal_is_in_the_language_of_the_browser(
    world: World, refused: Callable[[World], Browser], status: int, title: str, advice: str
) -> None:
    page = refused(world).page
    shown = unescape(page.response.text)
    assert page.response.status_code == status
    assert '<html lang="af-ZA">' in shown
    assert f"<h1>{in_afrikaans(title)}</h1>" in shown
    assert in_afrikaans(advice) in shown
    assert in_afrikaans("Back to the front page") in shown
    assert title not in shown
    assert advice not in shown


def test_a_program_is_refused_in_english(world: World) -> None:
    headers = {"accept": "application/json", "accept-language": "af"}
    problem = world.http_client().get("/no-such-page", headers=headers).json()
    assert problem["title"] == "There is nothing here"
    assert problem["detail"] == "There is no such page. It may have moved."


def test_the_page_for_when_there_is_no_room_is_translated_whole_or_not_at_all() -> None:
    title, words = Text("One moment, please"), Text("More people ask at this moment than we can answer.")
    page = bytes(plain_page(503, title, words, {}, PSEUDO).body).decode()
    assert '<html lang="xx-ZA">' in page
    assert "<h1>⟦One moment, please⟧</h1>" in page
    [zulu] = offered(["zu"]).all
    english = bytes(plain_page(503, title, Text("In no catalogue."), {}, zulu).body).decode()
    assert '<html lang="en-ZA">' in english
    assert "<h1>One moment, please</h1>" in english


def test_a_stranger_is_mailed_a_sign_in_link_in_the_language_of_the_browser(world: World) -> None:
    name = world.services.sender.house.name
    world.start_trial(STRANGER)
    world.settle()
    afrikaans_browser(world).again("/sign-in").post("/sign-in", email=STRANGER)
    world.settle()
    letter = world.letters(STRANGER)[-1]
    assert letter.subject == in_afrikaans("Your sign-in link for %(name)s", name=name)
    assert is_in(
        letter, "If you did not ask to sign in, you can ignore this mail. Nobody gets in without it."
    )


def test_a_stranger_is_asked_about_a_newsletter_in_the_language_of_the_browser(world: World) -> None:
    Newsroom(world)
    browser = afrikaans_browser(world).again("/newsletters")
    browser.post("/newsletters", email=STRANGER, newsletter=["first-light", "the-long-read"])
    world.settle()
    [letter] = world.letters(STRANGER)
    assert letter.subject.startswith(in_afrikaans("Please confirm: %(newsletters)s", newsletters=""))
    assert " en " in letter.subject
    assert is_in(letter, "Questions? Just reply, and a person will read it.")


def is_in(letter: ReceivedMail, message: str) -> bool:
    """Whether the sentence is in the mail's text in Afrikaans, and not in English."""
    text = " ".join(letter.text.split())
    return in_afrikaans(message) in text and message not in text


def test_a_mail_to_staff_is_in_english() -> None:
    assert {kind for kind, mail in MAILS.items() if mail.for_staff} == {
        "admin_added",
        "approval_asked",
        "codes_locked",
        "money_key_made",
        "staff_invited",
        "staff_passkey_changed",
        "staff_signed_in",
        "staff_alert",
    }
    found = [mail for mail in samples().values() if mail.for_staff]
    assert all(render(mail, HOUSE, PSEUDO) == render(mail, HOUSE) for mail in found)


def test_staff_are_mailed_their_links_in_english(make_world: Callable[..., World]) -> None:
    world = make_world(languages="af,en")
    add(world, "support", STRANGER)
    afrikaans_browser(world).again("/staff/sign-in").post("/staff/sign-in", email=STRANGER)
    world.settle()
    [letter] = world.letters(STRANGER)
    assert letter.subject.startswith("Your sign-in link for ")


def test_an_issue_has_the_frame_of_the_publications_language() -> None:
    letter = NewsletterMail(
        "First Light",
        "The water nobody counted",
        "What is in the dam",
        (ArticleCard("News", "The water nobody counted", "https://paper.example/w", say("For subscribers")),),
        "https://paper.example/u",
        "https://paper.example/p",
    )
    own = render_newsletter(letter, HOUSE, PSEUDO)
    assert own.subject == letter.subject
    assert "⟦Stop First Light⟧:" in own.text
    assert own.language is PSEUDO
    assert "⟦Choose your newsletters⟧" in own.html
    assert "⟦For subscribers⟧" in own.html
    data = strings_of(letter) | strings_of(HOUSE) | {HOUSE.url.removeprefix("https://")}
    assert outside(own.html, data) == set()
