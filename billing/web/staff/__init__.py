"""The pages of staff: thin routers, each behind `guard`."""

from billing.web.staff import (
    acts,
    audit,
    books,
    cases,
    disputes,
    find,
    invoices,
    members,
    newsletters,
    reader,
    requests,
    sign_in,
)

PAGES = (sign_in, find, reader, acts, disputes, requests, invoices, books, cases, audit, members, newsletters)
