"""`/who-charged-me` explains a line on a bank statement, and how to end the charges."""

from tests.support.world import World


def test_a_stranger_learns_what_our_charges_look_like_and_where_to_ask(world: World) -> None:
    browser = world.browser()
    words = browser.get("/who-charged-me").words
    for said in (
        "R75.00 incl. VAT a month",
        "R750.00 incl. VAT a year",
        "TRIAL OVER",
        "never the whole number",
    ):
        assert said in words
    assert "Tax invoice" not in words
    assert 'href="/who-charged-me"' in browser.get("/").text, "the foot of every page leads there"
    assert 'value="wrong_charge" required checked' in browser.get("/contact?about=wrong_charge").text


def test_a_reader_sees_their_own_charges_marked_as_the_bank_shows_them_and_nobody_elses(world: World) -> None:
    browser = world.browser()
    browser.start("thandi@example.com")
    assert "We have charged nothing to you" in browser.get("/who-charged-me").words
    world.start_trial("sipho@example.com", "pm_card_visa__2")
    world.advance(days=16)
    words = browser.get("/who-charged-me").words
    (row,) = world.rows(
        "SELECT i.number FROM invoice i JOIN reader r ON r.id = i.reader_id WHERE r.email = 'thandi@example.com'"
    )
    assert words.count("INV-") == 1
    assert f"INV-{row['number']:06}" in words
    assert {charge["statement_descriptor_suffix"] for charge in world.charges()} == {"TRIAL OVER"}
