"""The list key hashes the lists that outlive every secret key: opt-outs, the register's blocks, trial claims, cards and API keys.

It is made once with the database, and stored there sealed under the secret key. So a restore brings it along, and a rotation of
the secret key seals it again and changes no hash.

A wrong secret key can't open it, which stops the process before it does harm: every opt-out would seem gone."""

import logging
import secrets
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel, col, select

from billing.platform.db import lock_one
from billing.platform.errors import RefusesToStart
from billing.platform.installation import Installation
from billing.platform.settings import Settings
from billing.platform.tokens import Tokens

log = logging.getLogger(__name__)
PURPOSE = "list-key"
LISTS = ("suppression", "trial_claim", "payment_method", "api_key")
"""The tables with its hashes; the opt-out register's blocks are suppressions."""


class ListSalt(SQLModel, table=True):
    """The list keys under which a list was hashed, by check value. Never deleted, as the rows of a lost key stay."""

    __tablename__ = "list_salt"

    list: str = Field(primary_key=True)
    """A table of `LISTS`."""
    check_value: str = Field(primary_key=True)
    lost_at: datetime | None = None
    """When a new list key replaced it, because no secret key opened it any more."""


class WrongSecretKey(RefusesToStart):
    """Neither BILLING_SECRET_KEY nor one of BILLING_PREVIOUS_SECRET_KEYS is the key that this database was made with: opt-outs, claims of trials, sessions and mailed links would all seem gone. Set the right key. If it is lost for good, say `billing keys rotate-secret --key-is-lost`, which says what that costs."""

    def __init__(self) -> None:
        super().__init__(self.__doc__ or "")


def tokens_of(settings: Settings) -> Tokens:
    """The keys in the settings, without the list key."""
    return Tokens(
        settings.secret_key.get_secret_value(),
        tuple(key.get_secret_value() for key in settings.previous_secret_keys),
    )


def seal_first(session: Session, settings: Settings) -> None:
    """Give a new database its list key; an existing one stays."""
    row = lock_one(session, Installation, 1)
    if not row.list_key:
        seal(session, row, tokens_of(settings), secrets.token_urlsafe(32))


def load_tokens(session: Session, settings: Settings) -> Tokens:
    """All keys of the installation. Raises WrongSecretKey."""
    row = session.get(Installation, 1)
    if row is None or not row.list_key:
        raise RefusesToStart("The database has no list key yet. Run `billing migrate` first.")
    tokens = tokens_of(settings)
    found = open_row(row, tokens)
    if not tokens.is_current(PURPOSE, row.list_key):
        log.warning("the secret key was changed: say `billing keys rotate-secret`")
    until = tuple(
        (key, datetime.fromisoformat(end))
        for key in tokens.previous_keys
        if (end := row.signs_until.get(key_check(key)))
    )
    return replace(tokens, list_key=found, signs_until=until)


def key_that_opens(session: Session, settings: Settings) -> str:
    """The check value of the configured secret key that opens the database, at whatever migration that is. Raises WrongSecretKey."""
    sealed = session.execute(sa.text("SELECT list_key FROM installation WHERE id = 1")).scalar_one()
    opening = (key for key in tokens_of(settings).keys if Tokens(key).unseal(PURPOSE, sealed) is not None)
    found = next(opening, None)
    if found is None:
        raise WrongSecretKey
    return key_check(found)


def stop_signing(row: Installation, tokens: Tokens, until: datetime) -> None:
    """Set until when signatures by the previous keys are valid. Keys that were replaced earlier keep their end."""
    ends = {key_check(key): until.isoformat() for key in tokens.previous_keys}
    row.signs_until = ends | {
        name: end for name, end in row.signs_until.items() if name != key_check(tokens.secret_key)
    }


def key_check(key: str) -> str:
    """The check value of a secret key. It tells two keys apart, and reveals neither."""
    return Tokens(key).digest("signer-check", "")[:32]


def open_row(row: Installation, tokens: Tokens) -> str:
    """The list key. Raises WrongSecretKey."""
    found = tokens.unseal(PURPOSE, row.list_key)
    if found is None:
        raise WrongSecretKey
    return found


def seal(session: Session, row: Installation, tokens: Tokens, list_key: str) -> None:
    """Seal the list key under the present secret key, and record its check value for each list."""
    row.list_key = tokens.seal(PURPOSE, list_key)
    for name, value in check_values(list_key).items():
        session.merge(ListSalt(list=name, check_value=value))
    session.flush()


def replace_lost(session: Session, settings: Settings, at: datetime) -> bool:
    """Replace a list key that no configured secret key opens. False, and unchanged, where one opens it."""
    row = lock_one(session, Installation, 1)
    tokens = tokens_of(settings)
    if tokens.unseal(PURPOSE, row.list_key) is not None:
        return False
    session.execute(sa.update(ListSalt).where(col(ListSalt.lost_at).is_(None)).values(lost_at=at))
    seal(session, row, tokens, secrets.token_urlsafe(32))
    return True


def was_lost(session: Session) -> bool:
    """Whether lists hold rows that were hashed under a lost key."""
    return session.exec(select(ListSalt).where(col(ListSalt.lost_at).is_not(None))).first() is not None


def check_values(list_key: str) -> dict[str, str]:
    """The check value of a list key, by list."""
    return {name: Tokens(list_key).digest("list-check", name)[:32] for name in LISTS}
