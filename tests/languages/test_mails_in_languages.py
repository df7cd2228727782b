"""Mails are in their reader's language: from the trial to the receipt with its PDF, and to the end."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.cancel_helpers import cancel
from tests.support.pdf import Pdf
from tests.support.signed_in import signed_in
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

HALF_ZULU = (
    'msgid ""\nmsgstr ""\n"Language: zu_ZA\\n"\n"X-Language-Name: isiZulu\\n"\n"Content-Type: text/plain; charset=UTF-8\\n"\n\n'
    'msgid "Hello,"\nmsgstr "Sawubona,"\n'
)


def speak(world: World, email: str, language: str) -> None:
    """The reader has chosen this language."""
    world.execute("UPDATE reader SET language = :code WHERE email = :email", code=language, email=email)


def languages_of(world: World, email: str) -> list[str]:
    """What the html of each mail to an address says about its language, oldest first."""
    return [re.findall(r'<html lang="([^"]+)"', letter.html)[0] for letter in world.letters(email)]


@dataclass(frozen=True)
class Expected:
    """Words of the mails of a trial that is charged, and then cancelled."""

    tag: str
    notices: tuple[str, str]
    heading: str
    description: str
    cancelled: str


EXPECTED = {
    "af": Expected(
        tag="af-ZA",
        notices=(
            "Jou gratis proeftydperk eindig: R75,00 insl. BTW op Dinsdag 16 Maart 2027",
            "Laaste herinnering: R75,00 insl. BTW op Dinsdag 16 Maart 2027",
        ),
        heading="Belastingfaktuur (tax invoice)",
        description="Beskrywing: Full access, een maand",
        cancelled="is gekanselleer",
    ),
    "zu": Expected(
        tag="zu-ZA",
        notices=(
            "Isikhathi sakho sokuzama samahhala siyaphela: R75.00 kufaka i-VAT ngo-ULwesibili 16 Mashi 2027",
            "Isikhumbuzo sokugcina: R75.00 kufaka i-VAT ngo-ULwesibili 16 Mashi 2027",
        ),
        heading="I-invoyisi yentela (tax invoice)",
        description="Incazelo: Full access, inkokhelo eyodwa ngenyanga",
        cancelled="kukhanseliwe",
    ),
}


@pytest.mark.parametrize("code", EXPECTED)
def test_a_reader_gets_notices_the_receipt_and_the_cancellation_in_their_language(
    world: World, in_trial: Subscriber, code: str
) -> None:
    expected, before = EXPECTED[code], len(world.letters(in_trial.email))
    speak(world, in_trial.email, code)
    world.advance_to(local(2027, 3, 16, 12))
    assert tuple(world.subjects(in_trial.email)[before : before + 2]) == expected.notices
    receipt = world.letters(in_trial.email)[-1]
    assert expected.heading.upper() in receipt.text
    assert expected.description in " ".join(receipt.text.split())
    [enclosed] = receipt.enclosures
    printed = Pdf(enclosed.content)
    assert printed.language == expected.tag
    assert expected.heading in printed.words
    assert expected.description.replace(":", "") in printed.words
    cancel(world, in_trial.subscription_id)
    world.settle()
    assert expected.cancelled in world.letters(in_trial.email)[-1].subject
    assert languages_of(world, in_trial.email)[before:] == [expected.tag] * 4


def test_a_mail_that_a_catalogue_only_half_covers_is_in_english_as_a_whole(
    world: World, in_trial: Subscriber, tmp_path: Path
) -> None:
    (tmp_path / "zu.po").write_text(HALF_ZULU, "utf-8")
    speak(world, in_trial.email, "zu")
    world.restart(languages_folder=str(tmp_path))
    world.advance_to(local(2027, 3, 16, 12))
    receipt = world.letters(in_trial.email)[-1]
    assert set(languages_of(world, in_trial.email)) == {"en-ZA"}
    assert not [letter.subject for letter in world.letters(in_trial.email) if "Sawubona" in letter.text]
    assert Pdf(receipt.enclosures[0].content).language == "en-ZA"


def test_one_billing_run_writes_to_each_reader_in_their_own_language(world: World) -> None:
    readers = {"en": "en-ZA", "af": "af-ZA", "zu": "zu-ZA"}
    for code in readers:
        world.start_trial(f"{code}@example.com", f"pm_card_visa__{code}")
        speak(world, f"{code}@example.com", code)
    world.advance_to(local(2027, 3, 16, 12))
    for code, tag in readers.items():
        receipt = world.letters(f"{code}@example.com")[-1]
        assert "tax invoice" in receipt.text.lower(), "the law wants these words in each language"
        assert languages_of(world, f"{code}@example.com")[-1] == tag
        assert Pdf(receipt.enclosures[0].content).language == tag


def test_the_next_receipt_and_the_copy_are_in_the_language_that_was_chosen_meanwhile(
    world: World, paid: Subscriber
) -> None:
    speak(world, paid.email, "af")
    world.advance_to(local(2027, 4, 16, 12))
    first, second = [letter for letter in world.letters(paid.email) if "INV-" in letter.subject]
    assert first.subject.startswith("Tax invoice")
    assert second.subject.startswith("Belastingfaktuur")
    [invoice, _] = world.rows("SELECT id FROM invoice ORDER BY number")
    file = signed_in(world, paid.email).get(f"/account/receipts/{invoice['id']}.pdf").response
    assert "Belastingfaktuur (tax invoice, kopie)" in Pdf(file.content).words


def test_staff_see_a_mail_as_it_was_sent(world: World, paid: Subscriber, staff: SignIn) -> None:
    speak(world, paid.email, "af")
    world.advance_to(local(2027, 4, 16, 12))
    speak(world, paid.email, "zu")
    browser = staff("support")
    [first, second] = world.rows("SELECT id FROM message WHERE kind = 'receipt' ORDER BY created_at")
    folder = f"/staff/readers/{paid.reader_id}/mails"
    assert "TAX INVOICE Thank you" in browser.get(f"{folder}/{first['id']}").words
    assert "BELASTINGFAKTUUR (TAX INVOICE) Dankie" in browser.get(f"{folder}/{second['id']}").words


def test_what_goes_back_is_said_in_the_readers_language_and_kept_in_english(
    world: World, paid: Subscriber
) -> None:
    speak(world, paid.email, "af")
    cancel(world, paid.subscription_id, when="now", refund="last")
    world.settle()
    [refund] = world.rows("SELECT reason FROM refund")
    assert refund["reason"] == "You cancelled, and this charge is returned in full."
    letter = world.letters(paid.email)[-1]
    assert "Jy het gekanselleer, en hierdie betaling word ten volle" in " ".join(letter.text.split())
    assert "KREDIETNOTA (CREDIT NOTE)" in letter.text
