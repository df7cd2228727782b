"""A reader who proved the address sees what the opt-out list blocks and how to lift it; a stranger's page is always the same."""

import re

from billing.mail import suppressions
from billing.mail.suppression_models import SuppressionReason
from billing.platform.actors import WORKER
from tests.newsletters.test_choosing import THANDI, confirm, lists_of, sign_up
from tests.support.newsroom import Newsroom
from tests.support.signed_in import signed_in


def block(newsroom: Newsroom, address: str, scope: str, reason: SuppressionReason) -> None:
    """Suppress the address."""
    world = newsroom.world
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        suppressions.suppress(ctx, address, scope=scope, reason=reason, source="test")


def on_opt_out_list(newsroom: Newsroom) -> None:
    """THANDI has First Light, and the national register names the address."""
    newsroom.add_reader(THANDI)
    newsroom.join(THANDI)
    block(newsroom, THANDI, "newsletter:first-light", SuppressionReason.REGISTER)


def test_a_proved_reader_sees_the_block_and_lifts_it_by_mail(newsroom: Newsroom) -> None:
    on_opt_out_list(newsroom)
    reader = signed_in(newsroom.world, THANDI)
    words = reader.get("/newsletters").words
    assert re.search(r"Not sent to you since \w* ?1 March 2027", words), words
    assert "because this address is on the national opt-out list" in words
    assert "tick it: a mail asks you, and its button lifts this" in words
    assert " checked" not in reader.page.text
    reader.post("/newsletters", newsletter=["the-long-read"])
    assert lists_of(newsroom, THANDI) == {"first-light": "confirmed", "the-long-read": "confirmed"}, (
        "an empty box that was shown empty is no no"
    )
    reader.post("/newsletters", newsletter=["first-light", "the-long-read"])
    assert "One more step" in reader.page.text
    newsroom.world.settle()
    letter = newsroom.world.letters(THANDI)[-1]
    assert letter.subject == "Please confirm: First Light"
    assert re.search(
        r"First Light to this address since \w* ?1 March 2027, because", " ".join(letter.text.split())
    )
    confirm(newsroom, THANDI)
    assert newsroom.suppressions() == []
    assert lists_of(newsroom, THANDI) == {"first-light": "confirmed", "the-long-read": "confirmed"}
    assert "Not sent" not in reader.get("/newsletters").words
    assert reader.page.text.count(" checked") == 2


def test_a_stranger_learns_nothing_and_the_mail_says_it(newsroom: Newsroom) -> None:
    block(newsroom, THANDI, suppressions.NEWSLETTERS, SuppressionReason.COMPLAINT)
    pages = [sign_up(newsroom, address, "first-light").page for address in (THANDI, "new@example.com")]
    assert len({(page.path, page.status, page.words) for page in pages}) == 1
    newsroom.world.settle()
    blocked, other = (newsroom.world.letters(each)[-1] for each in (THANDI, "new@example.com"))
    assert "reported as unwanted" in " ".join(blocked.text.split())
    assert "since" not in other.text


def test_what_staff_stopped_only_staff_lift(newsroom: Newsroom) -> None:
    newsroom.add_reader(THANDI)
    reader = signed_in(newsroom.world, THANDI)
    block(newsroom, THANDI, suppressions.ALL, SuppressionReason.STAFF)
    words = reader.get("/newsletters").words
    assert "because our staff stopped mail to this address. Write to us" in words
    assert "lifts this" not in words
