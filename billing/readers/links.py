"""Mailed links that sign somebody in, for readers and for staff alike (SEC-1): single use, ten minutes, in the browser that asked.

Who may ask, what is mailed and what the link opens is the caller's; what makes a link safe is here, once."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel, col, select

from billing.mail import obsolete
from billing.platform import ids
from billing.platform.errors import Refusal
from billing.platform.tokens import Tokens

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
    """The columns of a table of links; the table adds whose the link is."""

    id: str = Field(primary_key=True)
    token_hash: str = Field(unique=True)
    browser_hash: str = Field(index=True)
    """Of the cookie in the browser that asked; the link, or the typed code, signs in there and nowhere else."""
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    wrong_codes: int = Field(default=0)


Link = TypeVar("Link", bound=MailedLink)


@dataclass(frozen=True)
class Links(Generic[Link]):
    """The links of one table. `purpose` keeps their tokens apart from all others; `whose` names the table's owner column."""

    table: type[Link]
    purpose: str
    whose: str

    def issue(
        self,
        session: Session,
        tokens: Tokens,
        owner_id: str | None,
        browser_hashes: Sequence[str],
        at: datetime,
    ) -> str:
        """A new link; older ones of this browser are spent by it. Its id, for the mail.

        Those of other browsers stay: a stranger's ask must not spend the owner's link. How many there are is bounded by how
        often an address may be written to. Without an owner (an unknown address) the same is written, so that the answer and
        its time are the same."""
        for older in self._usable(session, browser_hashes, at):
            _spend(session, older, at)
        link_id = ids.new("lnk", at)
        link = self.table(
            id=link_id,
            token_hash=_hash(tokens.token(self.purpose, link_id)),
            browser_hash=browser_hashes[0],
            created_at=at,
            expires_at=at + LIFE,
        )
        setattr(link, self.whose, owner_id)
        session.add(link)
        session.flush()
        return link_id

    def find(self, session: Session, tokens: Tokens, token: str, at: datetime) -> Link:
        """The link with this token, still good. Changes nothing: mail scanners follow links too (H6). Raises LinkSpent."""
        subject = tokens.subject_of(self.purpose, token)
        if subject is None:
            raise LinkSpent
        hashes = [_hash(one) for one in tokens.tokens(self.purpose, subject)]
        link = session.exec(
            select(self.table).where(col(self.table.token_hash).in_(hashes)).with_for_update()
        ).first()
        if link is None or link.used_at is not None or at > link.expires_at or self.owner(link) is None:
            raise LinkSpent
        return link

    def is_open(self, session: Session, owner_id: str, browser_hashes: Sequence[str], at: datetime) -> bool:
        """Whether a link of this owner's can still be used in this browser. Locks nothing."""
        found = select(self.table).where(*self._usable_in(browser_hashes, at))
        return any(self.owner(link) == owner_id for link in session.exec(found))

    def of_id(self, session: Session, link_id: str) -> Link:
        """A link that this transaction has issued."""
        return session.get_one(self.table, link_id)

    def owner(self, link: Link) -> str | None:
        """Whose link it is."""
        found: str | None = getattr(link, self.whose)
        return found

    def use(
        self, session: Session, tokens: Tokens, token: str, browser_hashes: Sequence[str], at: datetime
    ) -> Link:
        """Use the link up, in the browser that asked. Raises LinkSpent, OtherBrowser."""
        link = self.find(session, tokens, token, at)
        if not belongs_here(link, browser_hashes):
            raise OtherBrowser
        _spend(session, link, at)
        return link

    def use_code(
        self, session: Session, tokens: Tokens, code: str, browser_hashes: Sequence[str], at: datetime
    ) -> Link | None:
        """Use the code from the mail, typed in the browser that asked; None, and one try fewer, when it is wrong.

        The count of wrong codes must be committed, so a wrong code is an answer and not an exception. Raises LinkSpent."""
        links = self._usable(session, browser_hashes, at)
        if not links:
            raise LinkSpent
        link = links[0]
        typed = "".join(letter for letter in code if letter in "0123456789")
        right = self.owner(link) is not None and tokens.is_code(self.purpose, link.id, typed)
        if right:
            _spend(session, link, at)
            return link
        link.wrong_codes += 1
        if link.wrong_codes >= WRONG_CODES:
            _spend(session, link, at)
        session.add(link)
        return None

    def _usable(self, session: Session, browser_hashes: Sequence[str], at: datetime) -> list[Link]:
        found = select(self.table).where(*self._usable_in(browser_hashes, at))
        return list(session.exec(found.order_by(col(self.table.id).desc()).with_for_update()))

    def _usable_in(self, browser_hashes: Sequence[str], at: datetime) -> tuple[sa.ColumnElement[bool], ...]:
        return (
            col(self.table.browser_hash).in_(browser_hashes),
            col(self.table.used_at).is_(None),
            col(self.table.expires_at) >= at,
        )


def belongs_here(link: MailedLink, browser_hashes: Sequence[str]) -> bool:
    """Whether this browser is the one that asked (6.6.2)."""
    return link.browser_hash in browser_hashes


def _spend(session: Session, link: MailedLink, at: datetime) -> None:
    """Its mail isn't sent any more, where it still waits."""
    link.used_at = at
    session.add(link)
    obsolete.take_back(session, [link.id])


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
