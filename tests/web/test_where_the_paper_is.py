"""Links to articles lead to the demo's articles, or to the publisher's own site."""

from collections.abc import Callable
from warnings import catch_warnings, simplefilter

import pytest

with catch_warnings():
    simplefilter("ignore")  # starlette would rather have a client that this repository doesn't install
    from starlette.testclient import TestClient

from billing.app import create_app
from billing.platform.errors import RefusesToStart
from billing.platform.settings import read_settings
from tests.support.articles import registering
from tests.support.live_settings import LIVE
from tests.support.signed_in import signed_in
from tests.support.starting_points import Subscriber
from tests.support.world import World

WWW = "https://www.paper.example"


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({"paper_url": ""}, "/"),
        ({"paper_url": "", "sites": f"{WWW},https://puzzles.paper.example"}, WWW),
        ({"paper_url": "https://paper.example/today", "sites": WWW}, "https://paper.example/today"),
        ({"paper_url": "/articles", "sites": WWW}, "/articles"),
    ],
)
def test_the_nameplate_leads_to_the_paper(
    make_world: Callable[..., World], settings: dict[str, str], address: str
) -> None:
    page = make_world(**settings).browser().get("/sign-in").text
    assert f'<p class="nameplate"><a href="{address}">' in page
    assert (f'<li><a href="{address}">Articles</a>' in page) == (address != "/")


@pytest.mark.parametrize(
    "wrong", ["articles", "//elsewhere.example", "/\\elsewhere.example", "ftp://x.example"]
)
def test_what_is_no_address_is_refused(wrong: str) -> None:
    with pytest.raises(RefusesToStart, match="BILLING_PAPER_URL"):
        read_settings(LIVE | {"BILLING_PAPER_URL": wrong})


@pytest.mark.parametrize(("paper", "landed"), [(WWW, "/"), ("/articles", "/articles")])
def test_signing_out_stays_on_this_host(make_world: Callable[..., World], paper: str, landed: str) -> None:
    """The pages' `form-action` would stop a browser that is sent elsewhere after a form."""
    world = make_world(paper_url=paper)
    world.start_trial("thandi@example.com", "pm_card_visa")
    browser = signed_in(world, "thandi@example.com")
    browser.get("/account")
    page = browser.post("/sign-out")
    assert page.path == landed
    assert "You are signed out" in page.text


def test_the_offer_lists_what_is_registered_with_its_own_address(world: World) -> None:
    registering(world)("locked", "subscriber", title="Rain at last")
    page = TestClient(create_app(world.services), base_url=world.url).get("/").text
    teaser = page.partition("Rain at last")[0].rpartition("<article")[2]
    assert 'href="https://news.example/locked"' in teaser
    assert "min read" not in page.partition("Rain at last")[2].partition("</article>")[0]


def test_a_given_article_is_named_and_linked_as_it_is_registered(world: World, paid: Subscriber) -> None:
    registering(world)("locked", "subscriber", title="Rain at last")
    reader = world.rows("SELECT id FROM reader")[0]["id"]
    world.api.post("/v1/articles/locked/gifts", json={"reader_id": reader}).raise_for_status()
    page = signed_in(world, paid.email).get("/account/gifts").text
    assert '<a href="https://news.example/locked">Rain at last</a>' in page
