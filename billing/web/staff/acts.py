"""The pages of staff acts for a reader: a GET shows what the act would do, a POST does it."""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from billing.acquirer.answers import NoSuchObject, Unknown
from billing.acquirer.balance_port import TakenRefund
from billing.platform.errors import Unavailable
from billing.refunds.pay_back import UnknownRefund
from billing.staff.roles import Permission
from billing.web.kit.bulkhead import GatewayCall, may_call_gateway
from billing.web.staff import account_forms
from billing.web.staff.act_forms import MAKERS, MakeForm, Typed, TypedNote, enter_refund
from billing.web.staff.confirm import ActPage
from billing.web.staff.guard import StaffVisit, needs
from billing.web.staff.merge_form import merging

router = APIRouter(include_in_schema=False)
PAGE = "/staff/readers/{reader_id}/"
REFUND_REF = re.compile(r"[A-Za-z0-9_-]{1,60}")
Named = Annotated[str, Query(max_length=60)]


def _add(slug: str, permission: Permission, make: MakeForm) -> None:
    def page_of(visit: StaffVisit, reader_id: str, typed: Typed) -> ActPage:
        return ActPage(visit, reader_id, lambda session: make(visit, session, reader_id, typed))

    @router.get(PAGE + slug)
    def show(
        visit: Annotated[StaffVisit, needs(permission)],
        reader_id: str,
        payment: Named = "",
        when: Named = "",
        chosen: Named = "",
        days: Named | None = None,
        months: Named | None = None,
    ) -> Response:
        typed = Typed(payment=payment, when=when, chosen=chosen, days=days, months=months)
        return page_of(visit, reader_id, typed).show()

    @router.post(PAGE + slug)
    def do(
        visit: Annotated[StaffVisit, needs(permission, acts=True)],
        reader_id: str,
        typed: Annotated[Typed, Depends(TypedNote if slug == "note" else Typed)],
    ) -> Response:
        return page_of(visit, reader_id, typed).submit(typed)


for _slug, (_permission, _make) in (MAKERS | account_forms.MAKERS).items():
    _add(_slug, _permission, _make)
_add("merge", Permission.MERGE, merging)


def _refund_at_acquirer(visit: StaffVisit, refund_ref: str) -> TakenRefund:
    """The refund as its acquirer knows it now. Call it with no transaction open. Raises UnknownRefund, Unavailable."""
    if not REFUND_REF.fullmatch(refund_ref):
        raise UnknownRefund
    for gateway in visit.services.acquirers:
        found = gateway.books.refund(refund_ref)
        if isinstance(found, Unknown):
            raise Unavailable(
                f"{gateway.display_name} can't say what became of this refund now ({found.reason}). Try again in a minute."
            )
        if not isinstance(found, NoSuchObject):
            return found
    raise UnknownRefund


def _enter_page(visit: StaffVisit, reader_id: str, ref: str, found: TakenRefund | None) -> ActPage:
    return ActPage(visit, reader_id, lambda _: enter_refund(reader_id, ref, found))


@router.get(PAGE + "enter-refund")
@may_call_gateway
def enter_refund_page(
    visit: Annotated[StaffVisit, needs(Permission.ENTER_REFUND)], reader_id: str, refund: Named = ""
) -> GatewayCall:
    """Show a refund made in the acquirer's dashboard before it is entered."""
    return GatewayCall(
        visit, lambda: _enter_page(visit, reader_id, refund, _refund_at_acquirer(visit, refund)).show()
    )


@router.post(PAGE + "enter-refund")
@may_call_gateway
def enter(
    visit: Annotated[StaffVisit, needs(Permission.ENTER_REFUND, acts=True)],
    reader_id: str,
    typed: Annotated[Typed, Depends()],
) -> GatewayCall:
    """Enter the refund. While the acquirer can't answer, the reason stays in the form."""
    ref = typed.refund or ""

    def do() -> Response:
        try:
            found = _refund_at_acquirer(visit, ref)
        except Unavailable as refusal:
            return _enter_page(visit, reader_id, ref, None).again(typed.reason, refusal)
        return _enter_page(visit, reader_id, ref, found).submit(typed)

    return GatewayCall(visit, do)
