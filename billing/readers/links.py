"""Mailed links to sign in, for readers and for staff (SEC-1): single use, ten minutes, in the browser that asked.

The caller decides who may ask, and what the link opens. What makes a link safe is here."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from sqlmodel import Field, SQLModel, col, select
from sqlmodel.sql.expression import SelectOfScalar

from billing.mail import obsolete
from billing.platform import ids
from billing.platform.context import TransactionContext
from billing.platform.errors import Refusal

LIFE = timedelta(minutes=10)
WRONG_CODES = 5


class LinkSpent(Refusal):
    """This link has been used or is older than ten minutes. Ask for a new one; it takes a moment."""

    status = 410
    code = "link_spent"


class OtherBrowser(Refusal):
    """You asked to sign in from another browser. Type the code there."""

    status = 403
    code = "other_browser"


class WrongCode(Refusal):
    """That isn't the code from the mail. Please check the digits."""

    status = 422
    code = "wrong_code"


class MailedLink(SQLModel):
    """The columns of a table of links; each table adds its owner column."""

    id: str = Field(primary_key=True)
    token_hash: str = Field(unique=True)
    browser_hash: str = Field(index=True)
    """Of the cookie in the browser that asked. Link and code work in that browser only."""
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    wrong_codes: int = Field(default=0)


Link = TypeVar("Link", bound=MailedLink)


@dataclass(frozen=True)
class Links(Generic[Link]):
    """The links of one table.

    `purpose` keeps their tokens apart from all others; `owner_column` is the table's; `page` is the path that links open."""

    table: type[Link]
    purpose: str
    owner_column: str
    page: str
    prefix: str = "lnk"
    """Of its ids."""

    def issue(
        self,
        ctx: TransactionContext,
        owner_id: str | None,
        browser_hashes: Sequence[str],
        *,
        life: timedelta = LIFE,
        **columns: Any,
    ) -> Link:
        """A new link, with the table's own `columns`. Spends older ones of this browser.

        Those of other browsers stay: a stranger's request must not spend the owner's link. Rate limits on mails bound their
        number. Without an owner (an unknown address) the same is written, so that answer and time are the same."""
        for older in ctx.session.exec(self._newest_first(ctx, browser_hashes).with_for_update()).all():
            spend(ctx, older)
        link_id = ids.new(self.prefix, ctx.at)
        link = self.table(
            id=link_id,
            token_hash=_hash(ctx.site.tokens.token(self.purpose, link_id)),
            browser_hash=browser_hashes[0],
            created_at=ctx.at,
            expires_at=ctx.at + life,
            **columns,
        )
        setattr(link, self.owner_column, owner_id)
        ctx.session.add(link)
        ctx.session.flush()
        return link

    def find(self, ctx: TransactionContext, token: str) -> Link:
        """The usable link with this token, locked. Changes nothing: mail scanners follow links too (H6). Raises LinkSpent."""
        subject = ctx.site.tokens.subject_of(self.purpose, token)
        if subject is None:
            raise LinkSpent
        hashes = [
            _hash(same) for same in ctx.site.tokens.tokens(self.purpose, subject)
        ]  # one for each secret key
        locked = select(self.table).where(col(self.table.token_hash).in_(hashes)).with_for_update()
        # the session's copy, where it has one, may be older than the lock
        link = ctx.session.exec(locked.execution_options(populate_existing=True)).first()
        if link is None or link.used_at is not None or ctx.at > link.expires_at or self._owner(link) is None:
            raise LinkSpent
        return link

    def is_open(self, ctx: TransactionContext, owner_id: str, browser_hashes: Sequence[str]) -> bool:
        """Whether a link of this owner can still be used in this browser. Locks nothing."""
        links = ctx.session.exec(self._newest_first(ctx, browser_hashes))
        return any(self._owner(link) == owner_id for link in links)

    def owner_here(self, ctx: TransactionContext, browser_hashes: Sequence[str]) -> str | None:
        """The owner of the newest link that can still be used in this browser. Locks nothing."""
        owner = col(getattr(self.table, self.owner_column))
        newest = self._newest_first(ctx, browser_hashes).limit(1)
        return ctx.session.scalars(newest.with_only_columns(owner)).first()

    def use(self, ctx: TransactionContext, token: str, browser_hashes: Sequence[str]) -> Link:
        """Use the link up, in the browser that asked. Raises LinkSpent, OtherBrowser."""
        link = self.find(ctx, token)
        if not belongs_here(link, browser_hashes):
            raise OtherBrowser
        spend(ctx, link)
        return link

    def use_code(self, ctx: TransactionContext, code: str, browser_hashes: Sequence[str]) -> Link | None:
        """Use the code from the mail, typed in the browser that asked. None, and one try fewer, when it is wrong.

        The count of wrong codes must be committed, so a wrong code is an answer and not an exception. Raises LinkSpent."""
        link = ctx.session.exec(self._newest_first(ctx, browser_hashes).with_for_update()).first()
        if link is None:
            raise LinkSpent
        return link if self.use_code_of(ctx, link, code) else None

    def tries_left(self, ctx: TransactionContext, browser_hashes: Sequence[str]) -> int | None:
        """How many wrong codes this browser's newest link still takes; None where it has none of the last ten minutes.

        Wrong codes end a link, so that guesses are few. Then this is 0, and the page can say so."""
        newest = (
            select(self.table)
            .where(col(self.table.browser_hash).in_(browser_hashes), col(self.table.expires_at) >= ctx.at)
            .order_by(col(self.table.id).desc())
        )
        link = ctx.session.exec(newest.limit(1)).first()
        return None if link is None else max(WRONG_CODES - link.wrong_codes, 0)

    def use_code_of(self, ctx: TransactionContext, link: Link, code: str) -> bool:
        """Use up this locked link by the code from its mail. False, and one try fewer, when the code is wrong."""
        typed = "".join(letter for letter in code if letter in "0123456789")
        if self._owner(link) is not None and ctx.site.tokens.is_code(self.purpose, link.id, typed):
            spend(ctx, link)
            return True
        link.wrong_codes += 1
        if link.wrong_codes >= WRONG_CODES:
            spend(ctx, link)
        return False

    def _newest_first(self, ctx: TransactionContext, browser_hashes: Sequence[str]) -> SelectOfScalar[Link]:
        """The links that can still be used in this browser."""
        usable = (
            col(self.table.browser_hash).in_(browser_hashes),
            col(self.table.used_at).is_(None),
            col(self.table.expires_at) >= ctx.at,
        )
        return select(self.table).where(*usable).order_by(col(self.table.id).desc())

    def _owner(self, link: Link) -> str | None:
        owner: str | None = getattr(link, self.owner_column)
        return owner


def belongs_here(link: MailedLink, browser_hashes: Sequence[str]) -> bool:
    """Whether this browser is the one that asked (6.6.2)."""
    return link.browser_hash in browser_hashes


def spend(ctx: TransactionContext, link: MailedLink) -> None:
    """End a link unused, or by its use. Takes back its mail too, if that still waits."""
    link.used_at = ctx.at
    obsolete.take_back(ctx.session, [link.id])


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
