"""Acts for a reader: previewed in words and rand, done once, with a reason."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.support.actors import BY, CLOSED_BY
from tests.support.browser import Answer, Browser
from tests.support.signed_in import in_trial_by_pages, signed_in
from tests.support.staff_members import SignIn, add, sign_in
from tests.support.starting_points import Subscriber, subscriber
from tests.support.world import World, local

READER = "thandi@example.com"


def page_of(world: World, email: str = READER) -> str:
    return f"/staff/readers/{world.rows('SELECT id FROM reader WHERE email = :e', e=email)[0]['id']}"


def give_back(browser: Browser, where: str) -> str:
    """The address behind the first `Give back` on the reader's page."""
    text = browser.get(where).text
    return text.partition(f'href="{where}/refund')[2].partition('"')[0].join((f"{where}/refund", ""))


def test_two_of_staff_on_one_reader_the_second_sees_that_the_first_acted(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    first, second = staff("support", "sipho@paper.example"), staff("support", "nandi@paper.example")
    where = f"{page_of(world)}/cancel"
    first.get(where)
    second.get(where)
    first.post(where, reason="asked by phone", step="confirm")
    assert first.page.path == page_of(world)
    page = second.post(where, reason="wrote to me", step="confirm")
    assert page.status == 409
    assert "This was done before you" in page.words
    assert "staff:sipho@paper.example" in page.words
    assert "asked by phone" in page.words
    world.settle()
    assert world.mail_kinds(READER).count("cancelled") == 1
    assert len(world.rows("SELECT * FROM audit_line WHERE act = 'cancel'")) == 1


def test_two_of_staff_in_the_very_same_moment_one_acts(world: World, paid: Subscriber, staff: SignIn) -> None:
    browsers = [staff("support", f"{name}@paper.example") for name in ("sipho", "nandi", "lwazi")]
    where = f"{page_of(world)}/cancel"
    for member in browsers:
        member.get(where)
    with ThreadPoolExecutor(len(browsers)) as pool:
        found = list(
            pool.map(lambda member: member.post(where, reason="by phone", step="confirm").status, browsers)
        )
    assert sorted(found) == [200, 409, 409]
    assert len(world.rows("SELECT * FROM audit_line WHERE act = 'cancel'")) == 1
    assert world.subscription(paid.subscription_id)["cancel_requested_at"] is not None


def test_the_reason_of_a_refund_is_the_credit_notes_and_the_page_says_so(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    support = staff("support")
    where = page_of(world)
    page = support.get(give_back(support, where))
    assert "the reader reads it on the credit note" in page.words
    typed = "The site was away\r\nfor a week, card 4242 4242 4242 4242"
    page = support.post(f"{where}/refund", amount="20", step="preview", reason=typed)
    said = page.words.partition("The credit note tells the reader: “Reason: ")[2].partition("”")[0]
    assert said.startswith("The site was away for a week, card ")
    assert "4242 4242 4242" not in said
    support.post(f"{where}/refund", amount="20", step="confirm", reason=typed)
    world.advance(minutes=1)
    assert said in " ".join(world.letter(READER, "Credit note").text.split())

    page = support.get(f"{where}/cancel")
    assert "the reader reads it" not in page.words
    support.post(f"{where}/cancel", reason="rude on the phone", step="confirm")
    world.settle()
    assert all("rude" not in letter.text for letter in world.letters(READER))


def test_a_form_sent_twice_acts_once(world: World, paid: Subscriber, staff: SignIn) -> None:
    support = staff("support")
    where = page_of(world)
    form = support.get(give_back(support, where))
    action = f"{where}/refund"
    assert "Give back R75.00 incl. VAT" in form.words
    support.post(action, amount="20", step="preview")
    shown = support.page
    support.post(action, step="confirm", reason="slow page", amount="20")
    support.page = shown
    page = support.post(action, step="confirm", reason="slow page", amount="20")
    assert page.status == 409
    assert "This was done before you" in page.words
    world.advance(minutes=1)
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [2000]


def test_money_back_in_part_and_then_the_rest_each_with_its_credit_note(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    support = staff("support")
    where = page_of(world)
    action = f"{where}/refund"
    support.get(give_back(support, where))
    page = support.post(action, amount="R 25,50", step="preview")
    assert "R25.50 incl. VAT of R75.00 incl. VAT (INV-000001) goes back to Visa ending in 4242" in page.words
    support.post(action, amount="R 25,50", step="confirm", reason="half of it was down")
    world.advance(minutes=1)
    page = support.get(give_back(support, where))
    assert "Give back R49.50 incl. VAT" in page.words
    for typed in ("75.00", "0", "-5", "1.234", "abc"):
        page = support.post(action, amount=typed, step="confirm", reason="x")
        assert page.status == 422, typed
        assert "What happens" not in page.words, typed
    support.post(action, amount="49.50", step="preview")
    support.post(action, amount="49.50", step="confirm", reason="and the rest")
    world.advance(minutes=1)
    assert sorted(refund["amount"] for refund in world.sandbox.refunds()) == [2550, 4950]
    notes = [letter for letter in world.letters(READER) if "Credit note" in letter.subject]
    assert [("half of it was down" in one.text, "and the rest" in one.text) for one in notes] == [
        (True, False),
        (False, True),
    ]
    assert world.access(world.articles["subscriber"][0], where.rpartition("/")[2])["allowed"]


def test_support_is_refused_above_its_limit_and_finance_is_not(make_world: Callable[..., World]) -> None:
    world = make_world(support_refund_limit=5000)
    subscriber(world, "paid")
    support = sign_in(world, add(world, "support").email)
    finance = sign_in(world, add(world, "finance").email)
    where = page_of(world)
    page = support.get(give_back(support, where))
    assert "Your role leaves you R50.00 incl. VAT for this reader this month" in page.words
    page = support.post(f"{where}/refund", amount="60", step="confirm", reason="x")
    assert page.status == 403
    assert "Ask somebody from finance" in page.words
    line = world.rows(
        f"SELECT {BY}, act, outcome, reason, reader_id FROM audit_line ORDER BY id DESC LIMIT 1"
    )[0]
    assert (line["by"], line["act"], line["outcome"]) == ("staff:support@paper.example", "refund", "refused")
    assert "R60.00" in line["reason"]
    assert line["reader_id"] == where.rpartition("/")[2]

    support.get(give_back(support, where))
    support.post(f"{where}/refund", amount="50", step="preview")
    support.post(f"{where}/refund", amount="50", step="confirm", reason="up to the limit")
    finance.get(give_back(finance, where))
    finance.post(f"{where}/refund", step="confirm", reason="the rest", amount="25.00")
    world.advance(minutes=1)
    assert sorted(refund["amount"] for refund in world.sandbox.refunds()) == [2500, 5000]

    back = support.get(f"{where}/cancel")
    assert back.status == 200


def test_a_date_that_gives_back_too_much_needs_finance_unless_the_request_is_proved(
    make_world: Callable[..., World],
) -> None:
    world = make_world(support_refund_limit=5000)
    subscriber(world, "in_trial")
    world.advance_to(local(2027, 3, 14, 9))
    visitor = world.browser()
    visitor.get("/contact")
    visitor.post("/contact", kind="cancel", email=READER, words="Stop, please.")
    world.advance_to(local(2027, 3, 25, 9))
    support = sign_in(world, add(world, "support").email)
    where = f"{page_of(world)}/cancel"
    support.get(where)
    page = support.post(where, asked="2027-03-13T09:00:00", step="preview")
    assert page.status == 403, "of the member's own word, up to the limit"
    page = support.get(where)
    assert "isn’t proved: somebody typed the address" in page.words
    assert "Cancel and give back" not in page.words
    world.execute("UPDATE reader_request SET email_verified = true, confirmed_at = :at", at=world.now)
    page = support.get(where)
    assert "Cancel and give back R75.00" in page.words, "what the reader is proved to have asked is owed"
    support.post(
        where, asked="2027-03-14T09:00:00", when="period_end", step="confirm", reason="the reader's request"
    )
    assert support.page.path == page_of(world)
    world.settle()
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [7500]
    assert (
        world.rows(f"SELECT {CLOSED_BY} FROM reader_request")[0]["closed_by"] == "staff:support@paper.example"
    )


def test_a_cancellation_is_taken_back_and_an_earlier_moment_found_later(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    support = staff("support")
    where = page_of(world)
    support.get(f"{where}/cancel")
    page = support.post(f"{where}/cancel", step="confirm", reason="")
    assert page.status == 422
    assert "Say why" in page.words
    support.post(f"{where}/cancel", step="confirm", reason="by phone")
    assert "you can read through Thursday 15 April 2027" in support.page.words
    page = support.get(f"{where}/resume")
    assert "charged R75.00 incl. VAT on Friday 16 April 2027" in page.words
    support.post(f"{where}/resume", step="confirm", reason="meant another paper")
    assert world.subscription(paid.subscription_id)["cancels_at"] is None
    change = world.rows(f"SELECT {BY}, reason FROM subscription_change ORDER BY id DESC LIMIT 1")[0]
    assert change == {"by": "staff:support@paper.example", "reason": "meant another paper"}

    support.get(f"{where}/cancel")
    support.post(f"{where}/cancel", step="confirm", reason="by phone")
    page = support.get(f"{where}/cancel")
    page = support.post(f"{where}/cancel", asked="2027-03-10T08:00:00", step="preview")
    assert "R75.00 incl. VAT goes back" in page.words
    support.post(
        f"{where}/cancel", asked="2027-03-10T08:00:00", step="confirm", reason="a letter from the 10th"
    )
    world.settle()
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [7500]
    assert world.subscription(paid.subscription_id)["status"] == "ended"
    for moment in ("2027-02-01T00:00:00", "2030-01-01T00:00:00", "yesterday", "2027-03-10T08:00:00Z"):
        assert "goes back" not in support.get(f"{where}/cancel").words
        assert support.post(f"{where}/cancel", asked=moment, step="preview").status == 422, moment


def test_complimentary_days_open_everything_and_never_take_anything_away(world: World, staff: SignIn) -> None:
    reader = in_trial_by_pages(world)
    support = staff("support")
    where = page_of(world)
    reader_id, article = where.rpartition("/")[2], world.articles["subscriber"][0]
    page = support.get(f"{where}/complimentary")
    assert "has a subscription that goes on" in page.words
    support.get(f"{where}/cancel")
    support.post(f"{where}/cancel", step="confirm", reason="by phone")
    page = support.get(f"{where}/complimentary")
    assert "through Monday 22 March 2027" in page.words, "seven days behind the trial, which is still free"
    support.post(f"{where}/complimentary", days="7", step="confirm", reason="a kind letter")
    assert world.access(article, reader_id)["reason"] == "trial"
    world.advance_to(local(2027, 3, 16, 0, 1))
    access = world.access(article, reader_id)
    assert (access["reason"], access["until"]) == ("complimentary", "2027-03-22T22:00:00Z")
    assert "listen" in access["features"]
    assert "with our compliments, through Monday 22 March 2027" in reader.get("/account").words
    world.advance_to(local(2027, 3, 22, 23, 59))
    assert world.access(article, reader_id)["allowed"]
    world.advance_to(local(2027, 3, 23))
    assert world.access(article, reader_id)["reason"] == "subscribe"
    assert world.charges() == []


def test_another_trial_is_allowed_once_with_the_same_address_and_card(
    world: World, in_trial: Subscriber, staff: SignIn
) -> None:
    world.api.post(f"/v1/subscriptions/{in_trial.subscription_id}/cancel", json={"when": "now"})
    assert world.try_trial(READER).json()["code"] == "trial_used"
    support, admin = staff("support"), staff("admin")
    where = f"{page_of(world)}/another-trial"
    assert "another-trial" not in support.get(page_of(world)).text
    assert support.get(where).status == 403
    assert "14 days are free again, then R75.00 incl. VAT a month" in admin.get(where).words
    admin.post(where, step="confirm", reason="was in hospital")
    assert "may have another trial already" in admin.get(where).words

    browser = signed_in(world, READER)
    browser.get("/subscribe")
    assert browser.agree_and_pay().path == "/subscribe/started"
    assert "Monday 15 March 2027" in browser.page.words
    live = world.rows("SELECT id FROM subscription WHERE state <> 'ended'")[0]["id"]
    world.api.post(f"/v1/subscriptions/{live}/cancel", json={"when": "now"})
    assert world.try_trial(READER).json()["code"] == "trial_used", "once"
    other = world.start_trial("other@example.com", "pm_card_mastercard")
    assert other["subscription"]["status"] == "trialing"
    assert world.try_trial("third@example.com", "pm_card_visa").json()["code"] == "trial_used", (
        "and for this reader alone"
    )


def test_a_note_stays_and_holds_no_card_number(world: World, in_trial: Subscriber, staff: SignIn) -> None:
    support = staff("support")
    where = page_of(world)
    assert f'href="{where}/note"' in support.get(where).text
    assert "The reader doesn't see it." in support.get(f"{where}/note").words
    support.post(f"{where}/note", reason="Rang about 4242 4242 4242 4242; prefers mail.")
    assert world.rows("SELECT * FROM reader_note") == [], "looked at, not kept"
    again = support.filled(
        f"{where}/note", reason="Rang about 4242 4242 4242 4242; prefers mail.", step="confirm"
    )
    assert Answer(support.http.send(again)).path == where
    assert Answer(support.http.send(again)).path == where, "the button pressed a second time"
    assert len(world.rows("SELECT * FROM reader_note")) == 1
    assert "Rang about [number removed]; prefers mail." in support.get(where).words
    support.get(f"{where}/note")
    assert support.post(f"{where}/note", reason="  ", step="confirm").status == 422
    support.get(f"{where}/note")
    assert support.post(f"{where}/note", reason="x" * 2001, step="confirm").status == 422
    support.get(f"{where}/note")
    assert support.post(f"{where}/note", reason="x" * 2000, step="confirm").path == where
    assert "4242 4242" not in str(world.rows("SELECT * FROM reader_note")) + str(
        world.rows("SELECT * FROM audit_line")
    )


def test_a_refusal_that_comes_with_the_button_keeps_the_reason(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    world.advance_to(local(2027, 3, 30, 23, 50))
    support, where = staff("support"), f"/staff/readers/{paid.reader_id}/withdraw"
    assert "R75.00 incl. VAT goes back" in support.get(where).words
    world.advance_to(local(2027, 3, 31, 0, 5))
    page = support.post(where, reason="She called at ten to twelve.", step="confirm")
    assert page.status == 409
    assert page.words.count("can be taken back are over") == 1
    assert "She called at ten to twelve." in page.text
