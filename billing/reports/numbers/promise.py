"""The promise that kept days say what ledger and history say."""

# ruff: noqa: S608 - the query is put together from constants of ours

from billing.reports.numbers.days import COUNTED_AGAIN
from billing.reports.numbers.measures import MONEY_SOURCE, RECURRING_SOURCE, TRIAL_SOURCE
from billing.reports.promise import Promise

_SAMPLED = "(SELECT day FROM sampled)"
_WHEN = {
    ":begin": f"({_SAMPLED}::timestamp AT TIME ZONE :zone)",
    ":until": f"(({_SAMPLED} + 1)::timestamp AT TIME ZONE :zone)",
    ":first": _SAMPLED,
    ":last": _SAMPLED,
}
_MERGED = ("mrr_new", "mrr_reactivation", "count_new", "count_reactivation")
"""Whether a reader had paid before changes where two accounts become one."""


def _on_sampled_day(query: str) -> str:
    for name, value in _WHEN.items():
        query = query.replace(name, value)
    return f"SELECT measure, of, value FROM ({query}) s"


_FRESH = " UNION ALL ".join(
    _on_sampled_day(source.sql) for source in (RECURRING_SOURCE, TRIAL_SOURCE, MONEY_SOURCE)
)
KEPT_DAYS = Promise(
    "kept-days-are-right",
    "The numbers kept of one closed day, another each night, are those that ledger and history give.",
    f"""WITH sampled AS MATERIALIZED (
            SELECT through - {
        COUNTED_AGAIN
    } - (CAST(:at AS date) - date '2020-01-01') % 30 AS day FROM number_mark),
        fresh AS MATERIALIZED ({_FRESH}),
        kept AS MATERIALIZED (SELECT measure, of, value FROM number_day WHERE day = {
        _SAMPLED
    } AND measure = ANY(ARRAY{[*RECURRING_SOURCE.measures, *TRIAL_SOURCE.measures, *MONEY_SOURCE.measures]}))
        SELECT concat_ws(' ', {_SAMPLED}, measure, nullif(of, '')) AS id,
            concat('kept as ', coalesce(kept.value, 0), ', and it is ', coalesce(fresh.value, 0)) AS at_fault
        FROM fresh FULL JOIN kept USING (measure, of)
        WHERE fresh.value IS DISTINCT FROM kept.value AND measure <> ALL (ARRAY{[*_MERGED]})""",
    link="/staff/numbers",
)
"""Late answers come within a week. One that comes later, or a restored database, is seen here; `billing numbers keep` computes the
days anew."""
