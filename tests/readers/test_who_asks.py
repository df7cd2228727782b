"""Walls, the front page, the offer and the navigation know who asks: one true sentence, one button, and no trial that is refused."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.support.browser import Browser
from tests.support.signed_in import signed_in
from tests.support.starting_points import subscriber
from tests.support.world import World, local

PROMISE = re.compile(r"days free|free for \d+ days|Start my free trial|Start free", re.IGNORECASE)


def stranger(world: World) -> Browser:
    return world.browser()


def registered(world: World) -> Browser:
    browser = world.browser()
    browser.sign_in("new@example.com")
    return browser


def in_trial(world: World) -> Browser:
    return signed_in(world, subscriber(world, "in_trial").email)


def paused(world: World) -> Browser:
    browser = signed_in(world, subscriber(world, "paid").email)
    browser.get("/account/pause")
    browser.post("/account/pause", months="1")
    world.advance_to(local(2027, 4, 20, 12))
    return browser


def owing(world: World) -> Browser:
    return signed_in(world, subscriber(world, "owing").email)


def ended(world: World) -> Browser:
    browser = signed_in(world, subscriber(world, "in_trial").email)
    browser.get("/account/cancel")
    browser.post("/account/cancel")
    world.advance_to(local(2027, 3, 17))
    return browser


def withdrawn(world: World) -> Browser:
    browser = signed_in(world, subscriber(world, "paid").email)
    browser.get("/account/withdraw")
    browser.post("/account/withdraw")
    return browser


def disputed(world: World) -> Browser:
    """A pause ends with the dispute of what was paid before it."""
    browser = paused(world)
    world.sandbox.banks("dispute", charge=world.charges()[-1]["id"])
    world.settle()
    return browser


def allowed_again(world: World) -> Browser:
    """The trial is used, and staff have allowed another."""
    browser = ended(world)
    reader = world.rows("SELECT id FROM reader")[0]["id"]
    world.execute(
        "INSERT INTO trial_exception (id, reader_id, given_at, actor_kind, actor_id, reason)"
        " VALUES ('tex_1', :reader, :at, 'worker', '', 'sorry')",
        reader=reader,
        at=world.now,
    )
    return browser


@dataclass(frozen=True)
class Says:
    """What the pages say: part of the sentence, the button, whether a trial is promised, whether the navigation has "Subscribe"."""

    sentence: str
    button: str
    promises: bool = False
    subscribe: bool = False
    wall: bool = True
    strip: bool = True


TRIAL = Says("14 days free", "Start my free trial", promises=True, subscribe=True)
AGAIN = "A subscription is R75.00 incl. VAT a month."
CASES: list[tuple[Callable[[World], Browser], Says]] = [
    (stranger, TRIAL),
    (registered, TRIAL),
    (
        in_trial,
        Says(
            "Your free trial runs through Monday 15 March 2027.", "Go to my account", wall=False, strip=False
        ),
    ),
    (
        paused,
        Says("Your subscription is paused until Sunday 16 May 2027.", "End the pause now, R75.00 incl. VAT"),
    ),
    (owing, Says("Your last payment did not go through", "Pay R75.00 incl. VAT now", wall=False)),
    (
        ended,
        Says(
            f"Your subscription ended on Monday 15 March 2027. You have had your free trial. {AGAIN}",
            "Start again",
            subscribe=True,
        ),
    ),
    (
        withdrawn,
        Says(
            f"You withdrew from it, and the free trial was used before. {AGAIN}",
            "Start again",
            subscribe=True,
        ),
    ),
    (allowed_again, TRIAL),
]


@pytest.mark.parametrize(("who", "says"), CASES, ids=[who.__name__ for who, _ in CASES])
def test_each_page_says_what_is_true_of_who_asks(
    world: World, who: Callable[[World], Browser], says: Says
) -> None:
    browser = who(world)
    wall = browser.get(f"/articles/{world.articles['subscriber'][0]}")
    assert ('class="wall' in wall.text) == says.wall
    offer = browser.get("/")
    front = browser.get("/articles")
    assert ('<aside class="strip"' in front.text) == says.strip
    for page in (wall, offer, front):
        assert ('class="nav-subscribe"' in page.text) == says.subscribe
        assert bool(PROMISE.search(page.words)) == says.promises, page.words
    shown = [offer, *([wall] if says.wall else []), *([front] if says.strip else [])]
    for page in shown:
        assert says.sentence in page.words.replace(" ,", ",")
    for page in shown if not says.promises else shown[:2]:
        assert page.text.count(f">{says.button}<") >= 1
    door = browser.get("/subscribe")
    assert bool(PROMISE.search(door.words)) == says.promises, "and the next page doesn't refuse it"


def test_while_a_bank_questions_a_payment_nothing_starts_and_nothing_is_promised(world: World) -> None:
    browser = disputed(world)
    for path in ("/", "/articles", f"/articles/{world.articles['subscriber'][0]}"):
        page = browser.get(path)
        assert not PROMISE.search(page.words)
        assert "Your bank has asked for a payment back." in page.words
    assert "Nothing can start just now" in browser.get("/subscribe").words


def test_who_pays_reads_no_note_that_it_is_free_for_others_later(world: World) -> None:
    article = world.articles["subscriber"][0]
    world.execute("UPDATE article SET open_after_days = 150 WHERE id = :id", id=article)
    assert "Free for everyone from" in stranger(world).get(f"/articles/{article}").words
    assert "Free for everyone from" not in in_trial(world).get(f"/articles/{article}").words


def test_the_last_free_article_has_no_full_bar(world: World) -> None:
    browser, pages = world.browser(), world.articles["metered"]
    shown = [browser.get(f"/articles/{article}").text for article in pages]
    assert ["<meter" in page for page in shown] == [True] * (len(pages) - 1) + [False]
    assert "3 of 3 free articles this month: none is left." in shown[-1]
