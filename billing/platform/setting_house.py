"""The settings with which the publisher decides how its house works: what readers get, and what staff may."""

from pydantic import BaseModel, ConfigDict, Field


class Policy(BaseModel):
    """What the publisher grants its readers (INT-2, ECT-5, CPA-2)."""

    model_config = ConfigDict(frozen=True)

    cooling_off_days: int = Field(
        14,
        ge=7,
        le=60,
        description="Civil days after the first charge in which a reader takes it back in full; the law asks for 7.",
    )
    withdrawals_a_year: int = Field(
        1,
        ge=1,
        le=100,
        description="Withdrawals in twelve months that a reader, or a card, may make unasked; staff decide about the next.",
    )
    pause_months: int = Field(
        3, ge=0, le=12, description="Months for which a reader may pause a subscription; 0: not at all."
    )
    charge_day_free_days: int = Field(
        30,
        ge=0,
        le=30,
        description="Free days up to the day of the month that a reader may choose for the charges, once in twelve months; 0: not at all.",
    )
    term_notice_days: int = Field(
        20,
        ge=0,
        le=20,
        description="Business days of notice for leaving a paid year early; the law allows 20 at most.",
    )
    dispute_answer_days: int = Field(
        2,
        ge=0,
        le=30,
        description="Days before a bank's deadline on which a dispute is answered with the evidence by itself, if no staff did; 0: never.",
    )
    session_limit: int = Field(
        5,
        ge=0,
        description="Browsers in which a reader may be signed in at once; the newest stay. 0: any number.",
    )


class StaffLimits(BaseModel):
    """What staff may refund, in cents."""

    model_config = ConfigDict(frozen=True)

    support_refund_limit: int = Field(15000, ge=0, description="Cents support may give a reader a month.")
    support_refund_day_limit: int = Field(75000, ge=0, description="Cents a member of it may give a day.")
    second_person_limit: int = Field(100000, ge=0, description="Cents one of staff may give a reader a day.")
    second_person_day_limit: int = Field(500000, ge=0, description="Cents one of staff may give a day.")
    second_person_readers: int = Field(200, ge=0, description="Readers one of staff may act on at once.")
