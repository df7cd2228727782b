"""What a reader may know of a decline, and can do about it (RET-5)."""

import re

import pytest

from billing.acquirer.stripe.declines import decline
from billing.rules.decline_causes import DeclineCause
from tests.support.signed_in import signed_in
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

BLAME = re.compile(r"lost|stolen|fraud|pick|suspicious|misuse", re.IGNORECASE)
NOT_ONLINE = {"decline_code": "transaction_not_allowed", "network_decline_code": "57"}
CAUSES: list[tuple[dict[str, str], str]] = [
    ({"decline_code": "insufficient_funds"}, "funds"),
    ({"decline_code": "generic_decline", "network_decline_code": "51"}, "funds"),
    ({"decline_code": "expired_card"}, "expired"),
    ({"code": "expired_card"}, "expired"),
    ({"decline_code": "transaction_not_allowed"}, "online"),
    ({"decline_code": "do_not_honor", "network_decline_code": "57"}, "online"),
    ({"decline_code": "do_not_honor", "network_decline_code": "05"}, "bank"),
    ({"decline_code": "something_new"}, "bank"),
    ({}, "bank"),
]


@pytest.mark.parametrize(("error", "cause"), CAUSES)
def test_a_code_has_a_cause(error: dict[str, str], cause: str) -> None:
    assert decline(error).cause == cause


@pytest.mark.parametrize(
    "hidden",
    ["lost_card", "stolen_card", "pickup_card", "fraudulent", "restricted_card", "merchant_blacklist"],
)
@pytest.mark.parametrize("network", [None, "51", "54", "57", "41", "43"])
def test_a_card_that_was_reported_looks_like_any_other_refusal(hidden: str, network: str | None) -> None:
    said = decline({"decline_code": hidden, "network_decline_code": network, "code": "card_declined"})
    assert said.cause is DeclineCause.BANK
    assert (
        decline({"decline_code": "insufficient_funds", "network_decline_code": "43"}).cause
        is DeclineCause.BANK
    )


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("insufficient_funds", "see that there is enough money in the account of this card"),
        ("expired_card", "Your bank says that this card has expired or was replaced"),
        (NOT_ONLINE, "Your bank does not let this card pay online"),
        ("lost_card", "It can tell you why, if you ask|Your bank can tell you why, if you ask"),
    ],
)
def test_pages_and_the_mail_say_what_to_do(
    world: World, in_trial: Subscriber, code: str | dict[str, str], words: str
) -> None:
    world.sandbox.decline(world.rows("SELECT gateway_ref FROM payment_method")[0]["gateway_ref"], code)
    world.advance_to(local(2027, 3, 16, 12))
    browser = signed_in(world, in_trial.email).again("/account")
    mail = " ".join(world.letters(in_trial.email)[-1].text.split())
    for said in (browser.page.words, browser.post("/account/pay").words, mail):
        assert re.search(words, said), said
        assert not BLAME.search(said)
