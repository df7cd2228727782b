"""A reader's whole history in one list."""

from zoneinfo import ZoneInfo

from billing.dev import seed
from billing.mail.models import MessageState
from billing.rules.lifecycle import State
from billing.staff import change_words
from billing.staff.mail_titles import TITLES, title_of
from billing.staff.mails import SENT_WORDS
from billing.subscriptions.models import Subscription, TermsChangeReason
from billing.web.kit.rendering import PageRenderer
from billing.webhooks.inbox import became
from billing.webhooks.models import InboundEvent
from emails import MAILS
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

READER = "thandi@example.com"


def choose_newsletters(world: World) -> None:
    """One, and then another instead."""
    with world.services.database.transaction() as session:
        seed.newsletters(session, world.now)
    reader = world.browser()
    reader.sign_in(READER)
    for chosen in ("first-light", "the-long-read"):
        reader.get("/newsletters")
        reader.post("/newsletters", newsletter=[chosen])


def test_a_reader_s_life_with_its_evidence(world: World, staff: SignIn) -> None:
    browser = world.browser()
    browser.start(READER, "4000000000000341")
    world.advance_to(local(2027, 3, 16, 12))
    choose_newsletters(world)
    support = staff("support")
    where = f"/staff/readers/{world.rows('SELECT id FROM reader')[0]['id']}"
    support.get(f"{where}/note")
    support.post(f"{where}/note", reason="Prefers to be written to.", step="confirm")
    page = support.get(where)
    answer = world.rows("SELECT last_answer FROM message WHERE state = 'accepted'")[0]["last_answer"]
    assert answer
    expected = {
        "subscription": ["Started", "Payment failed: in trial → payment owed"],
        "charges": [
            "Declined: R75.00 incl. VAT",
            "payment intent pi_",
            "decline code",
            "the bank's answer means the card may pay later",
            "Visa ending in 0341",
        ],
        "mails": [
            "Mail “Payment failed”: accepted by the mail server",
            "Mail “Trial started”",
            f"answer {answer}",
        ],
        "consents": [
            "Agreed to the trial terms: R75.00 incl. VAT from 2027-03-16",
            "trial-2026-11",
            "Agreed to receive First Light",
            "Left First Light",
            "Agreed to receive The Long Read",
        ],
        "staff": [],
        "notes": ["staff:support@paper.example Prefers to be written to."],
        "requests": [],
        "sign-ins": ["Signed in", "the address isn't proved by a mailed link", "from 127.0.0.1"],
        "refunds": [],
    }
    for kind, said in expected.items():
        only = support.get(f"{where}?only={kind}").words
        for words in said:
            assert words.lower() in page.words.lower(), words
            assert words.lower() in only.lower(), (kind, words)
        if not said:
            assert "Nothing of this kind" in only, kind
    assert "Your last payment did not go through" in page.words
    assert "Everything is open, in the grace after a payment that failed" in page.words
    assert "R75.00 incl. VAT on " in page.words
    assert support.get(f"{where}?only=nonsense").status == 422
    assert support.get("/staff/readers/rdr_none").status == 404


def test_newest_first_and_a_mail_that_was_refused_says_so(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    world.smtp.refuse(550, "5.1.1 nobody here", to=READER)
    world.api.post(f"/v1/subscriptions/{paid.subscription_id}/cancel")
    world.advance(days=1)
    support = staff("finance")
    page = support.get(f"/staff/readers/{paid.reader_id}").words
    assert "Mail “Subscription cancelled”: refused by the mail server" in page
    assert "550 5.1.1 nobody here" in page
    assert page.index("Charged: R75.00") < page.index("Agreed to the trial terms")
    assert (
        page.index("Mail “Receipt with tax invoice”")
        < page.index("Mail “Notice of the first charge”")
        < page.index("Mail “Trial started”")
    )


def test_every_state_and_fact_of_a_subscription_has_words() -> None:
    assert set(change_words.STATES) == set(State)
    never = {"id", "reader_id", "started_at", "anchor_id"}
    facts = {name: [None, None] for name in set(Subscription.model_fields) - never}
    assert not [words for words, _ in change_words.changed(facts) if words in facts and words != "state"]


def test_plans_prices_and_reasons_of_a_change_have_names() -> None:
    names = {"plan": {"monthly": "By the month", "yearly": "By the year"}, "price": {"yearly-750": "R750.00"}}
    facts = {
        "plan_id": ["monthly", "yearly"],
        "next_price_id": [None, "yearly-750"],
        "next_terms_because": [None, "switch"],
        "price_id": ["gone", "yearly-750"],
    }
    assert dict(change_words.changed(facts, names)) == {
        "plan": "By the month → By the year",
        "price to come": "none → R750.00",
        "why other terms come": "none → the reader chose another plan",
        "price": "gone → R750.00",
    }
    for reason in TermsChangeReason:
        ((_, words),) = change_words.changed({"next_terms_because": [None, reason.value]})
        assert words != f"none → {reason.value}"


def test_every_state_of_a_mail_has_words() -> None:
    assert set(SENT_WORDS) == set(MessageState)


def test_every_mail_has_a_title_of_its_own() -> None:
    assert set(TITLES) == set(MAILS)
    assert len(set(TITLES.values())) == len(TITLES)
    assert title_of("of_an_older_release") == "of an older release"


def test_an_event_that_was_settled_before_says_so() -> None:
    event = InboundEvent.model_construct(set_aside_at=None, settled_at=True, outcome="settled")
    assert became(event) == "settled: it had been settled before"
    assert became(event.model_copy(update={"outcome": "needs_answer"})) == "settled: needs answer"


def test_a_change_of_plan_has_the_names_of_both_on_the_readers_page(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    with world.browse() as browser:
        browser.sign_in(paid.email)
        browser.get("/account/plan?to=yearly")
        assert browser.post("/account/plan", consent="yes").status < 400
    page = staff("support").get(f"/staff/readers/{paid.reader_id}?only=subscription").words
    assert "R750.00 incl. VAT a year" in page
    assert "the reader chose another plan" in page
    assert "yearly-750" not in page


def test_days_and_moments_of_records_are_written_as_people_read_them() -> None:
    page = PageRenderer(ZoneInfo("Africa/Johannesburg"))
    assert page.dated("2027-03-16 → 2027-03-23") == "16 Mar 2027 → 23 Mar 2027"
    assert page.dated("until 2027-03-16T07:00:00+00:00") == "until Tue 16 Mar 2027, 09:00"
    assert page.dated("VAT-2027-13-45, ch_2027") == "VAT-2027-13-45, ch_2027"
    assert page.dated("2027-02-30 at 2027-03-16T29:00Z") == "2027-02-30 at 2027-03-16T29:00Z", (
        "nor a broken page"
    )
