"""What staff, and programs with a key, do for a reader: one small class an act. `perform` is the one way to do them."""

from billing.staff.acts.cancelling import Cancel, Resume
from billing.staff.acts.days import AnotherTrial, Complimentary, Extend
from billing.staff.acts.enter_refund import EnterRefund
from billing.staff.acts.limits import OverLimit, check_limits, left_in_words, needs_second
from billing.staff.acts.money import GiveBack
from billing.staff.acts.note import Note
from billing.staff.acts.pausing import EndPause, Pause
from billing.staff.acts.perform import (
    NeedsReason,
    StaleVersion,
    changed_since,
    checked,
    is_same_act,
    perform,
    perform_approved,
    preview_act,
)
from billing.staff.acts.shape import Act, Preview, customer_facing_reason
from billing.staff.acts.withdrawing import Withdraw
from billing.staff.second_member import NeedsSecond

__all__ = [
    "Act",
    "AnotherTrial",
    "Cancel",
    "Complimentary",
    "EndPause",
    "EnterRefund",
    "Extend",
    "GiveBack",
    "NeedsReason",
    "NeedsSecond",
    "Note",
    "OverLimit",
    "Pause",
    "Preview",
    "Resume",
    "StaleVersion",
    "Withdraw",
    "changed_since",
    "check_limits",
    "checked",
    "customer_facing_reason",
    "is_same_act",
    "left_in_words",
    "needs_second",
    "perform",
    "perform_approved",
    "preview_act",
]
