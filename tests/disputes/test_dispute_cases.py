"""The cases of disputes and fraud warnings follow what happens, and the list of cases says so."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

import billing
from billing.web.staff.case_links import ELSEWHERE, words_of
from tests.support.disputed_charge import READER, charged, dispute_page, only_dispute
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World

DISPUTED = "pm_card_createDispute"
ASKED = "pm_card_createDisputeInquiry"
WARNED = "pm_card_createIssuerFraudRecord"


def cases(world: World) -> list[dict[str, Any]]:
    return world.rows("SELECT * FROM staff_case ORDER BY id")


def open_cases(world: World) -> float:
    """What the alarm counts."""
    wanted = 'masthead_open_cases{kind="dispute"}'
    lines = world.api.get("/metrics").text.splitlines()
    return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith(wanted))


def test_an_answered_dispute_waits_for_the_bank_and_the_list_says_by_whom(
    world: World, staff: SignIn
) -> None:
    charged(world, DISPUTED)
    finance = staff("finance")
    row = only_dispute(world)
    page = finance.get("/staff/cases")
    assert "Waits for our answer" in page.words
    assert READER in page.words
    assert cases(world)[0]["act_by"] == row["answer_by"]
    assert open_cases(world) == 1

    world.advance(minutes=10)
    finance.get(dispute_page(world))
    finance.post(f"{dispute_page(world)}/answer", words="Read each day.")
    world.settle()
    (case,) = cases(world)
    assert (case["act_by"], case["waits_since"], case["closed_at"]) == (None, world.now, None)
    page = finance.get("/staff/cases")
    assert "Answered: waits for the bank" in page.words
    assert "by finance@paper.example" in page.words
    assert "no date" in page.words
    assert open_cases(world) == 0, "nobody of staff has anything to do"
    assert "by finance@paper.example" in finance.get(f"/staff/cases/{case['id']}").words

    world.sandbox.banks("win", dispute=row["gateway_ref"])
    world.settle()
    (case,) = cases(world)
    assert case["reason"] == "The bank has decided: the money is ours."
    assert "the money is ours" in finance.get("/staff/cases/closed").words


def test_a_case_names_what_is_done_where_it_leads(world: World, staff: SignIn) -> None:
    charged(world, DISPUTED)
    finance = staff("finance")
    (case,) = cases(world)
    page = finance.get(f"/staff/cases/{case['id']}")
    assert f'<a class="button" href="{dispute_page(world)}">Answer the bank</a>' in page.text
    finance.again(dispute_page(world)).post(f"{dispute_page(world)}/answer", words="Read daily.")
    page = finance.get(f"/staff/cases/{case['id']}")
    assert f'<a class="button quiet" href="{dispute_page(world)}">See the dispute</a>' in page.text
    assert "Answer the bank" not in page.words


def test_no_case_leads_to_a_page_without_words() -> None:
    sources = [path.read_text() for path in Path(billing.__path__[0]).rglob("*.py")]
    opening = [text for text in sources if "open_case(" in text or "Promise(" in text]
    addresses = {address for text in opening for address in re.findall(r'"(/staff/[^"?]+)', text)}
    assert {"/staff/owed", "/staff/approvals", "/staff/keys"} <= addresses
    assert [address for address in addresses if words_of(address) == ELSEWHERE] == []
    assert words_of("/staff/readers/rdr_1/refund?payment=pay_1") == "Give the money back"


def test_members_read_the_banks_reason_in_words(world: World, paid: Subscriber, staff: SignIn) -> None:
    (charge,) = world.charges()
    world.sandbox.banks("dispute", charge=charge["id"], reason="subscription_canceled")
    world.settle()
    finance = staff("finance")
    for page in ("/staff/cases", dispute_page(world), f"/staff/readers/{paid.reader_id}"):
        words = finance.get(page).words
        assert "the reader says that they had cancelled" in words, page
        assert "subscription canceled" not in words, page


def test_a_dispute_answered_at_the_acquirer_waits_for_the_bank_too(world: World, staff: SignIn) -> None:
    charged(world, DISPUTED)
    stripe: Any = world.sandbox.client()
    answer = {"evidence": {"uncategorized_text": "By hand."}, "submit": True}
    stripe.v1.disputes.update(only_dispute(world)["gateway_ref"], answer)
    world.settle()
    assert "Answered at the acquirer: waits for the bank" in staff("finance").get("/staff/cases").words


def test_an_inquiry_that_becomes_a_chargeback_has_its_new_deadline(world: World) -> None:
    charged(world, ASKED)
    (before,) = cases(world)
    world.advance(days=2)
    world.sandbox.banks("lose", dispute=only_dispute(world)["gateway_ref"])
    world.settle()
    (after,) = cases(world)
    assert "asks about" in before["what"]
    assert "has taken back" in after["what"]
    assert after["act_by"] == only_dispute(world)["answer_by"] > before["act_by"]


def test_a_chargeback_after_a_closed_inquiry_opens_a_case_of_its_own(world: World, staff: SignIn) -> None:
    charged(world, ASKED)
    finance = staff("finance")
    (inquiry,) = cases(world)
    finance.get(f"/staff/cases/{inquiry['id']}")
    finance.post(f"/staff/cases/{inquiry['id']}/close", reason="The reader knows the charge.")
    world.sandbox.banks("lose", dispute=only_dispute(world)["gateway_ref"])
    world.settle()
    first, second = cases(world)
    assert first["closed_at"] is not None
    assert (second["closed_at"], second["act_by"]) == (None, only_dispute(world)["answer_by"])
    assert "Waits for our answer" in finance.get("/staff/cases").words
    world.sandbox.banks("win", dispute=only_dispute(world)["gateway_ref"])
    world.settle()
    assert [case["closed_at"] is None for case in cases(world)] == [False, False]


def refund(world: World, **part: int) -> None:
    (payment,) = world.rows("SELECT id FROM payment")
    answer = world.api.post(f"/v1/payments/{payment['id']}/refunds", json={"reason": "a fraud", **part})
    answer.raise_for_status()
    world.settle()


def test_a_warning_closes_with_the_refund_of_all_of_it(world: World) -> None:
    charged(world, WARNED)
    refund(world, amount=2500)
    assert cases(world)[0]["closed_at"] is None, "the rest may still be disputed"
    refund(world)
    (case,) = cases(world)
    assert case["reason"] == "R75.00 incl. VAT went back to the card before a dispute."
    assert case["closed_by_kind"] == "api", "whoever gave it back"


def test_a_warning_closes_when_the_dispute_comes(world: World) -> None:
    charged(world, WARNED)
    world.sandbox.banks("dispute", charge=world.charges()[0]["id"])
    world.settle()
    warning, dispute = cases(world)
    assert "its dispute is a case of its own" in warning["reason"]
    assert dispute["closed_at"] is None


def insert_cases(world: World, many: int) -> None:
    """Cases of one kind: the first half has a deadline, the latest first."""
    with world.services.database.transaction() as session:
        for number in range(many):
            act_by = world.now + timedelta(days=many - number) if number < many // 2 else None
            values = {"id": f"cas_{number:04}", "at": world.now, "by": act_by}
            session.execute(
                sa.text(
                    "INSERT INTO staff_case (id, kind, subject, what, currency, facts, act_by, opened_at)"
                    " VALUES (:id, 'not_compared', :id, 'A case', 'ZAR', '{}', :by, :at)"
                ),
                values,
            )


def test_the_list_is_in_pages_by_deadline_and_misses_none(world: World, staff: SignIn) -> None:
    insert_cases(world, 120)
    finance = staff("finance")
    address, seen = "/staff/cases", list[str]()
    while True:
        page = finance.get(address)
        seen += [part.partition('"')[0] for part in page.text.split('href="/staff/cases/cas_')[1:]]
        if "More cases" not in page.words:
            break
        address = page.text.partition('href="/staff/cases?after=')[2].partition('"')[0]
        address = f"/staff/cases?after={address}"
    dated, undated = [f"{n:04}" for n in range(59, -1, -1)], [f"{n:04}" for n in range(60, 120)]
    assert seen == dated + undated
    assert finance.get("/staff/cases?after=cas_none").status == 404

    world.execute(
        "UPDATE staff_case SET closed_at = opened_at, closed_by_kind = 'staff', closed_by_id = 'x', reason = 'known'"
    )
    page = finance.get("/staff/cases/closed")
    assert "cas_0119" in page.text
    assert "cas_0069" not in page.text
    assert "cas_0069" in finance.get("/staff/cases/closed?after=cas_0070").text
