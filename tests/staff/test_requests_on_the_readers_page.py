"""A reader's page shows how each waiting request stands now, and leads to it."""

from tests.staff.test_request_threads import READER, answer, asked, reader_of
from tests.staff.test_request_work import NANDI, SIPHO, press
from tests.support.staff_members import SignIn
from tests.support.world import World


def test_it_shows_the_latest_words_and_leads_to_the_request(world: World, staff: SignIn) -> None:
    reader, thread = asked(world, "Did I pay twice?")
    request, page, sipho = (
        thread.replace("/account", "/staff"),
        f"/staff/readers/{reader_of(world)}",
        staff("support"),
    )
    first = sipho.get(page)
    assert "Did I pay twice?" in first.words
    assert "Nobody has taken it. Open the request" in first.words
    assert f'href="{request}"' in first.text
    assert f"Your answer goes by mail to {READER}" in first.words
    assert sipho.post(f"{request}/answer", words="No, once.").path == page, "answered from there"
    assert "Open the request" not in sipho.get(page).words

    world.advance(minutes=5)
    reader.get(thread)
    reader.post(thread, words="It is still there.")
    again = sipho.get(page)
    assert "The reader replied, Mon 1 Mar 2027, 10:05" in again.words
    assert "It is still there." in again.words
    assert "Open the request" in again.words
    assert f'action="{request}/answer"' not in again.text, "what was said before stands on its own page"


def test_one_that_a_colleague_has_is_not_answered_in_passing(world: World, staff: SignIn) -> None:
    _, thread = asked(world)
    request, page = thread.replace("/account", "/staff"), f"/staff/readers/{reader_of(world)}"
    nandi, sipho = staff("support", NANDI), staff("finance", SIPHO)
    press(nandi, request, "claim", holder="")
    hers, his = nandi.get(page), sipho.get(page)
    assert "You have it, since Mon 1 Mar 2027, 10:00." in hers.words
    assert f"{NANDI} has it, since Mon 1 Mar 2027, 10:00. Open the request" in his.words
    assert [f'action="{request}/answer"' in shown.text for shown in (hers, his)] == [True, False]
    press(sipho, request, "note", words="Her bank calls back.")
    noted = nandi.get(page)
    assert f'action="{request}/answer"' not in noted.text, "she reads the note first"
    assert answer(nandi, thread, "It is a reservation.") == 200
