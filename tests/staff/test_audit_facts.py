"""The audit says what was before and after in words: rand, yes and no, and names that people know."""

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import billing
from billing.staff.fact_words import NAMES, VALUES, in_words
from tests.staff.test_plans_page import DEARER, QUARTERLY
from tests.support.browser import Browser
from tests.support.many import begin, payers, prepare
from tests.support.staff_members import SignIn, add, sign_in
from tests.support.starting_points import Subscriber
from tests.support.world import World

NO_CODE = re.compile(r"\b(True|False|None)\b|cents|[a-z]_[a-z]")


def facts(member: Browser, act: str) -> str:
    """What the page says of the newest line of an act, before and after."""
    page = member.get(f"/staff/audit?act={act}")
    found = page.words.partition("Before and after ")[2].replace("\u00a0", " ")
    assert found, page.words
    assert not NO_CODE.search(found), found
    return found


@pytest.fixture
def admin(staff: SignIn) -> Browser:
    return staff("admin")


def test_a_vat_return(world: World, paid: Subscriber, staff: SignIn) -> None:
    world.restart(vat_category="C")
    world.advance(days=31)
    finance = staff("finance")
    finance.get("/staff/books/vat-return?month=2027-03")
    page = finance.post("/staff/books/vat-return/close", reference="VAT201 2027/03", month="2027-03")
    assert page.status == 200, page.words
    said = facts(finance, "close_vat_period")
    assert "after: first day 1 Mar 2027 after: reference VAT201 2027/03 after: VAT payable R9.78" in said


def test_plans_and_prices(admin: Browser) -> None:
    admin.get("/staff/plans")
    admin.post("/staff/plans", **QUARTERLY)
    said = facts(admin, "plan")
    assert "after: offered to nobody" in said
    assert "after: days free first 21" in said
    assert "after: plan that follows nothing" in said
    admin.get("/staff/plans")
    admin.post("/staff/plans/monthly/price", whom="new", **DEARER)
    said = facts(admin, "price")
    assert "before: amount R75.00 incl. VAT" in said
    assert "after: amount R85.50 incl. VAT" in said
    assert "after: for whom new readers" in said


def test_an_act_on_many_that_another_member_approves(make_world: Callable[..., World]) -> None:
    world = make_world(second_person_limit=100, second_person_day_limit=100)
    readers = payers(world, 2)
    for role in ("finance", "admin"):
        add(world, role)
    finance = sign_in(world, "finance@paper.example")
    prepare(finance, "refund", readers, amount="2.50")
    begin(finance)
    admin = sign_in(world, "admin@paper.example")
    said = facts(admin, "ask_approval")
    assert "after: kind an act on many readers" in said
    assert "after: amount R5.00 incl. VAT" in said
    [approval] = world.rows("SELECT id FROM approval")
    admin.get("/staff/approvals")
    admin.post(f"/staff/approvals/{approval['id']}/approve")
    assert "after: what became of it approved, and done" in facts(admin, "approve")
    said = facts(admin, "many")
    for words in (
        "after: what Give money back",
        "after: readers 2",
        "after: amount in all R5.00 incl. VAT",
        "after: amount for each R2.50 incl. VAT",
        "after: approved yes",
        "after: readers chosen by a pasted list",
    ):
        assert words in said, words
    world.settle()
    said = facts(admin, "refund")
    assert "before: given back in all R0.00 incl. VAT" in said
    assert "after: given back in all R2.50 incl. VAT" in said


def test_a_member_and_an_act_for_a_reader(world: World, in_trial: Subscriber, admin: Browser) -> None:
    add(world, "support")
    [other] = world.rows("SELECT id FROM staff_member WHERE role = 'support'")
    admin.get("/staff/members")
    admin.post(f"/staff/members/{other['id']}/disable")
    assert facts(admin, "staff_disable").startswith(
        "before: may not sign in any more no after: may not sign in any more yes"
    )
    where = f"/staff/readers/{in_trial.reader_id}/cancel"
    admin.get(where)
    admin.post(where, when="now", step="preview")
    admin.post(where, when="now", step="confirm", reason="asked by phone")
    said = facts(admin, "cancel")
    assert "before: subscription: state in trial" in said
    assert "after: subscription: state ended" in said
    assert "before: subscription: cancellation asked for nothing" in said


def test_each_name_that_has_words_is_one_that_the_code_writes() -> None:
    written = set[str]()
    for path in Path(billing.__file__).parent.rglob("*.py"):
        if path.name in ("fact_words.py", "change_words.py"):
            continue
        for each in ast.walk(ast.parse(path.read_text())):
            if isinstance(each, ast.Name):
                written.add(each.id)
            elif isinstance(each, ast.Constant) and isinstance(each.value, str):
                written.add(each.value)
    names = {name.rpartition(": ")[2] for name in (*NAMES, *VALUES)}
    assert names - written == set()


def test_what_is_all_of_a_charge_is_no_nothing() -> None:
    assert in_words("many", {"terms": {"cents": None}}) == {
        "amount for each": "all that is left of the charge"
    }
