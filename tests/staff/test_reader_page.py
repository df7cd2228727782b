"""What stands on a reader's page of staff, and the acts beside it: sign-ins, newsletters, copies of invoices, pins."""

import re

from tests.support.actors import BY
from tests.support.browser import Answer, Browser
from tests.support.disputed_charge import charged, only_dispute
from tests.support.merging import SECOND, do_merge
from tests.support.newsroom import Newsroom
from tests.support.plans import whole_tables_read
from tests.support.signed_in import signed_in
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.statements import transactions
from tests.support.world import World


def link_of(page: Answer, words: str) -> str:
    """The address of the link with these words."""
    found = re.search(rf'href="([^"]+)">{re.escape(words)}', page.text)
    assert found is not None, f"no link “{words}”: {page.words}"
    return found.group(1).replace("&amp;", "&")


def act(browser: Browser, address: str, reason: str = "rang") -> Answer:
    """Look at an act, then do it."""
    page = browser.get(address)
    assert page.status == 200, page.words
    return browser.post(address.partition("?")[0], reason=reason, step="confirm")


def test_plan_price_and_money_are_named(world: World, paid: Subscriber, support: Browser) -> None:
    page = f"/staff/readers/{paid.reader_id}"
    words = support.get(page).words
    assert "R75.00 incl. VAT a month" in words
    assert "Paid in all R75.00 incl. VAT" in words
    assert "Owes us" not in words
    payment = world.rows("SELECT id FROM payment")[0]["id"]
    refund = {"amount": 1000, "reason": "an outage"}
    world.api.post(f"/v1/payments/{payment}/refunds", json=refund).raise_for_status()
    world.settle()
    assert "Paid in all R75.00 incl. VAT, of which R10.00 incl. VAT went back" in support.get(page).words


def test_what_a_reader_owes_is_named(world: World, owing: Subscriber, support: Browser) -> None:
    assert "Owes us R75.00 incl. VAT" in support.get(f"/staff/readers/{owing.reader_id}").words


def test_a_browser_is_signed_out_and_nothing_else(world: World, paid: Subscriber, support: Browser) -> None:
    phone, laptop = signed_in(world, paid.email), signed_in(world, paid.email)
    page = f"/staff/readers/{paid.reader_id}"
    ids = [
        row["id"] for row in world.rows("SELECT id FROM reader_session WHERE ended_at IS NULL ORDER BY id")
    ]
    shown = support.get(page)
    assert shown.text.count("Sign out<span") == len(ids)
    assert act(support, f"{page}/sign-out?chosen={ids[-1]}", "phone stolen").path == page
    assert phone.get("/account").path == "/account"
    assert laptop.get("/account").path != "/account"
    line = world.rows(f"SELECT {BY}, subject, reason FROM audit_line WHERE act = 'reader_sign_ins'")
    assert line == [{"by": "staff:support@paper.example", "subject": ids[-1], "reason": "phone stolen"}]
    assert act(support, f"{page}/sign-out").path == page
    assert phone.get("/account").path != "/account"
    assert "Nowhere." in support.get(page).words
    again = support.get(f"{page}/sign-out")
    assert "isn’t signed in there any more" in again.words
    other = world.start_trial(SECOND, "pm_card_mastercard")["reader"]["id"]
    of_other = signed_in(world, SECOND)
    stolen = world.rows("SELECT id FROM reader_session WHERE reader_id = :id", id=other)[-1]["id"]
    assert "isn’t signed in" in support.get(f"{page}/sign-out?chosen={stolen}").words
    assert of_other.get("/account").path == "/account"


def test_a_link_mailed_by_staff_opens_with_its_code_only(
    world: World, paid: Subscriber, support: Browser
) -> None:
    page = f"/staff/readers/{paid.reader_id}"
    before = len(world.letters(paid.email))
    assert act(support, f"{page}/mail-link", "no mail arrived").path == page
    world.settle()
    letter = world.letters(paid.email)[before:][-1]
    [link] = [one for one in letter.links if "/sign-in/link/" in one]
    code = re.search(r"^ +(\d{4} ?\d{4})$", letter.text, re.MULTILINE)
    assert code is not None, letter.text
    browser = world.browser()
    browser.get(link)
    assert browser.page.status == 200
    assert "code" in browser.page.words.lower()
    browser.get("/account")
    assert browser.page.path != "/account", "the link alone opens nothing"
    browser.get(link)
    browser.post("/sign-in/here", code=code.group(1))
    assert browser.get("/account").path == "/account", browser.page.words
    for _ in range(4):
        act(support, f"{page}/mail-link", "again")
    assert act(support, f"{page}/mail-link", "again").status == 429


def test_newsletters_are_changed_as_the_reader_asked(
    world: World, paid: Subscriber, support: Browser
) -> None:
    room = Newsroom(world)
    room.join(paid.email)
    world.browser().sign_in(paid.email)  # which proves the address
    page = f"/staff/readers/{paid.reader_id}"
    joined = world.rows("SELECT newsletter_id FROM signup WHERE state = 'confirmed'")
    chosen = joined[0]["newsletter_id"]
    assert ": receives it" in support.get(page).words
    assert act(support, f"{page}/leave-newsletter?chosen={chosen}", "asked by phone").path == page
    last = "SELECT to_state, source, ip FROM signup_change ORDER BY id DESC LIMIT 1"
    assert world.rows(last) == [{"to_state": "left", "source": "staff", "ip": ""}]
    assert act(support, f"{page}/join-newsletter?chosen={chosen}", "changed her mind").path == page
    assert world.rows(last) == [{"to_state": "confirmed", "source": "staff", "ip": ""}]
    reasons = world.rows(
        "SELECT reason, subject FROM audit_line WHERE act = 'reader_newsletters' ORDER BY id"
    )
    assert [row["reason"] for row in reasons] == ["asked by phone", "changed her mind"]
    assert "is as you want it already" in support.get(f"{page}/join-newsletter?chosen={chosen}").words
    assert "no newsletter by that name" in support.get(f"{page}/join-newsletter?chosen=zzz").words


def test_an_unproved_address_is_asked_first(world: World, support: Browser) -> None:
    Newsroom(world)
    reader = world.start_trial(SECOND)["reader"]["id"]
    chosen = world.rows("SELECT id FROM newsletter ORDER BY position")[0]["id"]
    page = f"/staff/readers/{reader}"
    assert "gets a mail that asks first" in support.get(f"{page}/join-newsletter?chosen={chosen}").words
    assert act(support, f"{page}/join-newsletter?chosen={chosen}").path == page
    assert world.rows("SELECT state FROM signup") == [{"state": "pending"}]
    assert "asked to confirm it by mail" in support.get(page).words


def test_an_invoice_is_shown_as_a_file_and_sent_again(
    world: World, paid: Subscriber, support: Browser
) -> None:
    page = f"/staff/readers/{paid.reader_id}"
    shown = support.get(page)
    file = link_of(shown, "INV-000001")
    answer = support.http.get(file)
    assert answer.content.startswith(b"%PDF")
    other = world.start_trial(SECOND, "pm_card_mastercard")["reader"]["id"]
    assert support.get(file.replace(paid.reader_id, other)).status == 404
    assert act(support, link_of(shown, "Send again"), "lost it").path == page
    world.settle()
    letter = world.letter(paid.email, "Copy of tax invoice INV-000001")
    assert "Copy. The original was sent" in letter.text
    assert world.rows("SELECT count(*) AS n FROM invoice") == [{"n": 1}]


def test_a_pinned_note_stands_at_the_top_until_it_is_taken_off(
    world: World, paid: Subscriber, support: Browser
) -> None:
    page = f"/staff/readers/{paid.reader_id}"
    act(support, f"{page}/note", "Rings each month. Be patient.")
    shown = support.get(page)
    assert "Pinned note" not in shown.words
    note = world.rows("SELECT id FROM reader_note")[0]["id"]
    for _ in range(2):  # pressed twice is once
        support.get(page)
        support.post(f"{page}/notes/{note}/pin")
    assert "Pinned note Rings each month. Be patient." in support.page.words
    support.post(f"{page}/notes/{note}/unpin")
    assert "Pinned note" not in support.page.words
    assert [
        row["act"]
        for row in world.rows(
            "SELECT act FROM audit_line WHERE subject = :id AND act <> 'note' ORDER BY id", id=note
        )
    ] == ["pin_note", "unpin_note"]
    support.get(page)
    headers = {"origin": world.url, "sec-fetch-site": "same-origin"}
    token = support.page.text.partition('name="csrf" value="')[2].partition('"')[0]
    unknown = support.http.post(f"{page}/notes/nte_x/pin", data={"csrf": token}, headers=headers)
    assert unknown.status_code == 404


def test_an_open_dispute_is_a_banner(world: World, disputed: Subscriber, support: Browser) -> None:
    words = support.get(f"/staff/readers/{disputed.reader_id}").words
    assert "A bank disputes a charge." in words


def test_an_inquiry_is_no_dispute(world: World, staff: SignIn) -> None:
    charged(world, "pm_card_createDisputeInquiry")
    world.settle()
    words = staff("support").get(f"/staff/readers/{only_dispute(world)['reader_id']}").words
    assert "A bank asks about a charge. Inquiry about R75.00 incl. VAT" in words
    assert "A bank disputes a charge." not in words


def test_the_box_says_the_same_wherever_it_stands(world: World, paid: Subscriber, support: Browser) -> None:
    pages = [support.get(page) for page in ("/staff/find", "/staff", f"/staff/readers/{paid.reader_id}")]
    hints = [re.findall(r'<p class="\w+" id="find-hint">([^<]+)</p>', page.text) for page in pages]
    assert hints[0] == hints[1] == hints[2]
    assert "last four digits of a card, amount or day of a charge" in hints[0][0]


def test_other_accounts_of_the_same_person_are_named(
    world: World, paid: Subscriber, support: Browser
) -> None:
    page = f"/staff/readers/{paid.reader_id}"
    other = world.start_trial(SECOND, "pm_card_mastercard", external_id="crm-2")
    assert "Perhaps the same person" not in support.get(page).words
    world.execute("UPDATE payment_method SET fingerprint = 'same'")
    words = support.get(page).words
    assert f"{SECOND} paid with the same card" in words
    cancel = f"/v1/subscriptions/{other['subscription']['id']}/cancel"
    world.api.post(cancel, json={"when": "now"}).raise_for_status()
    world.settle()
    do_merge(world, paid.reader_id, other["reader"]["id"])
    words = support.get(page).words
    assert f"{SECOND} merged into this account" in words
    assert "paid with the same card" not in words


def test_an_index_serves_all_that_the_page_asks(
    world: World, paid_twice: Subscriber, support: Browser
) -> None:
    Newsroom(world).join(paid_twice.email)
    page = f"/staff/readers/{paid_twice.reader_id}"
    assert whole_tables_read(world.services.database, lambda: support.get(page)) == []


def test_the_page_asks_no_more_for_more_payments(world: World, paid: Subscriber, staff: SignIn) -> None:
    page, counts = f"/staff/readers/{paid.reader_id}", []
    for days in (0, 62):
        world.advance(days=days)
        support = staff("support")
        support.get(page)  # the visit is audited once an hour
        with transactions(world.services.database) as found:
            assert support.get(page).words.count("INV-") >= 1
        counts.append(sum(map(len, found)))
    assert counts[1] <= counts[0] <= 60, counts
