"""Every page of the running demo at a phone's and a desktop's size: accessible, stable, and not too wide."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.a11y import accessibility_barriers
from tests.support.demo import Demo
from tests.support.person import LAPTOP, PHONE, SMALL_PHONE, Arrive, Person
from tests.support.proof_size import only_at_length
from tests.support.shared_chromium import Chromium

pytestmark = pytest.mark.browser

MOST_SHIFT = 0.02
SIZES: list[Any] = [
    pytest.param(PHONE, "light", 1, id="phone"),
    pytest.param(LAPTOP, "light", 2, id="desk", marks=pytest.mark.prove),
    pytest.param(LAPTOP, "dark", 3, id="desk-in-the-dark", marks=[pytest.mark.prove, only_at_length]),
]
SHIFT = """() => new Promise(done => {
    let sum = 0;
    const watch = new PerformanceObserver(list => list.getEntries().forEach(entry => { sum += entry.value; }));
    watch.observe({type: 'layout-shift', buffered: true});
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(sum))));
})"""
EVERY_FOCUS = """() => {
    const style = getComputedStyle(document.activeElement);
    const box = document.activeElement.getBoundingClientRect();
    return {
        tag: document.activeElement.tagName + '.' + document.activeElement.className,
        outline: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
        seen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.right > 0 && box.left < innerWidth,
    };
}"""
MUST_SEE = ("h1", ".terms div:first-child", ".terms div:last-child", ".consent", ".consent input", ".button")


def faults(person: Person) -> list[str]:
    """Faults of the page that was just opened. A page that moved is checked again: a busy machine may show it half-way
    through its entrance.
    """
    person.page.wait_for_load_state()
    shift = person.page.evaluate(SHIFT)
    if shift >= MOST_SHIFT:
        person.page.reload()
        shift = person.page.evaluate(SHIFT)
    return [f"moved by {shift}"] * (shift >= MOST_SHIFT) + accessibility_barriers(person.page)


def visitor(person: Person, _demo: Demo, _card: str) -> Iterator[str]:
    """Whatever can be seen without an account."""
    articles = person.demo.card["articles"]
    for path in (
        "/",
        "/articles",
        "/subscribe",
        "/sign-in",
        "/sign-in/sent",
        "/who-charged-me",
        *("/about", "/terms", "/privacy", "/refunds", "/terms/1"),
        "/mailbox",
        "/nothing/here",
    ):
        person.open(path)
        yield path
    for level in ("free", "registered", "metered", "subscriber"):
        person.open(f"/articles/{articles[level][0]}")
        yield f"an article: {level}"
    person.open("/sign-in/link/spent")
    yield "a spent link"
    person.open("/cancel/damaged")
    yield "a damaged link"
    person.open("/subscribe")
    person.page.locator(".form").evaluate("form => { form.noValidate = true; }")
    person.page.get_by_label("Your email").fill("thandi@")
    person.press("Continue")
    yield "a mistyped address"


def reader(person: Person, demo: Demo, card: str) -> Iterator[str]:
    """From the offer to the account in all its states, and the mails."""
    email = f"screens.{card[-1]}.with-a-rather-long-name@correspondence.kransrivier.example"
    person.agree(email)
    yield "the card page"
    person.page.go_back()
    yield "the review"
    person.page.locator(".consent input").check()
    person.press("Agree and continue to the card")
    person.save_card("4000 0000 0000 0002")
    person.see("Your card was declined.")
    yield "a card refused"
    person.save_card(f"4000 0025 0000 3155__{card[-1]}")
    person.see("Is this you?")
    yield "3-D Secure"
    person.press("Confirm")
    person.page.wait_for_url("**/subscribe/started")
    yield "started"
    for path in ("/account", "/articles/the-water-nobody-counted", "/account/cancel", "/subscribe"):
        person.open(path)
        yield f"in the trial: {path}"
    demo.advance(days=16)
    person.open("/account")
    yield "a paid account"
    person.page.locator(".receipts a").click()
    yield "a receipt"
    for letter in demo.letters(email):
        person.open(f"/mailbox/{letter.id}")
        yield f"the letter {letter.subject}"
    person.open(f"/mailbox/{letter.id}?as=text&to={email}")
    yield "a letter as text"
    person.open("/account/cancel")
    yield "cancel, with money back"
    person.press("Cancel my subscription")
    yield "cancelled"
    person.open("/account")
    yield "a cancelled account"
    person.open("/account/resume")
    yield "before a cancellation is undone"
    demo.advance(days=40)
    person.open("/account")
    yield "an ended account"
    person.open("/subscribe")
    yield "the trial is used"


def late(person: Person, demo: Demo, card: str) -> Iterator[str]:
    """A reader whose card was declined, and the sandbox that records it."""
    email = f"late.{card[-1]}@example.com"
    person.start_trial(email, f"4000 0000 0000 0341__{card[-1]}")
    demo.advance_to(demo.now() + timedelta(days=16))
    person.open("/account")
    yield "an account in grace"
    person.open("/articles/the-water-nobody-counted")
    yield "an article in grace"
    person.open(demo.letter(email, "We could not take your payment").link("/card/"))
    yield "another card"
    person.open(f"{demo.card['sandbox_url']}/_sandbox")
    yield "the sandbox"


@pytest.mark.parametrize("walk", [visitor, reader, pytest.param(late, marks=pytest.mark.prove)])
@pytest.mark.parametrize(("size", "scheme", "number"), SIZES)
def test_every_page_can_be_used_by_everybody(
    demo: Demo,
    arrive: Arrive,
    walk: Callable[[Person, Demo, str], Iterator[str]],
    size: dict[str, Any],
    scheme: str,
    number: int,
) -> None:
    person = arrive(size, color_scheme=scheme)
    seen = {name: faults(person) for name in walk(person, demo, f"card {number}")}
    assert {name: found for name, found in seen.items() if found} == {}


def test_the_whole_agreement_fits_a_small_phone_below_the_demos_bar(arrive: Arrive) -> None:
    """CARD-2: price, dates, how to cancel, the box and the button, with nothing hidden below the fold."""
    person = arrive(SMALL_PHONE)
    person.open("/subscribe")
    person.page.get_by_label("Your email").fill("nomfundo@correspondence.kransrivier.example")
    person.press("Continue")
    for selector in MUST_SEE:
        box = person.page.locator(f"#review {selector}").first.bounding_box()
        assert box is not None, selector
        assert box["y"] >= 0, selector
        assert box["y"] + box["height"] <= 640, selector
    assert person.page.locator(".demo").is_visible()


def test_every_page_of_the_demo_has_its_clock(arrive: Arrive) -> None:
    """Also a page that isn't ours, and a refusal."""
    person = arrive(PHONE)
    pages = "/ /subscribe /articles /articles/the-water-nobody-counted /newsletters /sign-in /who-charged-me /contact /mailbox"
    for path in (*pages.split(), "/staff/sign-in", "/nowhere", "/demo/static-page"):
        person.open(path)
        assert person.page.locator("details.demo summary").is_visible(), path
        assert person.page.locator("details.demo form button").count() >= 2, path
    expect(person.page.locator("[data-masthead-state=refused]")).to_be_visible()  # its script has its answer


@pytest.mark.parametrize(
    "path",
    ["/", "/subscribe"]
    + [
        pytest.param(path, marks=pytest.mark.prove)
        for path in ("/articles", "/sign-in", "/sign-in/sent", "/mailbox")
    ],
)
def test_whoever_uses_the_tab_key_sees_where_they_are(arrive: Arrive, path: str) -> None:
    person = arrive(LAPTOP)
    person.open(path)
    stops = person.page.locator("a[href], button, input:not([type=hidden]), summary").count()
    walked = []
    for _ in range(stops):
        person.page.keyboard.press("Tab")
        walked.append(person.page.evaluate(EVERY_FOCUS))
    assert walked[0]["tag"] == "A.skip"
    reached = [stop for stop in walked if not stop["tag"].startswith("BODY")]
    assert len(reached) >= 5
    assert [stop for stop in reached if not (stop["outline"] and stop["seen"])] == []


@pytest.mark.prove
def test_the_second_start_goes_on_where_the_first_one_stopped(
    chromium: Chromium, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The session, the subscription, the letters and the clock are still there."""
    data = tmp_path_factory.mktemp("kept") / "data"
    with Demo(data) as first:
        person = Person.arrive(chromium, first)
        person.start_trial("kept@example.com", "4242 4242 4242 4242")
        stopped_at = first.advance(days=3)
        letters = first.letters("kept@example.com")
        port = int(first.url.rpartition(":")[2])
    assert "Stopped. The data is kept." in first.words
    with Demo(data, port) as again:
        assert again.now() == stopped_at
        assert again.letters("kept@example.com") == letters
        person.open("/account")
        person.see("kept@example.com", "Your free trial runs through", "4242")
        again.advance(days=13)
        assert [row["amount"] for row in again.charges("kept@example.com")] == [7500]
    person.leave()
