"""A reader's waiting requests, as the reader's page shows them."""

from billing.platform.context import TransactionContext
from billing.staff import answer_requests, requests
from billing.web.staff.requests import answer_goes, nobody_reads, request_row
from billing.web.views.staff_requests import ReaderRequestRow


def requests_of(ctx: TransactionContext, reader_id: str) -> tuple[ReaderRequestRow, ...]:
    """Those that wait for an answer, the longest wait first."""
    rows = []
    for waiting in requests.waiting(ctx, reader_id=reader_id):
        to = answer_requests.recipient_of(ctx, waiting.request)
        rows.append(
            ReaderRequestRow(
                row=request_row(waiting), answer_goes=answer_goes(to), nobody_reads=nobody_reads(to)
            )
        )
    return tuple(rows)
