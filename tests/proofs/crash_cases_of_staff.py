"""Crash cases of staff: a request that dies while it is answered, and what they do then."""

import httpx

from tests.proofs.crash_case import crash_case, dispute, one, silence
from tests.support.browser import Browser
from tests.support.fork_server import WireRequest, on_the_wire
from tests.support.staff_members import add, sign_in
from tests.support.world import World


def _answer_the_bank(world: World) -> Browser:
    found = world.rows("SELECT email FROM staff_member WHERE role = 'finance'")
    browser = sign_in(world, found[0]["email"] if found else add(world, "finance").email)
    row = world.rows("SELECT id, reader_id FROM dispute")[0]
    browser.get(f"/staff/readers/{row['reader_id']}/disputes/{row['id']}")
    return browser


def _form_of_the_answer(world: World) -> str:
    row = world.rows("SELECT id, reader_id FROM dispute")[0]
    return f"/staff/readers/{row['reader_id']}/disputes/{row['id']}/answer"


def answers_again(world: World) -> None:
    """Answer again a minute later, because a sign-in code works once, if the form is still there."""
    world.advance(minutes=1)
    browser = _answer_the_bank(world)
    if _form_of_the_answer(world) in browser.page.text:
        browser.post(_form_of_the_answer(world), words="They read every day.")


@crash_case("paid", answers_again)
def staff_answer_the_bank(world: World) -> WireRequest:
    dispute(world)
    world.settle()
    browser = _answer_the_bank(world)
    return on_the_wire(browser.filled(_form_of_the_answer(world), words="They read every day."))


class SendAgain:
    """Send the same form again. Where it had been done before the death, it is refused as done already."""

    def __init__(self) -> None:
        self._form: WireRequest | None = None

    def first(self, request: httpx.Request) -> WireRequest:
        """Keep the form."""
        self._form = on_the_wire(request)
        return self._form

    def __call__(self, world: World) -> None:
        assert self._form is not None
        form = self._form
        answer = httpx.request(
            form.method, form.url, headers=form.headers, content=form.body, trust_env=False, timeout=60
        )
        assert answer.status_code in (303, 409), answer.text


refund_again, undo_again = SendAgain(), SendAgain()


def _refund_form(world: World) -> tuple[Browser, str]:
    """Preview a refund by staff; the browser, and the address of its form."""
    browser = sign_in(world, add(world, "support").email)
    payment = world.rows("SELECT id, reader_id FROM payment")[0]
    form = f"/staff/readers/{payment['reader_id']}/refund"
    browser.get(f"{form}?payment={payment['id']}")
    browser.post(form, amount="25", step="preview")
    return browser, form


@crash_case("paid", refund_again)
def staff_give_money_back_after_a_minute(world: World) -> WireRequest:
    silence(world)
    browser, form = _refund_form(world)
    return refund_again.first(browser.filled(form, amount="25", step="confirm", reason="A kindness."))


@crash_case("paid", undo_again)
def staff_undo_a_refund_in_its_minute(world: World) -> WireRequest:
    silence(world)
    browser, form = _refund_form(world)
    browser.post(form, amount="25", step="confirm", reason="A kindness.")
    refund = one(world, "SELECT id FROM refund")
    return undo_again.first(browser.filled(f"{form}s/{refund}/undo"))
