"""Two readers, each with one of everything: over all routes, neither sees nor changes what is the other's (SEC-7)."""

import io
import re
import zipfile
from collections.abc import Callable
from html import escape

import pytest

from billing.newsletters import links
from billing.personal_data.register import TABLES
from billing.platform.actors import WORKER
from billing.platform.site import CANCEL, CARD, PAY, REQUEST
from billing.readers.models import Passkey
from tests.support.browser import Answer, Browser
from tests.support.newsroom import Newsroom
from tests.support.reader_routes import WHOSE, Whose, reader_routes
from tests.support.routes import Route
from tests.support.signed_in import signed_in
from tests.support.table_contents import changed
from tests.support.two_readers import PAYING, TRYING, TwoReaders, two_readers
from tests.support.world import World

UNKNOWN = "0" * 26
PREFIXES = {
    "invoice_id": "inv",
    "gift_id": "gft",
    "request_id": "req",
    "passkey_id": "pky",
    "session_id": "ses",
}
TYPED = {
    "consent": "yes", "when": "now", "plan": "yearly", "months": "1", "kind": "other", "words": "Changed.", "name": "Changed",
    "address": "9 Other Road", "vat_number": "", "newsletter": "the-long-read", "stop_all": "yes", "code": "12345678", "credential": "{}",
    "email": "fresh@example.net", "language": "af",
}  # fmt: skip
"""A value for each field of each form."""
ENDS = (
    "/account/cancel",
    "/cancel",
    "/request",
    "/account/resume",
    "/account/withdraw",
    "/account/erase",
    "/sign-out",
)
"""Sent last, in this order: after each, less is left to the sender that a form could change."""


@pytest.fixture
def readers(make_world: Callable[..., World]) -> TwoReaders:
    """On a host with a name, as passkeys want one. Each has one of everything that a reader can have."""
    world = make_world()
    world = make_world(public_url=world.url.replace("127.0.0.1", "localhost"))
    both = two_readers(world)
    Newsroom(world)
    both.payer, both.trier = (furnished(world, email) for email in (PAYING, TRYING))
    for email in (PAYING, TRYING):
        both.names[email] |= named(world, both.names[email]["reader_id"])
    return both


def words_of(email: str) -> tuple[str, ...]:
    """Words that only this reader has written."""
    first = email.partition("@")[0].title()
    return (f"Only {first} wrote this.", f"{first}'s phone", f"{first} and Daughters")


def furnished(world: World, email: str) -> Browser:
    """The browser of the reader, who has used every page that leaves something behind."""
    browser = signed_in(world, email)
    words, phone, buyer = words_of(email)
    browser.get("/contact")
    browser.post("/contact", kind="other", words=words)
    browser.get("/account/invoice-details")
    browser.post("/account/invoice-details", name=buyer, address="1 Dam Road", vat_number="")
    browser.get("/account/data")
    browser.post("/account/data")
    browser.get("/newsletters")
    browser.post("/newsletters", newsletter="first-light")
    article = world.articles["subscriber"][0]
    browser.get(f"/articles/{article}")
    browser.post(f"/articles/{article}/gift")
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        (row,) = world.rows("SELECT id FROM reader WHERE email = :of", of=email)
        passkey = Passkey(
            id=f"pky_{row['id'][4:]}",
            reader_id=row["id"],
            credential_id=email,
            public_key=b"",
            sign_count=0,
            name=phone,
            transports="internal",
            backed_up=True,
            created_at=world.now,
        )
        ctx.session.add(passkey)
    world.settle()
    return browser


def named(world: World, reader_id: str) -> dict[str, str]:
    """The ids of the reader's rows, by the parameter that names them in addresses."""
    tables = {
        "gift_id": "gift",
        "request_id": "reader_request",
        "passkey_id": "passkey",
        "session_id": "reader_session",
    }
    query = "SELECT id FROM {0} WHERE reader_id = :of ORDER BY id LIMIT 1"
    return {name: world.rows(query.format(table), of=reader_id)[0]["id"] for name, table in tables.items()}


def marks(readers: TwoReaders, email: str) -> list[str]:
    """What only this reader may see."""
    ids = {
        name: mark for name, mark in readers.names[email].items() if name != "article_id" and mark != "none"
    }
    numbers = readers.world.rows("SELECT number FROM invoice WHERE reader_id = :of", of=ids["reader_id"])
    return [
        email,
        *words_of(email),
        *ids.values(),
        *(f"INV-{row['number']:06}" for row in numbers if row["number"]),
    ]


def seen(answer: Answer) -> str:
    """The text of a page, or of all files in an archive, without the page's own address."""
    content = answer.response.content
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as zipped:
            return " ".join(zipped.read(name).decode() for name in zipped.namelist())
    query = str(answer.response.url.query, "ascii")
    return answer.text.replace(answer.path, "").replace(query, "").replace(escape(query), "")


def rows_of(readers: TwoReaders, email: str) -> dict[str, tuple[int, str]]:
    """For each registered table how many rows are the reader's, and a hash over them."""
    given = {"reader_id": readers.names[email]["reader_id"], "address": email}
    hashed = (
        "SELECT '{0}' AS name, count(*) AS n,"
        " md5(coalesce(string_agg(t::text, ' ' ORDER BY t::text), '')) AS h FROM ({1}) t"
    )
    query = " UNION ALL ".join(hashed.format(one.table, one.select) for one in TABLES)
    return {row["name"]: (row["n"], row["h"]) for row in readers.world.rows(query, **given)}


def tokens(readers: TwoReaders, email: str) -> dict[str, str]:
    """The token of each mailed link of this reader, by the part of the address before it."""
    world, names = readers.world, readers.names[email]
    made = world.services.site.tokens.token
    signup = world.rows("SELECT id FROM signup WHERE reader_id = :of ORDER BY id", of=names["reader_id"])[0]
    subjects = {
        CANCEL: names["subscription_id"],
        CARD: names["subscription_id"],
        PAY: names["invoice_id"],
        REQUEST: names["request_id"],
    }
    found = {f"/{purpose}/": made(purpose, subject) for purpose, subject in subjects.items()}
    found["/newsletters/mine/"] = made(links.PREFERENCES, signup["id"])
    found["/u/"] = made(links.UNSUBSCRIBE, signup["id"])
    return found


def sent(readers: TwoReaders, browser: Browser, route: Route, names: dict[str, str]) -> Answer:
    """Send the form with these ids in its address, its query and its fields, and with the hidden fields of its own page."""
    page = browser.get(route.at() if "{" not in route.path else "/contact")
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
    if "csrf" not in hidden:
        hidden["csrf"] = re.findall(r'name="csrf" value="([^"]+)"', browser.get("/contact").text)[0]
    answer = browser.http.post(
        route.at(**names),
        params=names,
        data={**TYPED, **hidden, **names},
        headers={"sec-fetch-site": "same-origin"},
        follow_redirects=False,
    )
    return Answer(answer)


def test_every_route_of_a_readers_browser_has_an_owner_here(readers: TwoReaders) -> None:
    """A new route joins `tests/support/reader_routes.py`; then the tests below send it too."""
    assert {str(route) for route in reader_routes(readers.world)} == set(WHOSE)


def test_no_page_shows_what_is_the_others(readers: TwoReaders) -> None:
    others, owners, shown = marks(readers, PAYING), "", []
    visitor = readers.world.browser()
    for route in reader_routes(readers.world):
        if route.method == "GET" and "{token}" not in route.path:
            address = route.at(**readers.names[PAYING], end="1", seal="x", kind="png", side="192", number="1")
            for who, browser in (("the other", readers.trier), ("a visitor", visitor)):
                text = seen(Answer(browser.http.get(address, params=readers.names[PAYING])))
                shown += [f"{who} sees {mark} at {address}" for mark in others if mark in text]
            owners += seen(readers.payer.get(address))
    assert shown == []
    never = ("reader_id", "payment_id")
    ids = {readers.names[PAYING][name] for name in never}
    assert [mark for mark in others if mark not in owners and mark not in ids] == [], (
        "the owner sees all of them"
    )


def test_what_is_named_in_an_address_is_as_unknown_as_if_it_never_was(readers: TwoReaders) -> None:
    """Pages and forms alike. The owner's own form, sent afterwards, changes something: it could have."""
    for route in reader_routes(readers.world):
        if WHOSE[str(route)] is not Whose.NAMED:
            continue
        (name,) = set(re.findall(r"{(\w+)}", route.path)) & set(PREFIXES)
        one = {name: readers.names[PAYING][name]}
        nothing = {name: f"{PREFIXES[name]}_{UNKNOWN}"}
        before = rows_of(readers, PAYING)
        if route.method == "GET":
            theirs, never = (readers.trier.get(route.at(**names)) for names in (one, nothing))
            assert readers.payer.get(route.at(**one)).status == 200, route
            assert readers.world.browser().get(route.at(**one)).path == "/sign-in", route
        else:
            theirs, never = (sent(readers, readers.trier, route, names) for names in (one, nothing))
            assert changed(before, rows_of(readers, PAYING)) == [], route
            sent(readers, readers.payer, route, one)
            is_sent_again = route.path.startswith("/account/receipts/")
            readers.world.settle()
            assert changed(before, rows_of(readers, PAYING)) != [] or is_sent_again, route
            readers.payer = signed_in(readers.world, PAYING)
        assert (theirs.status, theirs.words) == (never.status, never.words), route
        assert theirs.status in (303, 404) or theirs.path != route.at(**one), route


def test_no_form_changes_what_is_the_others(readers: TwoReaders) -> None:
    """The trier and a visitor send the payer's ids everywhere; the trier holds the links of all mails to the trier."""
    before, forms = rows_of(readers, PAYING), [r for r in reader_routes(readers.world) if r.method != "GET"]
    trier, visitor = readers.trier, readers.world.browser()
    wrong, taken, mailed = [], 0, tokens(readers, TRYING)
    for route in sorted(forms, key=lambda each: [each.path.startswith(end) for end in reversed(ENDS)]):
        for browser in (trier, visitor):
            for place, token in mailed.items():
                if browser is trier and route.path.startswith(place.rstrip("/")):
                    trier.get(f"{place}{token}")
            answer = sent(readers, browser, route, readers.names[PAYING])
            assert answer.status not in (403, 500) or not route.is_form, f"{route}: {answer.words}"
            taken += browser is trier and answer.status == 303
            wrong += [f"{route} changes {table}" for table in changed(before, rows_of(readers, PAYING))]
        if trier.get("/account").path != "/account":
            trier = signed_in(readers.world, TRYING)
    assert wrong == []
    assert taken > 20, "most forms do something, to the sender"
    readers.world.settle()
    assert changed(before, rows_of(readers, PAYING)) == []


def test_no_link_of_one_opens_what_is_the_others(readers: TwoReaders) -> None:
    """A mailed link shows its own reader's, whoever is signed in; with the other's subject it isn't genuine."""
    for (place, mine), theirs in zip(
        tokens(readers, TRYING).items(), tokens(readers, PAYING).values(), strict=True
    ):
        page = readers.trier.get(f"{place}{mine}")
        assert [mark for mark in marks(readers, PAYING) if mark in seen(page)] == [], place
        subject, _, mac = theirs.rpartition(".")
        for forged in (f"{subject}.{mine.rpartition('.')[2]}", f"{subject}.", f"{subject}.{mac.swapcase()}"):
            answer = readers.world.browser().get(f"{place}{forged}")
            assert answer.status in (404, 405), f"{place}{forged}"
