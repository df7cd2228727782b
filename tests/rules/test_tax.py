"""VAT: the rate by date, the split, and the document that a payment requires."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules.money import MixedCurrencies, Money
from billing.rules.periods import NotACivilDate
from billing.rules.tax import (
    InvoiceForm,
    NoRate,
    NotAPercentage,
    NotASupply,
    VatRate,
    basis_points_in,
    document_for,
    has_begun,
    rate_on,
    split,
    split_rest,
)

FIFTEEN = VatRate(1500, date(2018, 4, 1))
SOUTH_AFRICA = (VatRate(1400, date(1993, 4, 7)), FIFTEEN)
rates = st.builds(VatRate, st.integers(0, 10_000), st.dates())


@pytest.mark.parametrize(
    ("on", "basis_points"),
    [
        (date(1993, 4, 7), 1400),
        (date(2018, 3, 31), 1400),
        (date(2018, 4, 1), 1500),
        (date(2025, 5, 2), 1500),  # the rise to 15.5% of May 2025 never came into force
        (date(2026, 11, 23), 1500),
    ],
)
def test_the_rate_goes_by_date(on: date, basis_points: int) -> None:
    assert rate_on(on, SOUTH_AFRICA).basis_points == basis_points


def test_before_the_first_rate_there_is_none() -> None:
    with pytest.raises(NoRate, match="1993-04-06"):
        rate_on(date(1993, 4, 6), SOUTH_AFRICA)
    with pytest.raises(NoRate):
        rate_on(date(2026, 1, 1), ())


def test_a_future_rate_changes_only_what_comes_after_it() -> None:
    later = date(2027, 4, 1)
    rates = (VatRate(1550, later), *SOUTH_AFRICA)
    assert rate_on(later - timedelta(days=1), rates) == FIFTEEN
    assert rate_on(later, rates).percent == "15.5"


def test_an_instant_is_no_date_of_supply() -> None:
    with pytest.raises(NotACivilDate):
        rate_on(datetime(2026, 1, 1, tzinfo=UTC), SOUTH_AFRICA)


@pytest.mark.parametrize(("today", "has"), [(31, False), (32, True), (33, True)])
def test_a_rate_begins_with_its_first_day(today: int, has: bool) -> None:
    assert has_begun(FIFTEEN, date(2018, 3, 1) + timedelta(days=today - 1)) is has


@pytest.mark.parametrize(
    ("basis_points", "percent"),
    [(0, "0"), (1000, "10"), (1400, "14"), (1500, "15"), (1550, "15.5"), (1525, "15.25"), (5, "0.05")],
)
def test_a_rate_prints_as_a_percentage(basis_points: int, percent: str) -> None:
    assert VatRate(basis_points, date(2026, 1, 1)).percent == percent


@pytest.mark.parametrize("basis_points", [-1, 10_001])
def test_a_rate_stays_within_bounds(basis_points: int) -> None:
    with pytest.raises(ValueError, match="basis points"):
        VatRate(basis_points, date(2026, 1, 1))


@pytest.mark.parametrize(
    ("gross", "net", "vat"),
    [
        (7500, 6522, 978),
        (0, 0, 0),
        (1, 1, 0),
        (3, 3, 0),  # 0.39 of a cent
        (4, 3, 1),  # 0.52
        (115, 100, 15),
        (5000, 4348, 652),
        (500_000, 434_783, 65_217),
        (-7500, -6522, -978),
    ],
)
def test_fifteen_percent_splits_by_the_tax_fraction(gross: int, net: int, vat: int) -> None:
    parts = split(Money(gross), FIFTEEN)
    assert (parts.net, parts.vat, parts.gross, parts.rate) == (
        Money(net),
        Money(vat),
        Money(gross),
        FIFTEEN,
    )


@pytest.mark.parametrize(("gross", "vat"), [(3, 1), (9, 2), (15, 3), (-3, -1)])
def test_half_a_cent_rounds_up(gross: int, vat: int) -> None:
    """At 20% the tax fraction is a sixth: these land exactly on half a cent."""
    assert split(Money(gross), VatRate(2000, date(2026, 1, 1))).vat == Money(vat)


@given(st.integers(-(10**12), 10**12), rates)
def test_a_split_is_exact_and_rounded_once(amount: int, rate: VatRate) -> None:
    parts = split(Money(amount), rate)
    assert parts.net + parts.vat == parts.gross == Money(amount)
    exact = Fraction(amount) * rate.basis_points / (10_000 + rate.basis_points)
    error = abs(parts.vat.amount) - abs(exact)
    assert -Fraction(1, 2) < error <= Fraction(1, 2), "the nearest cent, half a cent up"


@given(st.integers(0, 10**12), rates)
def test_a_full_credit_note_undoes_its_invoice(amount: int, rate: VatRate) -> None:
    sold, back = split(Money(amount), rate), split(-Money(amount), rate)
    assert (sold.net + back.net, sold.vat + back.vat) == (Money.zero(), Money.zero())


@given(st.lists(rates, min_size=1, unique_by=lambda rate: rate.from_on), st.dates(), st.randoms())
def test_the_latest_rate_in_force_counts_in_any_order(known: list[VatRate], on: date, random: Random) -> None:
    expected = None
    for rate in sorted(known, key=lambda rate: rate.from_on):
        expected = rate if rate.from_on <= on else expected
    random.shuffle(known)
    if expected is None:
        with pytest.raises(NoRate):
            rate_on(on, known)
    else:
        assert rate_on(on, known) == expected


@pytest.mark.parametrize(
    ("gross", "document"),
    [
        (0, InvoiceForm.NONE),
        (5000, InvoiceForm.NONE),
        (5001, InvoiceForm.ABRIDGED),
        (7500, InvoiceForm.ABRIDGED),
        (500_000, InvoiceForm.ABRIDGED),
        (500_001, InvoiceForm.FULL),
    ],
)
def test_the_document_goes_by_the_amount(gross: int, document: InvoiceForm) -> None:
    assert document_for(Money(gross)) is document


def test_money_given_back_is_no_supply() -> None:
    with pytest.raises(NotASupply, match="credit note"):
        document_for(Money(-1))


def test_the_bounds_are_in_rand() -> None:
    with pytest.raises(MixedCurrencies):
        document_for(Money(7500, "EUR"))


@given(st.integers(0, 10**7), st.integers(0, 10**7))
def test_more_money_never_calls_for_a_lesser_document(a: int, b: int) -> None:
    order = [InvoiceForm.NONE, InvoiceForm.ABRIDGED, InvoiceForm.FULL]
    lesser, greater = sorted((a, b))
    assert order.index(document_for(Money(lesser))) <= order.index(document_for(Money(greater)))


@given(
    st.lists(st.integers(1, 8000), min_size=1, max_size=8),
    st.builds(VatRate, st.integers(1, 3000), st.dates()),
)
def test_parts_given_back_hold_together_the_vat_of_their_sum(parts: list[int], rate: VatRate) -> None:
    given_back, vat = Money.zero(), Money.zero()
    for cents in parts:
        part = split_rest(Money(cents), given=given_back, given_vat=vat, rate=rate)
        assert part.net + part.vat == part.gross == Money(cents)
        assert Money.zero() <= part.vat <= part.gross
        given_back, vat = given_back + part.gross, vat + part.vat
        assert vat == split(given_back, rate).vat


@given(st.integers(0, 10_000))
def test_a_rate_is_typed_as_it_is_printed(points: int) -> None:
    printed = VatRate(points, date(2026, 1, 1)).percent
    for typed in (printed, printed.replace(".", ","), f" {printed}%", f"{printed} %"):
        assert basis_points_in(typed) == points


@pytest.mark.parametrize("typed", ["15.555", "-1", "100.01", "1e1", "NaN", "", ".5", "١٥", "15..5", "15%%"])
def test_what_is_no_percentage_is_refused(typed: str) -> None:
    with pytest.raises(NotAPercentage, match="from 0 to 100"):
        basis_points_in(typed)
