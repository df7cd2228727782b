"""A reader changes the address: the new one confirms it, the old one is warned, and all that belongs to the reader follows."""

from datetime import timedelta

import pytest

from billing.dev import seed
from billing.mail import suppressions
from billing.mail.suppression_models import SuppressionReason
from billing.personal_data import archive
from billing.platform.actors import WORKER
from billing.readers import rate
from billing.readers.links import WRONG_CODES
from tests.support.another_address import NEW, addresses, change, confirm, give, stop
from tests.support.browser import Browser
from tests.support.erasures import ask_for, mentions
from tests.support.signed_in import prove_again, signed_in
from tests.support.starting_points import Subscriber, fast_forward
from tests.support.world import World, local

BEFORE_A_CHARGE = local(2027, 4, 15, 12)
"""The day before the second charge."""
NO_MORE_RETURNED = local(2027, 3, 31, 14)
"""An erasure asked for by then returns no charge."""


def sandbox_addresses(world: World) -> list[str]:
    """The addresses of the acquirer's customers."""
    return [str(row["email"]) for row in world.sandbox.objects("customer")]


def code_in(world: World, email: str = NEW) -> str:
    """The eight digits in the newest mail about the new address."""
    text = world.letter(email, "Confirm your new address").text
    (code,) = [line.strip() for line in text.splitlines() if line.strip().isdigit()]
    return code


def wrong_one(code: str) -> str:
    """Another code of as many digits."""
    return f"{(int(code) + 1) % 10**8:08d}"


def test_the_whole_way(world: World, paid: Subscriber) -> None:
    fast_forward(world, BEFORE_A_CHARGE)
    browser = signed_in(world, paid.email)
    assert 'href="/account/address"' in browser.get("/account").text
    page = give(world, browser)
    assert page.path == "/account/address/sent"
    assert NEW in page.words
    assert addresses(world) == [paid.email], "nothing changes before it is confirmed"
    warning = world.letter(paid.email, "Another address was given")
    assert NEW not in warning.text, "others may read the old mailbox"
    page = browser.get(world.mailed_link(NEW, "/account/address/link/"))
    assert (page.path, f"takes the place of {paid.email}" in page.words) == ("/account/address/confirm", True)
    assert addresses(world) == [paid.email], "a scanner that follows the link changes nothing"
    page = browser.post("/account/address/confirm")
    assert page.path == "/account"
    assert "Your address is changed" in page.text
    world.settle()
    assert addresses(world) == [NEW]
    assert sandbox_addresses(world) == [NEW]
    assert "through" in world.letter(paid.email, "has another address now").text
    world.advance_to(local(2027, 4, 16, 12))
    assert world.mail_kinds(NEW)[-1] == "receipt"


def test_a_reader_who_signs_in_with_the_new_address_has_the_same_account(
    world: World, paid: Subscriber
) -> None:
    change(world, paid.email)
    browser = world.browser()
    assert browser.sign_in(NEW).path == "/account"
    assert NEW in browser.page.words
    assert len(addresses(world)) == 1


def test_the_code_confirms_it_where_it_was_asked_for(world: World, paid: Subscriber) -> None:
    browser = signed_in(world, paid.email)
    give(world, browser)
    code = code_in(world)
    page = browser.post("/account/address/code", code=wrong_one(code))
    assert (page.status, "You have 4 more tries." in page.words) == (422, True)
    assert browser.post("/account/address/code", code=code).path == "/account"
    assert addresses(world) == [NEW]


def test_five_wrong_codes_end_it_and_the_page_says_so(world: World, paid: Subscriber) -> None:
    browser = signed_in(world, paid.email)
    give(world, browser)
    code = code_in(world)
    right = browser.filled("/account/address/code", code=code)
    for _ in range(WRONG_CODES):
        page = browser.post("/account/address/code", code=wrong_one(code))
    assert (page.status, "Too many wrong codes" in page.words) == (422, True)
    assert 'href="/account/address"' in page.text
    assert browser.http.send(right).status_code == 410
    assert addresses(world) == [paid.email]


def test_another_browser_is_sent_to_the_one_that_asked(world: World, paid: Subscriber) -> None:
    """Else a stranger could have the owner of a mailbox take over the stranger's account."""
    browser = signed_in(world, paid.email)
    give(world, browser)
    phone = world.browser()
    page = phone.get(world.mailed_link(NEW, "/account/address/link/"))
    assert "Go on where you began" in page.words
    assert paid.email not in page.text
    assert 'action="/account/address/confirm"' not in page.text


def test_it_takes_a_fresh_sign_in_and_leads_back(world: World, paid: Subscriber) -> None:
    browser = signed_in(world, paid.email)
    world.advance(minutes=11)
    assert browser.get("/account/address").path == "/account/confirm"
    prove_again(world, browser)
    assert browser.page.path == "/account/address"
    assert world.browser().get("/account/address").path == "/sign-in"


def test_a_mistyped_domain_is_asked_about_first(world: World, paid: Subscriber) -> None:
    browser = signed_in(world, paid.email)
    page = give(world, browser, "thandi@gmail.con")
    assert "Did you mean thandi@gmail.com?" in page.words
    assert world.rows("SELECT id FROM address_change") == []
    assert (
        browser.post("/account/address", email="thandi@gmail.com", sure="yes").path == "/account/address/sent"
    )


@pytest.mark.parametrize(("typed", "says"), [("thandi@", "look like"), ("THANDI@example.com", "already")])
def test_what_is_no_other_address_stays_in_the_form(
    world: World, paid: Subscriber, typed: str, says: str
) -> None:
    page = give(world, signed_in(world, paid.email), typed)
    assert (page.status, says in page.words, f'value="{typed}"' in page.text) == (422, True, True)


def test_a_link_that_is_used_or_old_confirms_nothing(world: World, paid: Subscriber) -> None:
    browser = signed_in(world, paid.email)
    give(world, browser)
    link = world.mailed_link(NEW, "/account/address/link/")
    world.advance(minutes=61)
    assert browser.get(link).status == 410
    browser = change(world, paid.email)
    assert browser.get(world.mailed_link(NEW, "/account/address/link/")).status == 410


def test_two_clicks_change_it_once(world: World, paid: Subscriber) -> None:
    browser = signed_in(world, paid.email)
    give(world, browser)
    browser.get(world.mailed_link(NEW, "/account/address/link/"))
    form = browser.filled("/account/address/confirm")
    answers = [browser.http.send(form, follow_redirects=False).status_code for _ in range(2)]
    world.settle()
    assert answers == [303, 410]
    assert world.mail_kinds(paid.email).count("address_changed") == 1


def test_a_newer_request_takes_the_place_of_the_older(world: World, paid: Subscriber) -> None:
    browser = signed_in(world, paid.email)
    give(world, browser)
    older = world.mailed_link(NEW, "/account/address/link/")
    give(world, browser, "third@example.org")
    assert browser.get(older).status == 410
    assert "third@example.org" in browser.get("/account/address/sent").words
    assert confirm(world, browser, "third@example.org").path == "/account"
    assert addresses(world) == ["third@example.org"]


def test_an_address_with_an_account_gets_a_mail_that_says_so(world: World, paid: Subscriber) -> None:
    world.start_trial(NEW, "pm_card_visa__2")
    known, unknown = signed_in(world, paid.email), signed_in(world, paid.email)
    words = give(world, known).words
    assert words == give(world, unknown, "nobody@elsewhere.example").words.replace(
        "nobody@elsewhere.example", NEW
    )
    letter = world.letter(NEW, "has an account")
    assert "we make one of them" in letter.text
    assert not [link for one in world.letters(NEW) for link in one.links if "/account/address/link" in link]
    assert addresses(world) == [paid.email, NEW]


def test_two_readers_who_want_the_same_address(world: World, paid: Subscriber) -> None:
    world.start_trial("other@example.com", "pm_card_visa__2")
    first, second = signed_in(world, paid.email), signed_in(world, "other@example.com")
    give(world, first)
    link = world.mailed_link(NEW, "/account/address/link/")
    give(world, second)
    first.get(link)
    first.post("/account/address/confirm")
    second.get(world.mailed_link(NEW, "/account/address/link/"))
    page = second.post("/account/address/confirm")
    assert (page.status, "has an account of its own" in page.words) == (409, True)
    assert addresses(world) == [NEW, "other@example.com"]


def test_too_many_are_refused(world: World, paid: Subscriber) -> None:
    browser = signed_in(world, paid.email)
    browser.get("/account/address")
    for n in range(10):
        assert browser.post("/account/address", email=f"n{n}@elsewhere.example").status == 200
        browser.get("/account/address")
    assert browser.post("/account/address", email="n11@elsewhere.example").status == 429


def test_a_reader_whose_account_closes(world: World, paid: Subscriber) -> None:
    browser = signed_in(world, paid.email)
    give(world, browser)
    link = world.mailed_link(NEW, "/account/address/link/")
    ask_for(world, paid.reader_id)
    browser.get(link)
    page = browser.post("/account/address/confirm")
    assert (page.status, "being closed" in page.words) == (409, True)
    assert addresses(world) == [paid.email]
    assert 'action="/account/address"' not in signed_in(world, paid.email).get("/account/address").text


def erased_after_a_change(world: World, paid: Subscriber) -> None:
    """The reader changed the address and was erased. Before, somebody had visited the card page with the first address."""

    def live() -> None:
        world.start_trial("other@example.com", "pm_card_visa__2")
        world.execute(
            "UPDATE card_setup SET reader_id = NULL, email = :old WHERE email = 'other@example.com'",
            old=paid.email,
        )
        change(world, paid.email)
        world.advance_to(NO_MORE_RETURNED)
        ask_for(world, paid.reader_id)
        world.advance(days=3)

    world.once("erased after a change of address", live)


def test_an_erasure_leaves_neither_address(world: World, paid: Subscriber) -> None:
    erased_after_a_change(world, paid)
    assert mentions(world, paid.email, NEW) == []


def test_an_erasure_reaches_a_customer_of_the_earlier_address(world: World, paid: Subscriber) -> None:
    """Of a visit to the card page before the address had an account."""
    erased_after_a_change(world, paid)
    assert [row.get("deleted") for row in world.sandbox.objects("customer")] == [True, True]


def test_waiting_mails_follow_but_for_those_of_one_address(world: World, paid: Subscriber) -> None:
    fast_forward(world, BEFORE_A_CHARGE)
    browser = signed_in(world, paid.email)
    give(world, browser)
    world.smtp.refuse(451, "later", to=paid.email)
    world.advance_to(local(2027, 4, 16, 12))
    browser = signed_in(world, paid.email)
    give(world, browser)
    confirm(world, browser)
    assert "receipt" in world.mail_kinds(NEW)
    waiting = world.rows(
        "SELECT DISTINCT kind FROM message WHERE recipient = :old AND state = 'queued'", old=paid.email
    )
    assert {row["kind"] for row in waiting} <= {"address_asked", "address_changed"}


def newsletters_of(world: World, reader_id: str) -> list[tuple[str, str]]:
    rows = world.rows(
        "SELECT newsletter_id, state FROM signup WHERE reader_id = :id ORDER BY 1", id=reader_id
    )
    return [(row["newsletter_id"], row["state"]) for row in rows]


def test_newsletters_and_opt_outs_follow_and_bounces_dont(world: World, paid: Subscriber) -> None:
    services = world.services
    with services.database.begin(services.site, world.now, WORKER) as ctx:
        seed.newsletters(ctx.session, world.now)
        for scope, reason in (
            ("newsletter:the-long-read", SuppressionReason.COMPLAINT),
            ("newsletters", SuppressionReason.HARD_BOUNCE),
        ):
            suppressions.suppress(ctx, paid.email, scope=scope, reason=reason, source="test")
    world.execute(
        "INSERT INTO signup (id, newsletter_id, address, address_key, state, asked_at, words, text_version, source, ip, device,"
        " changed_at) SELECT 'sgn_' || id, id, :old, :old, 'confirmed', now(), '', '', '', '', '', now() FROM newsletter"
        " WHERE id = 'the-long-read'",
        old=paid.email,
    )
    change(world, paid.email)
    assert newsletters_of(world, paid.reader_id) == [("the-long-read", "confirmed")]
    with services.database.begin(services.site, world.now, WORKER) as ctx:
        kept = suppressions.standing(ctx.session, services.site.tokens, NEW)
    assert [(row.scope, row.reason) for row in kept] == [
        ("newsletter:the-long-read", SuppressionReason.COMPLAINT)
    ]


def test_what_was_counted_for_the_mailbox_counts_on(world: World, paid: Subscriber) -> None:
    services, hour = world.services, timedelta(hours=1)
    with services.database.begin(services.site, world.now, WORKER) as ctx:
        for _ in range(2):
            rate.add(ctx, "start", paid.email, per=hour)
    change(world, paid.email)
    stop(world, world.mailed_link(paid.email, "/address/stop/"))
    with services.database.begin(services.site, world.now, WORKER) as ctx:
        counted = [rate.counted(ctx, "start", email, per=hour) for email in (NEW, paid.email)]
    assert counted == [2, 2], "no fewer for the new one, and no more once the old one is back"


def test_the_trial_is_not_given_again(world: World, in_trial: Subscriber) -> None:
    """Neither to the new address, nor to the old one."""
    change(world, in_trial.email)
    world.api.post(
        f"/v1/subscriptions/{in_trial.subscription_id}/cancel", json={"when": "now"}
    ).raise_for_status()
    for email, card in ((NEW, "pm_card_visa__2"), (in_trial.email, "pm_card_visa__3")):
        answer = world.try_trial(email, card)
        assert (answer.status_code, answer.json()["code"]) == (409, "trial_used"), email


def test_a_reader_who_comes_to_an_address_that_had_a_trial_gets_none(
    world: World, in_trial: Subscriber
) -> None:
    change(world, in_trial.email)
    newcomer = world.browser()
    newcomer.sign_in("newcomer@example.com")
    give(world, newcomer, in_trial.email)
    confirm(world, newcomer, in_trial.email)
    answer = world.try_trial(in_trial.email, "pm_card_visa__4")
    assert answer.json()["code"] == "trial_used"


def test_consents_keep_the_address_that_they_were_given_with(world: World, paid: Subscriber) -> None:
    change(world, paid.email)
    assert {row["email"] for row in world.rows("SELECT email FROM consent")} == {paid.email}


def test_the_acquirer_gets_it_once_it_is_back(world: World, paid: Subscriber) -> None:
    world.sandbox.faults({"effect": "500_before", "method": "POST", "path": "/v1/customers/*", "times": None})
    change(world, paid.email)
    assert sandbox_addresses(world) == [paid.email]
    assert world.rows("SELECT id FROM address_change WHERE customer_due_at IS NOT NULL")
    world.sandbox.faults()
    world.advance(hours=1)
    assert sandbox_addresses(world) == [NEW]
    assert world.rows("SELECT id FROM address_change WHERE customer_due_at IS NOT NULL") == []


def test_the_file_with_all_data_has_the_earlier_address(world: World, paid: Subscriber) -> None:
    change(world, paid.email)
    with world.services.database.transaction() as session:
        tables = archive.read(session, paid.reader_id, NEW)
    (found,) = (one for one in tables if one.table == "address_change")
    (row,) = found.rows
    assert (row["old_email"], row["new_email"]) == (paid.email, NEW)
    assert not {"token_hash", "browser_hash", "actor_id"} & row.keys()


def test_the_file_says_nothing_of_another_reader_who_asked_for_this_address(
    world: World, paid: Subscriber
) -> None:
    fast_forward(world, NO_MORE_RETURNED)
    world.start_trial("other@example.com", "pm_card_visa__2")
    give(world, signed_in(world, "other@example.com"), paid.email)
    with world.services.database.transaction() as session:
        tables = archive.read(session, paid.reader_id, paid.email)
    assert [one.rows for one in tables if one.table == "address_change"] == [()]
    ask_for(world, paid.reader_id)
    world.advance(days=3)
    assert mentions(world, paid.email) == [], "an erasure deletes that request too"


def test_a_request_that_nobody_confirmed_is_deleted_after_a_month(world: World, paid: Subscriber) -> None:
    browser = signed_in(world, paid.email)
    give(world, browser, "nobody@elsewhere.example")
    give(world, browser)
    confirm(world, browser)
    world.skip_to(world.now + timedelta(days=32))
    world.advance(days=1)
    assert [row["new_email"] for row in world.rows("SELECT new_email FROM address_change")] == [NEW]


def test_a_signed_out_reader_finds_the_new_address_by_the_old(world: World, paid: Subscriber) -> None:
    """No second, empty account hides that the address has changed."""
    change(world, paid.email)
    browser: Browser = world.browser()
    browser.get("/sign-in")
    assert browser.post("/sign-in", email=paid.email).path == "/sign-in/sent"
    world.settle()
    letter = world.letter(paid.email, "has another address")
    assert "sign in with that one" in " ".join(letter.text.split())
    assert NEW not in letter.text
    world.advance(days=8)
    assert world.browser().sign_in(paid.email).path == "/account", "then it is free"
    assert len(addresses(world)) == 2
