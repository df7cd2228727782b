"""The monthly comparison of promotional lists with the national opt-out register (C4, CPA-5)."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlmodel import Session, col, select

from billing.mail import suppressions
from billing.mail.suppression_models import SuppressionReason
from billing.newsletters.models import Newsletter, NewsletterKind, Signup, SignupState
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict, Invalid
from billing.readers.models import Reader
from billing.readers.register import BadAddress, clean_address


class NothingPromotional(Conflict):
    """No newsletter is promotional, so none has to be compared with the register."""

    code = "nothing_promotional"


class BadRegister(Invalid):
    """What the register answered is a file with one address a line."""

    code = "bad_register"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The names of the lists, and how many addresses are newly blocked, were blocked before, or stay despite the register."""

    lists: tuple[str, ...]
    blocked: int
    known: int
    spared: int


# a retired one is compared when it is brought back, as each promotional issue needs a comparison within the month
_MARKETED = (Newsletter.kind == NewsletterKind.PROMOTIONAL, col(Newsletter.retired_at).is_(None))


def marketed(session: Session) -> list[str]:
    """The addresses on promotional lists, each once, to send to the register."""
    rows = session.exec(
        select(Signup.address, Reader.email)
        .join(Newsletter, col(Newsletter.id) == Signup.newsletter_id)
        .join(Reader, col(Reader.id) == Signup.reader_id, isouter=True)
        .where(*_MARKETED, Signup.state == SignupState.CONFIRMED)
    )
    return sorted({suppressions.key_of(email or address) for address, email in rows})


def read_register(lines: Iterable[str]) -> list[str]:
    """The addresses in the register's file, one a line. Raises BadRegister with the line's number."""
    found = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            found.append(clean_address(line))
        except BadAddress:
            raise BadRegister(
                f"Line {number} is no address. {BadRegister.__doc__} Nothing has been changed."
            ) from None
    return found


def compare(ctx: TransactionContext, blocked: Iterable[str]) -> Comparison:
    """Block promotional newsletters to these addresses, and record the comparison on all promotional lists that aren't retired.

    A block that was lifted, by a new opt-in or by staff with a reason, isn't set again: that consent came later, and to us.
    Raises NothingPromotional."""
    lists = ctx.session.exec(
        select(Newsletter)
        .where(*_MARKETED)
        .order_by(col(Newsletter.position), col(Newsletter.id))
        .with_for_update()
    ).all()
    if not lists:
        raise NothingPromotional
    lifted = suppressions.lifted(ctx.session, SuppressionReason.REGISTER)
    addresses = {suppressions.key_of(address) for address in blocked}
    new, spared = set(), set()
    for list_ in lists:
        scope = suppressions.one_list(list_.id)
        for address in addresses:
            if (suppressions.digest(ctx.site.tokens, address), scope) in lifted:
                spared.add(address)
            elif suppressions.suppress(
                ctx, address, scope=scope, reason=SuppressionReason.REGISTER, source="the opt-out register"
            ):
                new.add(address)
        list_.opt_outs_checked_at = ctx.at
    spared -= new
    names = tuple(list_.name for list_ in lists)
    return Comparison(names, len(new), len(addresses - new - spared), len(spared))
