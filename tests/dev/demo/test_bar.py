"""The demo's bar: it moves the clock and shows the next event."""

import html
import re
from pathlib import Path

from billing.dev.mailbox import greylists
from tests.support.browser import Browser
from tests.support.world import World


def next_thing(browser: Browser) -> str:
    """What the bar says of it."""
    found = re.search(r'<p class="demo-next">.*?<b>(.*?)</b>', browser.get("/").text)
    return html.unescape(found[1]) if found else ""


def test_it_says_in_plain_words_what_happens_next(demo_world: World) -> None:
    demo_world.start_trial("next@example.com")
    demo_world.settle()
    newcomer = demo_world.browser()
    lines = []
    while not demo_world.charges():
        lines.append(next_thing(newcomer))
        newcomer.post("/demo/clock", to="next")
    assert [words for words in lines if "next@example.com" in words] == [
        "the first trial notice to next@example.com",
        "the second trial notice to next@example.com",
        "the first charge of R75.00 incl. VAT, to next@example.com",
    ]


def test_a_newcomer_lets_the_mail_server_greylist_and_take_every_mail_at_once_again(
    demo_world: World, tmp_path: Path
) -> None:
    newcomer = demo_world.browser()
    assert "Let the mail server greylist" in newcomer.get("/mailbox").words
    page = newcomer.post("/mailbox/greylist")
    assert "takes it a minute later by the demo’s clock" in page.words
    assert greylists(tmp_path)
    page = newcomer.post("/mailbox/greylist")
    assert "Let the mail server greylist" in page.words
    assert not greylists(tmp_path)
