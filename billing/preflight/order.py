"""The order of the checks, which is that of going live: each needs those before it."""

from collections.abc import Callable, Iterator
from functools import partial

import sqlalchemy as sa

from billing.platform.db_errors import first_line
from billing.preflight import (
    acquirer_checks,
    disk,
    installation_checks,
    legal_checks,
    mail_checks,
    public_address,
)
from billing.preflight.check_result import CheckResult, no
from billing.preflight.context import Preflight

CHECKS: dict[str, Callable[[Preflight], Iterator[CheckResult]]] = {
    "settings": installation_checks.settings,
    "database": installation_checks.database,
    "schema": installation_checks.schema,
    "secret key": installation_checks.secret_key,
    "standby for reports": installation_checks.standby_for_reports,
    "legal documents": legal_checks.legal_documents,
    "public address": public_address.public_address,
    "relay": mail_checks.relay,
    "mail DNS": mail_checks.mail_dns,
    "acquirer key": acquirer_checks.acquirer_key,
    "webhooks": acquirer_checks.webhooks,
    "clock": acquirer_checks.clock,
    "disk": disk.disk,
}
"""`billing/docs/operate.md` has the same order."""


def check_results(given: Preflight) -> Iterator[tuple[str, CheckResult]]:
    """Each result, with the name of its check. One that can't be made delays no other."""
    for name, check in CHECKS.items():
        for result in _safely(partial(check, given)):
            yield name, result


def _safely(check: Callable[[], Iterator[CheckResult]]) -> Iterator[CheckResult]:
    try:
        yield from check()
    except sa.exc.DBAPIError as error:
        yield no(f"the database doesn't say ({first_line(error)})")
