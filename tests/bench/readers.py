"""Fill a database with readers, each with a subscription and a signed-in browser, by bulk inserts."""

from datetime import UTC, datetime, timedelta

import psycopg

from billing.platform import ids
from billing.platform.tokens import Tokens

SECRET_KEY = "a secret for the benchmarks, of enough length"
SUBSCRIBED = (
    "COPY subscription (id, reader_id, plan_id, price_id, state, started_at, charge_on, period_number, anchor_number,"
    " anchor_months, is_fixed_term, access_until, next_action, next_action_at) FROM STDIN"
)


def secret_of(number: int) -> str:
    """The secret in the cookie of this reader's browser."""
    return f"a-session-for-the-benchmark-{number:015d}"


def reader_of(number: int) -> str:
    """This reader's id."""
    return f"rdr_{number:026d}"


def populate(url: str, tokens: Tokens, count: int, subscribed: int | None = None) -> None:
    """Insert readers, the first `subscribed` of them (None: all) paying, with periods that end on different days of the next month."""
    at = datetime.now(UTC)
    with psycopg.connect(url) as connection:
        price = connection.execute("SELECT id, plan_id FROM price ORDER BY id LIMIT 1").fetchone()
        assert price is not None
        with connection.cursor() as cursor:
            with cursor.copy("COPY reader (id, email, created_at) FROM STDIN") as rows:
                for number in range(count):
                    rows.write_row((reader_of(number), f"reader-{number}@example.com", at))
            with cursor.copy(
                "COPY reader_session (id, token_hash, reader_id, started_at, seen_at, ip, device, email_verified) FROM STDIN"
            ) as rows:
                for number in range(count):
                    digest = tokens.digest("session", secret_of(number))
                    rows.write_row(
                        (f"ses_{number:026d}", digest, reader_of(number), at, at, "127.0.0.1", "bench", True)
                    )
            with cursor.copy(SUBSCRIBED) as rows:
                for number in range(count if subscribed is None else subscribed):
                    ends = at + timedelta(days=1 + number % 30)
                    rows.write_row(
                        (
                            f"sub_{number:026d}",
                            reader_of(number),
                            price[1],
                            price[0],
                            "active",
                            at,
                            at.date(),
                            1,
                            1,
                            0,
                            False,
                            ends.replace(hour=22, minute=0, second=0, microsecond=0),
                            "charge",
                            ends,
                        )
                    )
        connection.execute("ANALYZE")
    assert at > ids.EPOCH
