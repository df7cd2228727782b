"""Reading Stripe's events as signals: their references, our ids in them, and nothing more."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from billing.acquirer.signals import NotAnEvent, OtherMode, Signal
from billing.acquirer.stripe.events import SIGNALS, notification

CREATED = 1_800_000_000


def body(kind: str = "payment_intent.succeeded", livemode: bool = False, **thing: Any) -> bytes:
    """An event about an object."""
    said = {"id": "pi_1", "object": "payment_intent", **thing}
    event = {"id": "evt_1", "type": kind, "created": CREATED, "livemode": livemode, "data": {"object": said}}
    return json.dumps(event).encode()


def test_a_charge_that_went_through_names_its_attempt() -> None:
    read = notification(body(metadata={"attempt": "att_1", "invoice": "inv_1"}), live=False)
    assert (read.event_ref, read.event_type) == ("evt_1", "payment_intent.succeeded")
    assert (read.signal, read.object_ref) == (Signal.CHARGE_SUCCEEDED, "pi_1")
    assert (read.attempt_id, read.setup_id) == ("att_1", None)
    assert read.created_at == datetime.fromtimestamp(CREATED, UTC)


def test_a_page_names_its_visit() -> None:
    read = notification(
        body("checkout.session.completed", id="cs_1", metadata={"setup": "set_1"}), live=False
    )
    assert (read.signal, read.object_ref, read.setup_id) == (Signal.PAGE_CHANGED, "cs_1", "set_1")


def test_every_signal_has_an_event_and_only_a_success_is_final() -> None:
    assert set(SIGNALS.values()) == set(Signal)
    final = [kind for kind, signal in SIGNALS.items() if signal is Signal.CHARGE_SUCCEEDED]
    assert final == ["payment_intent.succeeded"]


@pytest.mark.parametrize(
    "metadata", [None, [], "att_1", {"attempt": None}, {"attempt": ["att_1"]}, {"attempt": "a" * 256}]
)
def test_what_others_wrote_is_not_trusted_in_its_shape(metadata: object) -> None:
    read = notification(body(metadata=metadata), live=False)
    assert (read.signal, read.attempt_id) == (Signal.CHARGE_SUCCEEDED, None)


def test_what_is_nothing_of_ours_signals_nothing_and_keeps_its_type() -> None:
    read = notification(body("climate.order.created", id="climorder_1"), live=False)
    assert (read.signal, read.event_type, read.object_ref) == (None, "climate.order.created", "climorder_1")


def test_an_object_without_a_name_signals_nothing() -> None:
    read = notification(body("refund.updated", id=None, object="refund"), live=False)
    assert (read.signal, read.object_ref) == (None, "")


def test_an_event_of_the_other_mode_and_what_is_no_event_are_refused() -> None:
    with pytest.raises(OtherMode):
        notification(body(livemode=True), live=False)
    with pytest.raises(OtherMode):
        notification(body(), live=True)
    with pytest.raises(NotAnEvent):
        notification(b"{}", live=False)
