"""Safe methods change nothing: scanners, previews and impatient readers follow every link many times (H6)."""

from billing.platform.site import CANCEL, CARD
from tests.support.routes import routes
from tests.support.table_contents import changed, contents
from tests.support.two_readers import PAYING, TRYING, TwoReaders

TIMES = 20
COUNTED = ("meter_month", "rate_count")
"""A metered article that is read is counted: that is what reading is. So are returns from a hosted page, which ask Stripe."""


def addresses(readers: TwoReaders) -> list[str]:
    """Every address that is looked at, with a reader's own names in it."""
    world = readers.world
    tokens = {
        "/sign-in/link/{token}": world.services.site.tokens.token(
            "sign-in", world.rows("SELECT id FROM sign_in_link")[0]["id"]
        ),
        "/cancel/{token}": readers.token(CANCEL, PAYING),
        "/card/{token}": readers.token(CARD, PAYING),
    }
    found = [
        route.at(**readers.names[PAYING], token=tokens.get(route.path, ""))
        for route in routes(world)
        if route.method == "GET"
    ]
    setups = [row["id"] for row in world.rows("SELECT id FROM card_setup ORDER BY id")]
    return [*found, *(f"/subscribe/back?setup={setup}" for setup in setups)]


def test_looking_at_every_page_again_and_again_changes_nothing(readers: TwoReaders) -> None:
    world, browser = readers.world, readers.payer
    asking = world.browser()
    asking.get("/sign-in")
    asking.post("/sign-in", email=PAYING)
    world.settle()
    browser.get("/account")
    before, broken = contents(world, but=COUNTED), []
    looked = addresses(readers)
    assert len(looked) > 30
    for address in looked:
        for who, times in ((browser.http, 2), (asking.http, 1)):
            for _ in range(times):
                answer = who.get(address, follow_redirects=False, headers={"accept": "text/html"})
                if answer.status_code >= 500:
                    broken.append(f"{address}: {answer.status_code}")
            who.head(address)
    assert broken == []
    assert changed(before, contents(world, but=COUNTED)) == []


def test_a_mail_scanner_does_not_use_the_sign_in_link_up(readers: TwoReaders) -> None:
    world, browser = readers.world, readers.world.browser()
    browser.get("/sign-in")
    browser.post("/sign-in", email=TRYING)
    world.settle()
    link = next(link for link in world.letters(TRYING)[-1].links if "/sign-in/link/" in link)
    scanner = world.browser()
    for _ in range(TIMES):
        scanner.get(link)
        scanner.http.head(link)
    browser.get(link)
    assert browser.post("/sign-in/confirm").path == "/account"


def test_a_prefetch_is_not_counted_as_reading(readers: TwoReaders) -> None:
    article = readers.world.articles["metered"][0]
    visitor = readers.world.browser()
    visitor.get("/articles")
    before = contents(readers.world)
    for headers in ({"sec-purpose": "prefetch;prerender"}, {"purpose": "prefetch"}):
        visitor.http.get(f"/articles/{article}", headers=headers)
    assert changed(before, contents(readers.world)) == []
