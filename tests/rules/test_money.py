"""Money: whole cents, one currency at a time, and how an amount is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules.money import MixedCurrencies, Money, NotMoney

cents = st.integers(-(10**12), 10**12)


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (0, "R0.00"),
        (1, "R0.01"),
        (99, "R0.99"),
        (100, "R1.00"),
        (7500, "R75.00"),
        (99_999, "R999.99"),
        (100_000, "R1\u00a0000.00"),
        (123_450, "R1\u00a0234.50"),
        (123_456_789, "R1\u00a0234\u00a0567.89"),
        (-5, "-R0.05"),
        (-123_450, "-R1\u00a0234.50"),
    ],
)
def test_it_is_written_as_south_africans_write_it(amount: int, written: str) -> None:
    assert str(Money(amount)) == written


def test_another_currency_is_written_by_its_code() -> None:
    assert str(Money(123_450, "EUR")) == "EUR\u00a01\u00a0234.50"
    assert str(Money(-1, "EUR")) == "-EUR\u00a00.01"


def test_a_price_says_that_it_includes_vat() -> None:
    assert Money(7500).with_vat_words() == "R75.00 incl. VAT"


@pytest.mark.parametrize("amount", [75.0, "7500", None, True])
def test_an_amount_is_whole_cents(amount: object) -> None:
    with pytest.raises(NotMoney, match="whole number of cents"):
        Money(amount)  # type: ignore[arg-type]  # the wrong type is the point


@pytest.mark.parametrize("currency", ["zar", "ZA", "RAND", "", "Z4R", "ZAR\n", None])
def test_a_currency_is_three_capital_letters(currency: object) -> None:
    with pytest.raises(NotMoney, match="three capital letters"):
        Money(1, currency)  # type: ignore[arg-type]  # the wrong type is among the cases


def test_currencies_do_not_mix() -> None:
    rand, euro = Money(1), Money(1, "EUR")
    for attempt in (
        lambda: rand + euro,
        lambda: rand - euro,
        lambda: rand < euro,
        lambda: rand <= euro,
        lambda: rand > euro,
        lambda: rand >= euro,
    ):
        with pytest.raises(MixedCurrencies, match="ZAR and EUR"):
            attempt()
    assert rand != euro


def test_money_goes_with_money_only() -> None:
    with pytest.raises(NotMoney):
        Money(1) + 1  # type: ignore[operator]  # the wrong type is the point


def test_it_does_not_change() -> None:
    with pytest.raises(AttributeError):
        Money(1).amount = 2  # type: ignore[misc]  # the refusal is the point


@given(cents, cents, cents)
def test_it_adds_as_whole_numbers_do(a: int, b: int, c: int) -> None:
    assert Money(a) + Money(b) == Money(b) + Money(a) == Money(a + b)
    assert (Money(a) + Money(b)) + Money(c) == Money(a) + (Money(b) + Money(c))
    assert Money(a) - Money(b) == Money(a) + -Money(b) == Money(a - b)
    assert Money(a) + Money.zero() == Money(a)
    assert sum([Money(a), Money(b), Money(c)], Money.zero()) == Money(a + b + c)


@given(cents, cents)
def test_it_orders_as_whole_numbers_do(a: int, b: int) -> None:
    one, other = Money(a), Money(b)
    assert (one < other, one <= other, one > other, one >= other) == (a < b, a <= b, a > b, a >= b)
    assert (one == other) == (a == b)
    assert max(one, other) == Money(max(a, b))


@given(cents)
def test_what_is_written_reads_back(amount: int) -> None:
    written = str(Money(amount))
    digits = written.replace("R", "").replace("\u00a0", "").replace(".", "")
    assert int(digits) == amount
    assert " " not in written, "an amount never wraps"
