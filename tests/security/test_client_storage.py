"""A browser stores only our cookies, which no script reads, and one token of five minutes.

On the paper's own host `paywall.js` keeps that token in a cookie of the paper's, and notes when it reloaded a page.
"""

import re
from pathlib import Path

import pytest

from tests.support.world import World

ROOT = Path(__file__).parent.parent.parent
SCRIPTS = sorted((ROOT / "billing").rglob("*.js"))
PAYWALL = "paywall.js"
STORES = r"\b(localStorage|sessionStorage|indexedDB|document\.cookie|caches)\b(\.\w+)?"
RUNS = r"\beval\(|new Function|document\.write|insertAdjacentHTML|outerHTML|addEventListener\(.message.|\bonmessage\b"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_keeps_no_more_than_a_reader_token_and_makes_no_code_of_text(script: Path) -> None:
    """ASVS 14.3.3, 3.2.2, 3.5.5. `paywall.js` keeps the token for the tab, and inserts text from the publisher's own
    server. A CDN's worker has a cache of pages, and no browser.
    """
    text = script.read_text()
    kept = {found[0] for found in re.finditer(STORES, text)}
    allowed = {"sessionStorage", "document.cookie"} if script.name == PAYWALL else set()
    assert {
        name for name in kept if not (script.name == "worker.js" and name.startswith("caches"))
    } <= allowed
    assert not re.search(RUNS, text)
    assert len(re.findall(r"\binnerHTML\b", text)) == (1 if script.name == PAYWALL else 0)


def test_signing_out_takes_the_session_back_and_leaves_nothing_to_go_back_to(world: World) -> None:
    browser = world.browser()
    browser.start("thandi@example.com")
    page = browser.get("/account")
    assert "no-store" in page.response.headers["cache-control"], "the way back shows nothing either"
    assert "masthead-session" in browser.http.cookies
    browser.post("/sign-out")
    assert "masthead-session" not in browser.http.cookies
    assert browser.get("/account").path == "/sign-in"
