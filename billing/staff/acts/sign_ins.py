"""Sign a reader's browsers out, and mail the reader a link to sign in."""

from dataclasses import dataclass

from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict
from billing.readers import deceased, devices, sessions, sign_in
from billing.readers.links import LIFE
from billing.readers.register import by_id
from billing.staff.acts.shape import Preview, moment
from billing.staff.roles import Permission


class SignedOutAlready(Conflict):
    """The reader isn't signed in there any more."""

    code = "not_signed_in"


class NoLinkForDeceased(Conflict):
    """This reader has died, so no link to sign in is mailed. Their page says whom to write to."""

    code = "no_link_for_deceased"


@dataclass(frozen=True)
class SignOutAct:
    """End one session of the reader, or all (None)."""

    reader_id: str
    session_id: str | None = None
    what = Permission.READER_SIGN_INS

    def preview(self, ctx: TransactionContext, /) -> Preview:
        """Which browsers. Raises SignedOutAlready."""
        found = [
            row for row in sessions.open_sessions(ctx, self.reader_id) if self.session_id in (None, row.id)
        ]
        if not found:
            raise SignedOutAlready
        browsers = tuple(
            f"{devices.in_words(row.device)} is signed out, last seen on {moment(ctx.site, row.seen_at)}."
            for row in found
        )
        again = "The reader can sign in again there, by a mailed link or a passkey."
        return Preview(
            (*browsers, again), "Sign it out" if len(found) == 1 else f"Sign {len(found)} browsers out"
        )

    def do(self, ctx: TransactionContext, _: str, /) -> str:
        """End them; the id of the session, or of the reader."""
        if not sessions.end_sessions(ctx, self.reader_id, only=self.session_id):
            raise SignedOutAlready
        return self.session_id or self.reader_id


@dataclass(frozen=True)
class MailLinkAct:
    """Mail the reader a link to sign in, for somebody who can't ask for one."""

    reader_id: str
    what = Permission.READER_SIGN_INS

    def preview(self, ctx: TransactionContext, /) -> Preview:
        """Where it goes, and how it works. Raises NoLinkForDeceased."""
        email = by_id(ctx.session, self.reader_id).email
        if deceased.of(ctx.session, self.reader_id) is not None:
            raise NoLinkForDeceased
        return Preview(
            (
                f"{email} gets a link and a code, which work once and for {LIFE.seconds // 60} minutes.",
                "The link opens a page in any browser, and the code from the same mail signs in there.",
                "Nobody here sees either. Never ask a reader for the code.",
            ),
            "Mail the link",
        )

    def do(self, ctx: TransactionContext, _: str, /) -> str:
        """Mail it; the id of the link. Raises TooMany."""
        return sign_in.mail_link_for_staff(ctx, by_id(ctx.session, self.reader_id))
