"""The promise as a calendar: 14 days free, then R75 a month; cancel within 14 days and you are not billed."""

from tests.support.world import World, local


def test_a_trial_becomes_a_paid_subscription(world: World) -> None:
    browser = world.browser()
    page = browser.start("thandi@example.com")
    assert page.path == "/subscribe/started"
    assert "Monday 15 March 2027" in page.words
    reader = world.rows("SELECT * FROM reader")[0]
    article = world.articles["subscriber"][0]
    assert world.access(article, reader["id"])["reason"] == "trial"

    world.advance_to(local(2027, 3, 16, 8, 59, 59))
    assert world.charges() == []
    assert len(world.subjects("thandi@example.com")) == 3, "trial started, and two notices"
    assert world.access(article, reader["id"])["allowed"]

    world.advance_to(local(2027, 3, 16, 9))
    charges = world.charges()
    assert [(charge["amount"], charge["currency"]) for charge in charges] == [(7500, "zar")]
    receipt = world.letters("thandi@example.com")[-1]
    for words in ("INV-000001", "R65.22", "R9.78", "R75.00", "Tax invoice"):
        assert words in receipt.text
    assert world.access(article, reader["id"])["reason"] == "subscription"
