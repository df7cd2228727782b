"""The mailed link is pressed while a webhook about the card asks for another link. Both lock the visit first and the
links second, so neither waits for the other.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from billing.cards import card_setup as setups
from billing.platform.actors import Acquirer
from tests.security.test_who_subscribes import FRESH, REGISTERED, steps
from tests.support.browser import Answer, Browser
from tests.support.signed_in import mailed_code
from tests.support.world import World


@contextmanager
def meets(world: World, browser: Browser, action: str, **fields: str) -> Iterator[list[Future[Answer]]]:
    """Send this form once the visit is locked here and a link is to be locked next; go on when that one asks for the visit."""
    here, asks, sent = threading.get_ident(), threading.Event(), list[Future[Answer]]()

    def note(_c: Any, _cur: Any, statement: str, *_: Any) -> None:
        if "FOR UPDATE" not in statement:
            return
        if threading.get_ident() != here:
            if "FROM card_setup" in statement:
                asks.set()
        elif "FROM sign_in_link" in statement and not sent:
            sent.append(threads.submit(browser.post, action, **fields))
            assert asks.wait(30)

    engine = world.services.database.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        with ThreadPoolExecutor(1) as threads:
            yield sent
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize("by_code", [False, True], ids=["the link", "the code"])
def test_a_link_used_while_another_is_issued_waits_for_no_one_who_waits_for_it(
    world: World, by_code: bool
) -> None:
    world.browser().sign_in(REGISTERED)
    browser = world.browser()
    browser.get("/sign-in")
    browser.post("/sign-in", email=REGISTERED)
    world.settle()
    link, code = world.mailed_link(REGISTERED, "/sign-in/link/"), mailed_code(world, REGISTERED)
    _, page = steps(world, browser, REGISTERED, paid=False)
    world.sandbox.fill_in(page, FRESH)
    (visit,) = world.rows("SELECT id FROM card_setup")
    browser.get("/sign-in/sent" if by_code else link)
    form: tuple[str, dict[str, str]] = ("/sign-in/confirm", {})
    if by_code:
        form = ("/sign-in/code", {"code": code})
    services = world.services
    with meets(world, browser, form[0], **form[1]) as sent:
        setups.finish(
            services.database,
            services.acquirers,
            services.site,
            setups.SetupToFinish(visit["id"]),
            world.now,
            by=Acquirer("stripe"),
        )
    answer = sent[0].result()
    assert answer.status == (422 if by_code else 410), "only the newest link works, and it isn't this one"
    assert world.rows("SELECT state FROM card_setup") == [{"state": "awaits_proof"}]
    assert browser.prove().path == "/subscribe/started"
