"""Forms of another site, stale forms and forged forms are refused without effect (SEC-4)."""

from urllib.parse import parse_qs

from tests.support.cancel_helpers import damaged
from tests.support.routes import is_named_refusal, routes
from tests.support.table_contents import changed, contents
from tests.support.two_readers import PAYING, TwoReaders, open_everything, token_of

FIELDS = {
    "email": "someone@example.com",
    "consent": "yes",
    "to": "1d",
    "code": "12345678",
    "when": "now",
    "reason": "price",
}


Attack = tuple[str, dict[str, str], dict[str, str]]
EVERY_ATTACK = 8
"""Every so many forms, one gets all attacks."""


def attacks(token: str, others: str) -> list[Attack]:
    """What is wrong, the headers, the form. By the first the guard of the origin refuses, by the second that of the token."""
    own, good = {"sec-fetch-site": "same-origin"}, {"csrf": token}
    return [
        ("another site's", {"sec-fetch-site": "cross-site"}, good),
        ("no token", own, {}),
        ("a neighbour host's", {"sec-fetch-site": "same-site"}, good),
        ("another site's, in an old browser", {"origin": "https://evil.example"}, good),
        ("a sandboxed frame's", {"origin": "null"}, good),
        ("our host on another port", {"origin": "http://127.0.0.1:1"}, good),
        ("an empty token", own, {"csrf": ""}),
        ("a forged token", own, {"csrf": damaged(token)}),
        ("a token of odd letters", own, {"csrf": "☃\x00é"}),
        ("another browser's token", own, {"csrf": others}),
    ]


def attacks_on(number: int, every: list[Attack]) -> list[Attack]:
    """Both guards stand before each form, so each gets an attack on each guard and one other in turn; some get all."""
    if number % EVERY_ATTACK == 0:
        return every
    return [*every[:2], every[2 + number % (len(every) - 2)]]


def test_every_form_refuses_a_post_that_is_not_from_our_page(readers: TwoReaders) -> None:
    browser = readers.payer
    token = open_everything(readers, browser, PAYING)
    others = token_of(readers.trier)
    assert others != token
    forms = [route for route in routes(readers.world) if route.is_form]
    assert len(forms) >= 12
    before = contents(readers.world)
    accepted = []
    every = attacks(token, others)
    for number, form in enumerate(forms):
        for what, headers, fields in attacks_on(number, every):
            answer = browser.http.request(
                form.method, form.at(), data=FIELDS | fields, headers=headers | {"accept": "text/html"}
            )
            if answer.status_code != 403 or not is_named_refusal(answer):
                accepted.append(f"{form}: {what}: {answer.status_code}")
    assert accepted == []
    assert changed(before, contents(readers.world)) == []


def test_a_browser_that_never_saw_a_page_of_ours_can_send_no_form(readers: TwoReaders) -> None:
    before = contents(readers.world)
    for form in [route for route in routes(readers.world) if route.is_form]:
        stranger = readers.world.browser()
        assert stranger.http.request(form.method, form.at(), data=FIELDS).status_code == 403, str(form)
    assert changed(before, contents(readers.world)) == []


def test_a_browser_without_our_cookie_is_not_called_another_site(readers: TwoReaders) -> None:
    browser = readers.world.browser().again("/subscribe")
    form = parse_qs(browser.filled("/subscribe", email="someone@example.com").content.decode())
    own = {"sec-fetch-site": "same-origin"}
    stranger = readers.world.browser()
    without = stranger.http.post("/subscribe", data=form, headers=own).text
    assert "Your browser sent no cookie with this form" in without
    stranger.get("/subscribe")
    other = stranger.http.post("/subscribe", data={"email": "a@example.com", "csrf": "old"}, headers=own)
    assert "opened too long ago" in other.text
    apart = stranger.http.post("/subscribe", data={"csrf": "old"}, headers={"sec-fetch-site": "cross-site"})
    assert "sent by another site" in apart.text


def test_the_same_forms_from_our_own_page_are_taken(readers: TwoReaders) -> None:
    """The control: the requests above were refused only for their origin."""
    forms = [route for route in routes(readers.world) if route.is_form]
    last = {"/sign-out": 1, "/sign-out-everywhere": 2}
    token = open_everything(readers, readers.payer, PAYING)
    for form in sorted(forms, key=lambda each: last.get(each.path, 0)):
        if form.path.startswith(("/card", "/cancel")):  # of a mailed link, which each use may end
            open_everything(readers, readers.payer, PAYING)
        headers = {"sec-fetch-site": "same-origin", "origin": readers.world.url}
        readers.payer.http.follow_redirects = False
        answer = readers.payer.http.request(
            form.method, form.at(), data=FIELDS | {"csrf": token}, headers=headers
        )
        readers.payer.http.follow_redirects = True
        assert answer.status_code != 403, f"{form}: {answer.text}"
        assert answer.status_code < 500, f"{form}: {answer.text}"
