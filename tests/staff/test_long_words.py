"""A text box filled to its limit with line breaks: browsers count each as one character and send two, and nothing is lost."""

from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

READER = "thandi@example.com"


def full(letters: int) -> str:
    """As many letters as the box takes, in short lines, as a browser sends them."""
    typed = ("seven words stand in each such line\n" * (letters // 30))[: letters - 1] + "."
    assert typed.count("\n") > 20
    return typed.replace("\n", "\r\n")


def kept(words: str) -> str:
    """The stored text: each break as one letter."""
    return words.replace("\r\n", "\n")


def test_what_a_reader_types_to_the_brim_is_kept_whole(world: World, in_trial: Subscriber) -> None:
    visitor = world.browser()
    visitor.get("/contact")
    page = visitor.post("/contact", kind="other", email=READER, words=full(2000))
    assert "Received" in page.words
    assert world.rows("SELECT words FROM reader_request") == [{"words": kept(full(2000))}]
    visitor.sign_in(READER)
    visitor.get("/account/cancel")
    visitor.post("/account/cancel", when="period_end", reason="price", comment=full(1000))
    (change,) = world.rows("SELECT reason FROM subscription_change WHERE event = 'cancel_asked'")
    assert change["reason"] == f"price: {kept(full(1000))}"


def test_what_staff_type_to_the_brim_is_kept_whole(world: World, staff: SignIn) -> None:
    world.start_trial(READER, "pm_card_createDispute")
    visitor = world.browser()
    visitor.get("/contact")
    visitor.post("/contact", kind="other", email=READER, words="Where is my paper?")
    world.advance_to(local(2027, 3, 16, 9, 1))

    support = staff("support")
    (request,) = world.rows("SELECT id, reader_id FROM reader_request")
    support.get(f"/staff/requests/{request['id']}")
    page = support.post(f"/staff/requests/{request['id']}/answer", words=full(2000))
    assert page.status == 200, page.words
    assert world.rows("SELECT words AS answer FROM request_message") == [{"answer": kept(full(2000))}]

    where = f"/staff/readers/{request['reader_id']}"
    support.get(f"{where}/complimentary")
    support.post(f"{where}/complimentary", reason=full(1000), days="3", step="preview")
    page = support.post(f"{where}/complimentary", reason=full(1000), days="3", step="confirm")
    assert page.path == where, page.words
    assert world.rows("SELECT reason FROM audit_line WHERE act = 'complimentary'") == [
        {"reason": kept(full(1000))}
    ]

    finance = staff("finance")
    (dispute,) = world.rows("SELECT id FROM dispute")
    finance.get(f"{where}/disputes/{dispute['id']}")
    page = finance.post(f"{where}/disputes/{dispute['id']}/answer", words=full(5000))
    assert page.status == 200, page.words
    case = world.rows("SELECT id FROM staff_case ORDER BY id")[0]
    finance.get(f"/staff/cases/{case['id']}")
    page = finance.post(f"/staff/cases/{case['id']}/close", reason=full(1000))
    assert page.status == 200, page.words
    assert world.rows("SELECT reason FROM staff_case WHERE id = :id", id=case["id"]) == [
        {"reason": kept(full(1000))}
    ]
