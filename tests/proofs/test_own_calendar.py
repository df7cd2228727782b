"""The independent calendar finds the charges that it must find."""

from datetime import date, datetime
from typing import Any

import pytest

from tests.support.independent_calendar import ReaderKnowledge, check_charges
from tests.support.world import local


def taken(at: datetime, cents: int = 7500, status: str = "succeeded") -> dict[str, Any]:
    """A charge, as the sandbox returns it."""
    return {"id": f"ch_{at:%m%d}", "created": int(at.timestamp()), "amount": cents, "status": status}


FIRST, SECOND, THIRD = (
    taken(local(2027, 1, 31, 9)),
    taken(local(2027, 2, 28, 9)),
    taken(local(2027, 3, 31, 9)),
)
TRIAL = ReaderKnowledge(trial_on=date(2027, 1, 16))


def test_a_month_after_the_other_is_kept() -> None:
    check_charges([FIRST, SECOND, THIRD], {}, TRIAL)
    check_charges([taken(local(2027, 1, 31, 9), status="failed"), SECOND], {}, TRIAL)
    check_charges([FIRST, taken(local(2027, 2, 28, 9), 75000), taken(local(2028, 2, 29, 9))], {}, TRIAL)


@pytest.mark.parametrize(
    ("charges", "known"),
    [
        ([taken(local(2027, 1, 30, 23))], TRIAL),
        ([FIRST, taken(local(2027, 2, 27, 9))], TRIAL),
        ([FIRST, SECOND, taken(local(2027, 3, 30, 9))], TRIAL),
        ([FIRST, taken(local(2027, 2, 28, 9), 75000), taken(local(2028, 1, 31, 9))], TRIAL),
        ([FIRST, SECOND], ReaderKnowledge(TRIAL.trial_on, cancelled_at=local(2027, 2, 28, 8, 59))),
    ],
    ids=["in the trial", "twice in a month", "a day too early", "within a paid year", "after cancelling"],
)
def test_what_must_not_be_kept_is_found(charges: list[dict[str, Any]], known: ReaderKnowledge) -> None:
    kept = {charge["id"]: charge["amount"] for charge in charges}
    with pytest.raises(AssertionError):
        check_charges(charges, kept, known)
    check_charges(charges[:-1], kept, known)


def test_what_goes_back_is_no_charge() -> None:
    check_charges(
        [FIRST, SECOND], {FIRST["id"]: 7500, SECOND["id"]: 0}, ReaderKnowledge(cancelled_at=local(2027, 2, 1))
    )
