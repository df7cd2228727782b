"""The documents that readers must be given before they order."""

from collections.abc import Iterator

from billing.brand import legal
from billing.platform.settings import Environment
from billing.preflight.check_result import CheckResult, no, ok, warn
from billing.preflight.context import Preflight


def legal_documents(given: Preflight) -> Iterator[CheckResult]:
    """Whether terms, privacy notice and refund policy are published (ECT-1). Outside `live` a missing one is a warning."""
    with given.reading() as session:
        lacking, present = legal.missing(session), legal.in_force(session)
    if not lacking:
        yield ok(", ".join(f"{row.kind} version {row.number}" for row in present))
    is_live = given.settings.environment is Environment.LIVE
    yield from map(no if is_live else warn, map(legal.lacks, lacking))
