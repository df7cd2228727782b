"""The pages of staff: thin routers, each behind `guard`."""

from billing.web.staff import (
    acts,
    audit,
    books,
    find,
    invoices,
    members,
    newsletters,
    reader,
    requests,
    sign_in,
)

PAGES = (sign_in, find, reader, acts, requests, invoices, books, audit, members, newsletters)
