"""The bank is answered with what was agreed, charged, mailed and read: by staff in their words, or by the system in time."""

from datetime import timedelta
from typing import Any

import pytest

from billing.acquirer.evidence_port import EvidenceField, EvidenceFile
from billing.acquirer.stripe.evidence import LIMITS
from billing.brand import legal
from billing.disputes import answer
from billing.platform.actors import Command
from billing.staff import evidence_documents
from billing.staff.evidence_documents import Documents
from emails import Pdf, TextSection
from tests.support.disputed_charge import CHARGE_DAY, READER, charged, dispute_page, only_dispute
from tests.support.erasures import ask_for
from tests.support.leaps import leap_to
from tests.support.pdf import Pdf as ReadPdf
from tests.support.signed_in import signed_in
from tests.support.staff_members import SignIn
from tests.support.starting_points import go_to
from tests.support.world import World, local

DISPUTED = "pm_card_createDispute"
WORDS = "They read every day, and agreed to the price."


def at_the_bank(world: World) -> dict[str, Any]:
    """The dispute as Stripe has it."""
    (row,) = world.sandbox.disputes()
    return row


def submissions(world: World) -> int:
    return int(at_the_bank(world)["evidence_details"]["submission_count"])


def files(world: World) -> dict[str, dict[str, Any]]:
    """The uploaded files by the field that names them."""
    uploaded = {row["id"]: row for row in world.sandbox.objects("file")}
    evidence = at_the_bank(world)["evidence"].items()
    return {name: uploaded[value] for name, value in evidence if isinstance(value, str) and value in uploaded}


def just_before_the_system_answers(world: World) -> None:
    """Go to a minute before; nothing is due on the days until then."""
    leap_to(world, only_dispute(world)["answer_by"] - timedelta(days=2, minutes=1))


def publish(world: World, words: str) -> None:
    """Put other terms and another refund policy in force."""
    services = world.services
    with services.database.begin(services.site, world.now, Command("test")) as ctx:
        for kind in (legal.DocumentKind.TERMS, legal.DocumentKind.REFUNDS):
            legal.publish(ctx, kind, words=f"{words} of the {kind}")


def test_the_answer_is_in_words_with_the_terms_as_accepted_and_the_documents(
    world: World, staff: SignIn
) -> None:
    publish(world, "The first words")
    world.start_trial(READER, DISPUTED)
    world.advance(minutes=1)
    publish(world, "Other words")
    leap_to(world, CHARGE_DAY, days=9)
    reader = signed_in(world, READER)
    reader.get("/contact")
    reader.post("/contact", kind="wrong_charge", words="Which card do you have of me?")
    finance = staff("finance")
    page = finance.get(dispute_page(world))
    assert "16 March 2027 to 15 April 2027" in page.text, "the invoice's own period, through its last day"
    assert "R75.00 incl. VAT was charged on 16 March 2027, 09:00" in page.words
    assert (
        "The amount, its day and a link that cancels were mailed before the charge: 8 March 2027"
        in page.words
    )
    assert "Nobody had asked to cancel before the charge" in page.words
    finance.post(f"{dispute_page(world)}/answer", words=WORDS, documents="yes")
    world.settle()

    row = at_the_bank(world)
    assert (row["status"], submissions(world)) == ("under_review", 1)
    evidence = row["evidence"]
    assert evidence["uncategorized_text"] == WORDS
    assert evidence["customer_email_address"] == READER
    assert evidence["service_date"] == "16 March 2027 to 15 April 2027"
    assert "The first words of the terms" in evidence["cancellation_policy_disclosure"], "as accepted then"
    assert "The first words of the refunds" in evidence["refund_policy_disclosure"]
    assert "Other words" not in str(evidence)
    (consent,) = world.rows("SELECT t.words FROM consent_text t JOIN consent c USING (text_hash)")
    assert consent["words"][:60] in evidence["cancellation_policy_disclosure"], "the very words agreed to"
    assert {name: one["purpose"] for name, one in files(world).items()} == dict.fromkeys(
        ("receipt", "customer_communication", "cancellation_policy", "refund_policy"), "dispute_evidence"
    )
    assert sum(one["size"] for one in files(world).values()) < 1_000_000
    stored = only_dispute(world)
    assert (stored["sent_by_kind"], stored["answer"]["words"], stored["answer_at"]) == ("staff", WORDS, None)


def test_what_was_worded_is_kept_and_bad_input_loses_nothing(world: World, staff: SignIn) -> None:
    charged(world, DISPUTED)
    finance, path = staff("finance"), dispute_page(world)
    finance.get(path)
    page = finance.post(f"{path}/answer", words="  ", product="A monthly subscription, as worded by us")
    assert (page.status, "Say in a few sentences" in page.words) == (422, True)
    assert "as worded by us" in page.text
    assert submissions(world) == 0
    finance.get(path)
    page = finance.post(f"{path}/answer", words=WORDS, product="Kept for later", step="keep")
    assert WORDS in page.text
    assert "Kept for later" in page.text
    assert world.rows("SELECT act FROM audit_line WHERE act LIKE '%dispute%'") == [
        {"act": "draft_dispute_answer"}
    ]
    support = staff("support").get(path)
    assert "Send it to the bank" not in support.words, "support reads it only"
    assert "Our draft, not sent" in support.words


def test_an_emptied_text_is_left_out_and_words_are_never_missing(world: World, staff: SignIn) -> None:
    charged(world, DISPUTED)
    finance, path = staff("finance"), dispute_page(world)
    finance.get(path)
    finance.post(f"{path}/answer", words="", not_cancelled="", step="keep")
    just_before_the_system_answers(world)
    world.advance(minutes=2)
    evidence = at_the_bank(world)["evidence"]
    assert (evidence["cancellation_rebuttal"], submissions(world)) == (None, 1)
    assert "R75.00 incl. VAT was charged on 16 March 2027" in evidence["uncategorized_text"], "the draft's"


def test_documents_that_are_too_large_together_are_left_out(world: World) -> None:
    charged(world, DISPUTED)
    services, row = world.services, only_dispute(world)
    small, large = Pdf("small", b"%PDF-1"), Pdf("large", b"%PDF-" + bytes(LIMITS.file_bytes))
    given = (EvidenceFile.RECEIPT, small), (EvidenceFile.CORRESPONDENCE, large), (EvidenceFile.TERMS, small)
    with services.database.begin(services.site, world.now, Command("test")) as ctx:
        texts = {EvidenceField.WORDS: WORDS}
        intended = answer.intend(ctx, row["reader_id"], row["id"], texts, given, LIMITS)
    assert [name for name, _ in intended.files] == [EvidenceFile.RECEIPT, EvidenceFile.TERMS]


def test_the_longest_documents_have_fewer_pages_than_the_strictest_network_takes(world: World) -> None:
    lines = "\n".join(["A line of the terms that is about as long as a line of the page, and a bit."] * 2000)
    sections = tuple(
        TextSection(f"Mail {number}", "x\n" * 400) for number in range(evidence_documents.MOST_MAILS)
    )
    made = Documents({"terms": lines, "refunds": "y\n" * 5000}, (), sections)
    files = evidence_documents.print_files(made, world.services.sender.house)
    assert [name for name, _ in files] == [
        EvidenceFile.CORRESPONDENCE, EvidenceFile.TERMS, EvidenceFile.REFUND_POLICY
    ]  # fmt: skip
    pages = sum(len(ReadPdf(pdf.content).pages) for _, pdf in files)
    assert pages < LIMITS.pages, "the tax invoice needs one more"


def test_the_system_answers_when_nobody_did_and_says_so(world: World, staff: SignIn) -> None:
    charged(world, DISPUTED)
    finance, path = staff("finance"), dispute_page(world)
    page = finance.get(path)
    assert "If nobody answers, the system sends this on Tuesday 23 March 2027 at 09:" in page.words
    finance.post(f"{path}/answer", words=WORDS, step="keep")
    just_before_the_system_answers(world)
    assert submissions(world) == 0
    world.advance(minutes=2)
    assert (at_the_bank(world)["status"], submissions(world)) == ("under_review", 1)
    assert at_the_bank(world)["evidence"]["uncategorized_text"] == WORDS, "as staff left it"
    assert set(files(world)) == {"receipt", "customer_communication"}, "no terms were published"
    stored = only_dispute(world)
    assert (stored["state"], stored["sent_by_kind"], stored["answer_at"]) == ("answered", "worker", None)
    (line,) = world.rows("SELECT actor_kind, actor_id, subject FROM audit_line WHERE act = 'answer_dispute'")
    assert (line["actor_kind"], line["actor_id"]) == ("worker", "answer disputes")
    page = staff("finance").get("/staff/cases")
    assert "by the system" in page.words
    assert "Our answer" in staff("support").get(path).words
    world.advance(days=4)
    assert submissions(world) == 1


def test_a_setting_lets_the_deadline_pass(make_world: Any) -> None:
    world = make_world(dispute_answer_days=0)
    go_to(world, "paid")
    world.sandbox.banks("dispute", charge=world.charges()[0]["id"])
    world.settle()
    assert only_dispute(world)["answer_at"] is None
    just_before_the_system_answers(world)
    world.advance(days=3)
    assert (at_the_bank(world)["status"], submissions(world)) == ("lost", 0)


def test_no_answer_goes_to_a_question_that_a_refund_answers(world: World) -> None:
    charged(world, "pm_card_createDisputeInquiry")
    (payment,) = world.rows("SELECT id FROM payment")
    world.api.post(f"/v1/payments/{payment['id']}/refunds", json={"reason": "kind"}).raise_for_status()
    just_before_the_system_answers(world)
    world.advance(days=1)
    assert submissions(world) == 0
    assert only_dispute(world)["answer_at"] is None


def test_a_chargeback_after_an_answered_inquiry_is_answered_anew(world: World, staff: SignIn) -> None:
    charged(world, "pm_card_createDisputeInquiry")
    finance, path = staff("finance"), dispute_page(world)
    finance.get(path)
    finance.post(f"{path}/answer", words=WORDS)
    world.settle()
    world.sandbox.banks("lose", dispute=only_dispute(world)["gateway_ref"])
    world.settle()
    stored = only_dispute(world)
    assert (stored["state"], stored["sent_at"]) == ("needs_answer", None)
    just_before_the_system_answers(world)
    world.advance(minutes=2)
    assert (at_the_bank(world)["status"], submissions(world)) == ("under_review", 2)


@pytest.mark.parametrize("effect", ["500_before", "timeout_after", "cut"])
def test_an_answer_that_fails_is_sent_again_once(world: World, effect: str) -> None:
    charged(world, DISPUTED)
    ref = only_dispute(world)["gateway_ref"]
    just_before_the_system_answers(world)
    world.sandbox.trouble({"type": "charge.dispute.*", "effect": "drop"})
    world.sandbox.faults(
        {"method": "POST", "path": f"/v1/disputes/{ref}", "effect": effect, "seconds": 1, "times": 2}
    )
    world.advance(minutes=2)
    world.sandbox.faults()
    world.advance(hours=2)
    assert (only_dispute(world)["state"], submissions(world)) == ("answered", 1)


def test_documents_that_cannot_be_uploaded_are_left_out_at_last(world: World) -> None:
    charged(world, DISPUTED)
    deadline = only_dispute(world)["answer_by"]
    world.sandbox.faults({"method": "POST", "path": "/v1/files", "effect": "500_before", "times": 1000})
    just_before_the_system_answers(world)
    world.advance(minutes=10)
    assert submissions(world) == 0
    world.skip_to(deadline - timedelta(hours=26))
    world.settle()
    assert submissions(world) == 0
    world.advance_to(deadline - timedelta(hours=20))
    assert (at_the_bank(world)["status"], files(world)) == ("under_review", {})


def test_the_page_opens_when_its_reader_is_erased(world: World, staff: SignIn) -> None:
    charged(world, DISPUTED)
    row = only_dispute(world)
    world.sandbox.banks("lose", dispute=row["gateway_ref"])
    world.settle()
    ask_for(world, row["reader_id"])
    leap_to(world, world.now + timedelta(days=40))
    assert only_dispute(world)["evidence"] == {}
    finance, path = staff("finance"), dispute_page(world)
    page = finance.get(path)
    assert (page.status, row["gateway_ref"] in page.words) == (200, True)
    assert "incl. VAT was charged on" not in page.words
    assert finance.http.get(f"{path}/evidence.pdf").status_code == 200


def test_one_pdf_has_all_of_it(world: World, staff: SignIn) -> None:
    charged(world, DISPUTED)
    finance = staff("finance")
    file = finance.http.get(f"{dispute_page(world)}/evidence.pdf")
    assert file.headers["content-type"] == "application/pdf"
    whole = ReadPdf(file.content)
    assert "Why the charge was right" in whole.words
    assert "Mail to thandi@example.com" in whole.words
    (invoice,) = world.rows("SELECT id FROM invoice")
    row = only_dispute(world)
    receipt = finance.http.get(f"/staff/readers/{row['reader_id']}/invoices/{invoice['id']}.pdf")
    (tax_invoice,) = ReadPdf(receipt.content).pages
    assert "Tax invoice" in tax_invoice
    assert whole.pages[-1] == tax_invoice, "the document that the acquirer gets as the receipt"
    assert world.rows("SELECT act FROM audit_line WHERE act = 'export_evidence'") != []
    assert local(2027, 3, 16, 9, 1) == world.now
