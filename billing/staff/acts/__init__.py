"""What staff, and programs with a key, do for a reader: one small class an act. `perform` is the one way to do them."""

from billing.staff.acts.cancelling import Cancel, Resume
from billing.staff.acts.days import AnotherTrial, Complimentary, Extend
from billing.staff.acts.enter_refund import EnterRefund
from billing.staff.acts.limits import OverLimit, left_in_words, mind_limits, needs_second
from billing.staff.acts.money import GiveBack
from billing.staff.acts.note import Note
from billing.staff.acts.pausing import EndPause, Pause
from billing.staff.acts.perform import (
    Changed,
    NeedsReason,
    changed_since,
    checked,
    foresee,
    perform,
    perform_approved,
    same_wish,
)
from billing.staff.acts.shape import Act, Desk, Preview, as_told
from billing.staff.acts.withdrawing import Withdraw
from billing.staff.second_member import NeedsSecond

__all__ = [
    "Act",
    "AnotherTrial",
    "Cancel",
    "Changed",
    "Complimentary",
    "Desk",
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
    "Withdraw",
    "as_told",
    "changed_since",
    "checked",
    "foresee",
    "left_in_words",
    "mind_limits",
    "needs_second",
    "perform",
    "perform_approved",
    "same_wish",
]
