"""Finds readers by address or id, and registers new ones."""

from collections.abc import Collection

import sqlalchemy as sa
from email_validator import EmailNotValidError, validate_email
from sqlmodel import Session, col, select

from billing.platform import ids
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict, Invalid, NotFound, Refusal
from billing.readers.models import Reader
from billing.rules.addresses import NotAnAddress, canonical

LONGEST_ADDRESS = 254


class BadAddress(Invalid):
    """That doesn’t look like an email address. Please check it for typing mistakes."""

    code = "bad_address"


class UnknownReader(NotFound):
    """There is no such reader."""

    code = "unknown_reader"


class ReaderMerged(Refusal):
    """This account was merged into another one of the same person, which has all that it had. Use that one's id."""

    status = 410
    code = "reader_merged"
    title = "This account was merged into another"

    def __init__(self, reader_id: str, merged_into: str) -> None:
        super().__init__(
            f"The account {reader_id} was merged into {merged_into}, which has all that it had. Use that id.",
            merged_into=merged_into,
        )
        self.merged_into = merged_into


class ExternalIdTaken(Conflict):
    """Another reader has this external id."""

    code = "external_id_taken"


def clean_address(email: str) -> str:
    """The address as we write to it. Raises BadAddress. Asks no DNS, so it costs microseconds.

    Control characters never pass, so no address can add a line to a mail's header (H13)."""
    try:
        if len(email) > LONGEST_ADDRESS:
            raise BadAddress
        address = validate_email(
            email.strip(), check_deliverability=False, allow_smtputf8=False, strict=True
        ).normalized
        canonical(address)  # raises: mails and trials are counted by the canonical form
    except (EmailNotValidError, NotAnAddress):
        raise BadAddress from None
    return address


def by_address(session: Session, email: str) -> Reader | None:
    """The reader with this address, upper and lower case being one."""
    return session.exec(select(Reader).where(sa.func.lower(Reader.email) == email.lower())).first()


def by_id(session: Session, reader_id: str) -> Reader:
    """Raises UnknownReader, ReaderMerged."""
    return _own_account(session.get(Reader, reader_id))


def _own_account(found: Reader | None) -> Reader:
    if found is None:
        raise UnknownReader
    if found.merged_into is not None:
        raise ReaderMerged(found.id, found.merged_into)
    return found


def lock_reader(session: Session, reader_id: str) -> Reader:
    """Lock the reader's row until the transaction ends, and read it again. Raises UnknownReader, ReaderMerged.

    The key isn't locked: others may still insert rows that refer to the reader."""
    return _own_account(
        session.get(Reader, reader_id, with_for_update={"key_share": True}, populate_existing=True)
    )


def by_external_id(session: Session, external_id: str) -> Reader | None:
    """The reader whom the publisher knows by this id; by that of a merged account, the one that stays."""
    found = session.exec(select(Reader).where(Reader.external_id == external_id)).first()
    if found is None or found.merged_into is None:
        return found
    return session.get_one(Reader, found.merged_into)


def ids_of_external(session: Session, external_ids: Collection[str]) -> dict[str, str]:
    """Our ids by the publisher's ids, as `by_external_id`; an unknown one is left out."""
    rows = session.exec(
        select(Reader.external_id, sa.func.coalesce(Reader.merged_into, Reader.id)).where(
            col(Reader.external_id).in_(external_ids)
        )
    )
    return {external_id: reader_id for external_id, reader_id in rows if external_id is not None}


def register(ctx: TransactionContext, email: str, *, external_id: str | None = None) -> tuple[Reader, bool]:
    """The reader with this address, and whether it is new. Two calls at once make one. Raises BadAddress, ExternalIdTaken."""
    email = clean_address(email)
    known = by_address(ctx.session, email)
    if known is None:
        reader = Reader(
            id=ids.new("rdr", ctx.at),
            email=email,
            external_id=external_id,
            created_at=ctx.at,
            language=ctx.language,
        )
        try:
            with ctx.session.begin_nested():
                ctx.session.add(reader)
        except sa.exc.IntegrityError as error:
            known = by_address(ctx.session, email)
            if known is None:  # so the external id clashed, not the address
                raise ExternalIdTaken from error
        else:
            return reader, True
    if external_id is not None and known.external_id != external_id:
        _set_external_id(ctx.session, known, external_id)
    return known, False


def _set_external_id(session: Session, reader: Reader, external_id: str) -> None:
    if reader.external_id is not None:
        if by_external_id(session, external_id) is reader:  # that of an account merged into this one
            return
        raise ExternalIdTaken("This reader has another external id.")
    try:
        with session.begin_nested():
            reader.external_id = external_id
    except sa.exc.IntegrityError as error:
        raise ExternalIdTaken from error
