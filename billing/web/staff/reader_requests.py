"""A reader's waiting requests, as the reader's page shows them."""

from dataclasses import replace

from billing.platform.context import TransactionContext
from billing.staff import answer_requests, request_steps, requests, threads
from billing.staff.roles import Permission
from billing.web.reader.own_requests import thread_message
from billing.web.staff.guard import StaffVisit
from billing.web.staff.requests import answer_goes, nobody_reads, request_row
from billing.web.views.staff_requests import ReaderRequestRow


def requests_of(visit: StaffVisit, ctx: TransactionContext, reader_id: str) -> tuple[ReaderRequestRow, ...]:
    """Those that wait for an answer, the longest wait first.

    A short answer is written there only where the page shows all that there is: the request's own words, to which nothing was
    added, which no colleague has taken or noted something on. Else the member opens the request first."""
    found = requests.waiting(ctx, reader_id=reader_id)
    if not found:
        return ()
    ids = [waiting.request.id for waiting in found]
    replies, noted = threads.last_replies(ctx.session, ids), request_steps.with_notes(ctx.session, ids)
    rows = []
    for waiting in found:
        request, to = waiting.request, answer_requests.recipient_of(ctx, waiting.request)
        reply, is_mine = replies.get(request.id), request.claimed_by_id == visit.member.id
        shows_all = reply is None and request.id not in noted
        rows.append(
            ReaderRequestRow(
                row=request_row(waiting),
                latest=replace(thread_message(reply), by=reply.by) if reply is not None else None,
                is_mine=is_mine,
                may_open=visit.may(Permission.ANSWER),
                short_answer=visit.may(Permission.ANSWER)
                and shows_all
                and (is_mine or request.claimed_by_id is None),
                answer_goes=answer_goes(to),
                nobody_reads=nobody_reads(to),
            )
        )
    return tuple(rows)
