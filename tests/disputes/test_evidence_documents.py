"""What a bank reads of a dispute: who wrote each message, each mail, and what was read on which day."""

from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

from billing.acquirer.evidence_port import EvidenceFile
from billing.disputes import evidence
from billing.payments.dispute_models import Dispute
from billing.platform.actors import Command
from billing.staff import evidence_documents
from emails import MAILS
from tests.support.browser import Browser
from tests.support.cli import run_on
from tests.support.disputed_charge import CHARGE_DAY, READER, dispute_page, only_dispute
from tests.support.leaps import leap_to
from tests.support.pdf import Pdf
from tests.support.signed_in import signed_in
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

DISPUTED = "pm_card_createDispute"


def ask(world: World, staff: SignIn) -> None:
    """A question of the reader with an answer."""
    reader = signed_in(world, READER)
    reader.get("/contact")
    reader.post("/contact", kind="wrong_charge", words="Which card do you have of me?")
    (request,) = world.rows("SELECT id FROM reader_request")
    page = f"/staff/requests/{request['id']}"
    staff("support").again(page).post(f"{page}/answer", words="A Visa card.")
    world.settle()


def reply(world: World, words: str, *, sender: str) -> None:
    """A mail that answers our answer."""
    message = EmailMessage()
    message["From"], message["Subject"] = sender, "Re: Our answer"
    message["To"] = world.letter(READER, "Our answer").header("reply-to")
    message.set_content(words)
    done = run_on(world, "bounces", "take", "-", stdin=message.as_bytes())
    assert done.output.strip() == "reply: taken"


def send(world: World, finance: Browser) -> dict[str, Any]:
    """Answer the bank with all documents; return the dispute as the acquirer has it."""
    path = dispute_page(world)
    finance.again(path).post(f"{path}/answer", words="They agreed to the price.", documents="yes")
    world.settle()
    (row,) = world.sandbox.disputes()
    return row


def correspondence(world: World, sent: dict[str, Any]) -> str:
    """The text of the document, which is the one that was sent, to the byte."""
    services = world.services
    with services.database.begin(services.site, world.now, Command("test")) as ctx:
        dispute = ctx.session.get_one(Dispute, only_dispute(world)["id"])
        documents = evidence_documents.collect(ctx, dispute, services.sender.house)
    files = dict(evidence_documents.print_files(documents, services.sender.house))
    printed = files[EvidenceFile.CORRESPONDENCE].content
    (uploaded,) = (
        row
        for row in world.sandbox.objects("file")
        if row["id"] == sent["evidence"]["customer_communication"]
    )
    assert uploaded["size"] == len(printed)
    return Pdf(printed).words


def test_the_correspondence_has_the_mails_and_the_request_and_says_who_wrote_each_reply(
    make_world: Callable[..., World], staff: SignIn
) -> None:
    world = make_world(reply_domain="replies.paper.example")
    world.start_trial(READER, DISPUTED)
    ask(world, staff)
    reply(world, "I know that card.", sender=READER)
    reply(world, "Send it to another card.", sender="x@elsewhere.example")
    leap_to(world, CHARGE_DAY, days=9)
    said = correspondence(world, send(world, staff("finance")))
    assert f"Mail to {READER}, 1 March 2027" in said
    assert "Your free trial has started: first charge" in said
    assert said.count("R75.00 incl. VAT on Tuesday 16 March 2027") >= 2, "both notices, with amount and day"
    assert "Tax invoice INV-000001: R75.00 incl. VAT paid" in said
    assert "Request of the reader, 1 March 2027, 10:00 Which card do you have of me?" in said
    assert "We, 1 March 2027, 10:00: A Visa card." in said
    assert "The reader, 1 March 2027, 10:00: I know that card." in said
    assert "By mail from another address, 1 March 2027, 10:00: Send it to another card." in said


def test_the_access_log_has_sign_ins_and_the_articles_that_were_counted(world: World, staff: SignIn) -> None:
    with world.browse() as browser:
        browser.sign_in(READER)
        browser.get(f"/articles/{world.articles['metered'][0]}")
        world.start_trial(READER, DISPUTED)
        leap_to(world, local(2027, 3, 4, 8), days=1)
        browser.get(f"/articles/{world.articles['subscriber'][0]}")
    leap_to(world, CHARGE_DAY, days=9)
    finance = staff("finance")
    page = finance.get(dispute_page(world)).words
    assert "Sign-ins, and articles read while they were counted, by day" in page
    log = send(world, finance)["evidence"]["access_activity_log"]
    assert log.startswith(
        "Sign-ins, in the time of Africa/Johannesburg:\n1 March 2027, 10:00: signed in from 127.0.0.1"
    )
    assert "; came 2 times, last on 4 March 2027, 08:00\n" in log
    assert "Articles read while they were counted, by day:\n1 March 2027: 1\n" in log
    assert log.endswith(
        "No article is on record for the period of this charge, 16 March 2027 to 15 April 2027. Articles are counted only"
        " while no subscription opens them. What a subscriber reads is not recorded, to protect the reader’s privacy."
    )


def test_an_article_counted_in_the_period_is_not_denied(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    with world.browse() as browser:
        browser.sign_in(READER)
        leap_to(world, local(2027, 3, 20, 10), days=1)
        leave = f"/v1/subscriptions/{paid.subscription_id}/cancel"
        world.api.post(leave, json={"when": "now", "refund": "none"}).raise_for_status()
        browser.get(f"/articles/{world.articles['metered'][0]}")
    (charge,) = world.charges()
    world.sandbox.banks("dispute", charge=charge["id"])
    world.settle()
    log = send(world, staff("finance"))["evidence"]["access_activity_log"]
    assert "Articles read while they were counted, by day:\n20 March 2027: 1\n" in log
    assert "No article is on record" not in log
    assert log.endswith("What a subscriber reads is not recorded, to protect the reader’s privacy.")


def test_each_mail_of_the_evidence_is_one_that_we_send() -> None:
    assert not set(evidence.MAIL_KINDS) - set(MAILS), "a notice of another price is a mail about a price too"
    assert "price_notice" in evidence.MAIL_KINDS
