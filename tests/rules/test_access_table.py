"""Every combination of an article's terms, the reader, the meter, a gift and the switch, just before, at and after
each end. Expected answers come from sentences, not from the code.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product

from billing.rules.access import (
    AccessLevel,
    Decision,
    Entitlement,
    Facts,
    Meter,
    Reason,
    decide,
    entitlement_of,
)
from billing.rules.lifecycle import State
from billing.rules.policies import ArticlePolicy, FreeSpan

NOON = datetime(2027, 3, 16, 10, tzinfo=UTC)
"""Everything that ends or begins in these cases does so at this instant. Cases count in hairs from it."""
HAIR = timedelta(microseconds=1)
LONG = 10**9

LEVELS = ("free", "registered", "metered", "subscriber")
WINDOWS = ("none", "free until noon", "was free long ago", "free from noon on")
PEOPLE = (
    "stranger",
    "account only",
    "trial",
    "trial cancelled, ends at noon",
    "subscriber",
    "subscriber whose renewal is late",
    "subscriber cancelled, ends at noon",
    "grace",
    "subscription ended",
    "subscription paused",
    "subscription paused until noon, and nobody came to end it",
    "subscriber in grace who has cancelled",
    "complimentary until noon",
    "cancelled subscription until noon, complimentary long after",
)
METERS = ("nobody to count", "unused", "one left", "used up", "used up, this one read before", "no free articles",
          "used up, new month at noon")  # fmt: skip
GIFTS = ("none", "until noon", "over")
SWITCHES = ("off", "open until noon", "opens at noon", "closed")
HAIRS = (-1, 0, 1)


@dataclass(frozen=True)
class Case:
    """The circumstances, and how many steps after noon the question is asked."""

    level: str
    window: str
    person: str
    meter: str
    gift: str
    switch: str
    hair: int


# -- the sentences ---------------------------------------------------------------------------------------

SENTENCES = """
an article whose level is free is open                                 free
in a free window it is open                                            free
while an editor has it open it is open                                 open
while a trial lasts it is open                                         trial
while a subscription lasts it is open                                  subscription
while a failed payment is sorted out it is open                        grace
while complimentary days last it is open                               complimentary
while a gift of it lasts it is open                                    gift
a registered article is open to whoever has an account                 registered
a metered article read before this month is open                       meter
a metered article is open while fewer are read than the limit          meter
otherwise a registered article asks to register                        register
otherwise a metered article says that the meter is used                meter_used
otherwise it asks to subscribe                                         subscribe
"""
LINES = [tuple(line.strip() for line in line.rsplit(maxsplit=1)) for line in SENTENCES.strip().splitlines()]
"""Each sentence with its reason."""
OPENS = 11
"""So many of the sentences open; the others are what is said when none did."""


def before_noon(case: Case) -> bool:
    return case.hair < 0


TRUE: dict[str, Callable[[Case], bool]] = {
    "an article whose level is free is open": lambda c: c.level == "free",
    "in a free window it is open": lambda c: (
        (c.window == "free until noon" and before_noon(c))
        or (c.window == "free from noon on" and not before_noon(c))
    ),
    "while an editor has it open it is open": lambda c: (
        (c.switch == "open until noon" and before_noon(c))
        or (c.switch == "opens at noon" and not before_noon(c))
    ),
    "while a trial lasts it is open": lambda c: (
        c.person == "trial" or (c.person == "trial cancelled, ends at noon" and before_noon(c))
    ),
    "while a subscription lasts it is open": lambda c: (
        c.person in ("subscriber", "subscriber whose renewal is late")
        or (
            c.person
            in (
                "subscriber cancelled, ends at noon",
                "cancelled subscription until noon, complimentary long after",
            )
            and before_noon(c)
        )
        or (c.person == "subscription paused until noon, and nobody came to end it" and not before_noon(c))
    ),
    "while a failed payment is sorted out it is open": lambda c: c.person == "grace",
    "while complimentary days last it is open": lambda c: (
        c.person == "cancelled subscription until noon, complimentary long after"
        or (c.person == "complimentary until noon" and before_noon(c))
    ),
    "while a gift of it lasts it is open": lambda c: c.gift == "until noon" and before_noon(c),
    "a registered article is open to whoever has an account": lambda c: (
        c.level == "registered" and c.person != "stranger"
    ),
    "a metered article read before this month is open": lambda c: (
        c.level == "metered" and c.meter == "used up, this one read before"
    ),
    "a metered article is open while fewer are read than the limit": lambda c: (
        c.level == "metered"
        and (
            c.meter in ("unused", "one left")
            or (c.meter == "used up, new month at noon" and not before_noon(c))
        )
    ),
    "otherwise a registered article asks to register": lambda c: c.level == "registered",
    "otherwise a metered article says that the meter is used": lambda c: c.level == "metered",
    "otherwise it asks to subscribe": lambda c: True,
}
LISTEN_AND_COMMENT = {"trial", "subscription", "grace"}
"""By the plan of these cases. Complimentary days add listening here, a gift only reading."""


@cache
def expected(case: Case) -> tuple[bool, str, set[str]]:
    """The first sentence that is true of the case."""
    for number, (sentence, reason) in enumerate(LINES):
        if TRUE[sentence](case):
            return number < OPENS, reason, features(case) if number < OPENS else set()
    raise AssertionError("the last sentence is always true")


def features(case: Case) -> set[str]:
    """Reading, and the features added by everything that the reader has at the moment."""
    found = {"read"}
    if any(TRUE[f"while {what} it is open"](case) for what in (
        "a trial lasts", "a subscription lasts", "a failed payment is sorted out")):  # fmt: skip
        found |= {"listen", "comment"}
    if TRUE["while complimentary days last it is open"](case):
        found |= {"listen"}
    return found


# -- the same cases as facts -----------------------------------------------------------------------------

PLAN, GRANT, GIFT = frozenset({"listen", "comment"}), frozenset({"listen"}), frozenset({"read"})
AGES, LATER = NOON - LONG * HAIR, NOON + LONG * HAIR

Holds = Callable[[datetime], tuple[Entitlement, ...]]


def by(
    state: State,
    *,
    cancels_at: datetime | None = None,
    access_until: datetime | None = None,
    resumes_at: datetime | None = None,
) -> Holds:
    """The rights from a subscription in this state at a moment."""

    def holds(at: datetime) -> tuple[Entitlement, ...]:
        held = entitlement_of(
            state,
            cancels_at=cancels_at,
            access_until=access_until,
            resumes_at=resumes_at,
            features=PLAN,
            at=at,
        )
        return (held,) if held else ()

    return holds


def days(until: datetime | None) -> Holds:
    """Complimentary ones."""
    return lambda at: (Entitlement(Reason.COMPLIMENTARY, until, GRANT),)


def both(one: Holds, other: Holds) -> Holds:
    return lambda at: (*one(at), *other(at))


HOLDS: dict[str, Holds] = {
    "stranger": lambda at: (),
    "account only": lambda at: (),
    "trial": by(State.TRIALING),
    "trial cancelled, ends at noon": by(State.TRIALING, cancels_at=NOON, access_until=NOON),
    "subscriber": by(State.ACTIVE),
    "subscriber whose renewal is late": by(State.ACTIVE, access_until=AGES),
    "subscriber cancelled, ends at noon": by(State.ACTIVE, cancels_at=NOON, access_until=NOON),
    "grace": by(State.PAST_DUE, access_until=AGES),
    "subscription ended": by(State.ENDED, cancels_at=AGES, access_until=LATER),
    "subscription paused": by(State.PAUSED, access_until=LATER),
    "subscription paused until noon, and nobody came to end it": by(
        State.PAUSED, access_until=AGES, resumes_at=NOON
    ),
    "subscriber in grace who has cancelled": by(State.ENDED, cancels_at=AGES, access_until=AGES),
    "complimentary until noon": days(NOON),
    "cancelled subscription until noon, complimentary long after": both(
        by(State.ACTIVE, cancels_at=NOON, access_until=LATER), days(None)
    ),
}
GIVEN = {
    "none": (),
    "until noon": (Entitlement(Reason.GIFT, NOON, GIFT),),
    "over": (Entitlement(Reason.GIFT, AGES, GIFT),),
}
FREE = {
    "none": (),
    "free until noon": (FreeSpan(AGES, NOON),),
    "was free long ago": (FreeSpan(AGES, AGES + HAIR),),
    "free from noon on": (FreeSpan(NOON, None),),
}
OPENED = {
    "off": (),
    "open until noon": (FreeSpan(AGES, NOON),),
    "opens at noon": (FreeSpan(NOON, None),),
    "closed": (FreeSpan(AGES, AGES + HAIR),),
}
COUNTED = {
    "nobody to count": None,
    "unused": Meter(0, 3, False),
    "one left": Meter(2, 3, False),
    "used up": Meter(3, 3, False),
    "used up, this one read before": Meter(3, 3, True),
    "no free articles": Meter(0, 0, False),
    "used up, new month at noon": Meter(3, 3, False, NOON),
}


POLICIES = {
    (level, window): ArticlePolicy(AccessLevel(level), FREE[window]) for level in LEVELS for window in WINDOWS
}
HELD = {(person, hair): HOLDS[person](NOON + hair * HAIR) for person in PEOPLE for hair in HAIRS}


@cache
def asked(case: Case) -> Decision:
    """What the code says."""
    facts = Facts(
        policy=POLICIES[case.level, case.window],
        registered=case.person != "stranger",
        held=HELD[case.person, case.hair] + GIVEN[case.gift],
        meter=COUNTED[case.meter],
        opened=OPENED[case.switch],
    )
    return decide(facts, NOON + case.hair * HAIR)


def test_every_combination_a_hair_before_on_and_after_noon() -> None:
    wrong, reasons, cases = [], set(), 0
    for values in product(LEVELS, WINDOWS, PEOPLE, METERS, GIFTS, SWITCHES, HAIRS):
        case = Case(*values)
        found, (allowed, reason, adds) = asked(case), expected(case)
        cases += 1
        reasons.add(found.reason)
        if (found.allowed, found.reason.value, set(found.features)) != (allowed, reason, adds):
            wrong.append(f"{case}: {found}, told {allowed} {reason} {sorted(adds)}")
    assert wrong[:5] == []
    assert cases == 4 * 4 * 14 * 7 * 3 * 4 * 3
    assert reasons == set(Reason), "every reason of the contract was met"


def test_the_answer_names_the_instant_at_which_it_changes_and_no_other() -> None:
    wrong = []
    for values in product(LEVELS, WINDOWS, PEOPLE, METERS, GIFTS, SWITCHES):
        before, on, after = (Case(*values, hair) for hair in HAIRS)
        changes = expected(before) != expected(on)
        if asked(before).until != (NOON if changes else None):
            wrong.append(f"{before}: stands until {asked(before).until}")
        if asked(on).until is not None or expected(on) != expected(after):
            wrong.append(f"{on}: nothing happens after noon")
    assert wrong[:5] == []


def test_each_sentence_is_needed() -> None:
    """Tests the sentences themselves: without any one of them, some case has another answer."""
    cases = [Case(*values) for values in product(LEVELS, WINDOWS, PEOPLE, METERS, GIFTS, SWITCHES, (-1,))]
    first = {next(sentence for sentence in TRUE if TRUE[sentence](case)) for case in cases}
    assert first == set(TRUE)


def test_free_registration_never_opens_a_subscriber_article() -> None:
    for window, meter, gift, switch, hair in product(WINDOWS, METERS, GIFTS, SWITCHES, HAIRS):
        stranger = asked(Case("subscriber", window, "stranger", meter, gift, switch, hair))
        account = asked(Case("subscriber", window, "account only", meter, gift, switch, hair))
        assert stranger == account
