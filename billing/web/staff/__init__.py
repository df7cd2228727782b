"""The pages of staff: thin routers, each behind `guard`."""

from billing.web.staff import (
    acts,
    articles,
    audit,
    books,
    cases,
    disputes,
    find,
    invoices,
    members,
    newsletters,
    prices,
    reader,
    requests,
    sign_in,
    webhooks,
    why,
)

PAGES = (
    sign_in,
    find,
    reader,
    acts,
    why,
    disputes,
    requests,
    prices,
    invoices,
    books,
    cases,
    audit,
    members,
    newsletters,
    articles,
    webhooks,
)
