"""The form of a merge: the other account, which one stays, and whose address."""

from collections.abc import Collection

from sqlmodel import Session

from billing.changes.cancel import When
from billing.personal_data import merge
from billing.platform.errors import Invalid
from billing.platform.storable import storable
from billing.readers.models import Reader
from billing.readers.register import LONGEST_ADDRESS, by_address
from billing.staff.acts.merging import MergeAct
from billing.subscriptions.find import live_of
from billing.web.staff.act_forms import ActForm, Typed
from billing.web.staff.guard import StaffVisit
from billing.web.views.staff_act import ActField, FirstStep

TITLE = "Merge with another account of this person"
HERE, OTHER = "this", "other"


class NoOtherAccount(Invalid):
    """No account has this address or id. Check it for typing mistakes."""

    code = "no_other_account"


def merging(_visit: StaffVisit, session: Session, reader_id: str, typed: Typed) -> ActForm:
    """Before the other account is typed, its field alone; then also which account stays, and whose address."""
    text = (typed.other or "").strip()
    asked = ActField(
        name="other",
        label="The other account",
        kind="text",
        value=text,
        most=LONGEST_ADDRESS,
        hint="Its address, or its id. Make sure that both are the same person’s: ask by both addresses.",
    )
    if not text:
        return ActForm(TITLE, None, (asked,))
    other = _find(session, text)
    if other is None:
        return ActForm(TITLE, None, (asked,), error=NoOtherAccount())
    default = HERE if merge.who_stays(session, reader_id, other.id) == reader_id else OTHER
    stays = typed.stays if typed.stays in (HERE, OTHER) else default
    address = typed.keeps if typed.keeps in (HERE, OTHER) else stays
    here = session.get(Reader, reader_id)
    emails = {HERE: here.email if here is not None else "", OTHER: other.email}
    accounts = ((HERE, f"{reader_id}, this one"), (OTHER, f"{other.id}, the other one"))
    fields = (
        asked,
        ActField(name="stays", label="The account that stays", kind="choice", value=stays, choices=accounts),
        ActField(
            name="keeps",
            label="The address that stays",
            kind="choice",
            value=address,
            choices=tuple(emails.items()),
            hint="The reader must be able to read its mail: sign-in links go there.",
        ),
    )
    ids = {HERE: reader_id, OTHER: other.id}
    goes = HERE if stays == OTHER else OTHER
    act = MergeAct(ids[stays], ids[goes], other_address=address != stays)
    return ActForm(TITLE, act, fields, first=_first(session, tuple(ids.values())))


def _find(session: Session, text: str) -> Reader | None:
    if not storable(text):
        return None
    return by_address(session, text) if "@" in text else session.get(Reader, text)


def _first(session: Session, reader_ids: Collection[str]) -> tuple[FirstStep, ...]:
    """What staff do first where two accounts have a live subscription each."""
    live = [reader_id for reader_id in dict.fromkeys(reader_ids) if live_of(session, reader_id) is not None]
    if len(live) < 2:
        return ()
    return tuple(
        FirstStep(f"/staff/readers/{reader_id}/{act}", f"{words} {reader_id}")
        for reader_id in live
        for act, words in ((f"cancel?when={When.NOW}", "Cancel now for"), ("withdraw", "Withdraw for"))
    )
