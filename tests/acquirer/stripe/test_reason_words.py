"""Each reason for a dispute and for a failed refund that Stripe names has words for staff."""

import inspect
import re

import stripe

from billing.acquirer.reason_words import DISPUTE_REASONS, REFUND_FAILURES, dispute_reason, refund_failure


def named(of: type, field: str) -> set[str]:
    """The codes in what Stripe's library says about a field."""
    said = re.search(
        rf'^    {field}: [^\n]*\n    """(.*?)"""', inspect.getsource(of), re.DOTALL | re.MULTILINE
    )
    assert said is not None
    return set(re.findall(r"`([a-z_]+)`", said[1]))


def test_no_reason_for_a_dispute_is_without_words() -> None:
    assert "subscription_canceled" in named(stripe.Dispute, "reason")
    assert set(DISPUTE_REASONS) == named(stripe.Dispute, "reason")


def test_no_reason_for_a_failed_refund_is_without_words() -> None:
    pending = {"charge_pending", "processing"}
    assert "lost_or_stolen_card" in named(stripe.Refund, "failure_reason")
    assert set(REFUND_FAILURES) == named(stripe.Refund, "failure_reason") | pending


def test_what_is_not_known_is_shown_as_it_came() -> None:
    assert dispute_reason("something_new") == "something new"
    assert refund_failure("The charge has already been refunded.") == "The charge has already been refunded"
    assert refund_failure(None) == ""
