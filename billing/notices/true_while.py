"""SQL conditions under which a mail `m` about a subscription is true (see `mail/obsolete`)."""

# ruff: noqa: S608 - the conditions are constants of our code

GOES_ON = "s.state <> 'ended' AND s.cancel_asked_at IS NULL"
SAME_CARD = """EXISTS (SELECT FROM payment_method c WHERE c.id = s.payment_method_id
                       AND c.brand = m.fields->>'card_brand' AND c.last4 = m.fields->>'card_last4')"""
_NEXT_CHARGE_ON = """CASE WHEN s.state = 'trialing' THEN s.charge_on
                          WHEN s.state = 'paused' OR s.state = 'active' AND s.resumes_on > s.period_end_on THEN s.resumes_on
                          WHEN s.state = 'active' THEN greatest(coalesce(s.period_end_on, s.charge_on), s.held_until)
                          ELSE s.retry_on END"""
"""The day of `subscriptions/schedule.next_charge`, in SQL: a test compares the two."""


def subscription(*conditions: str) -> str:
    """The subscription `s` meets these conditions."""
    return f"EXISTS (SELECT FROM subscription s WHERE s.id = m.about AND {' AND '.join(conditions)})"


def day(field: str) -> str:
    """A day in the fields of the mail."""
    return f"CAST(m.fields->>'{field}' AS date)"


def next_charge(on: str, *more: str) -> str:
    """The announced charge is the next one: its day is in the field `on`, its amount in `amount`."""
    # until a year's end is announced only the price list has the next price, so any amount counts as true
    amount = f"""CASE WHEN s.next_terms_on <= {day(on)} THEN (SELECT p.amount FROM price p WHERE p.id = s.next_price_id)
                      WHEN s.is_fixed_term AND s.period_end_on IS NOT NULL THEN CAST(m.fields->>'amount' AS integer)
                      ELSE (SELECT p.amount FROM price p WHERE p.id = s.price_id) END"""
    announced = f"{_NEXT_CHARGE_ON} = {day(on)} AND {amount} = CAST(m.fields->>'amount' AS integer)"
    return subscription(GOES_ON, announced, *more)
