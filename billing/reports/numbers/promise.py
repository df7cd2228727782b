"""The promises that what is kept of days and of starts says what ledger and history say."""

# ruff: noqa: S608 - the query is put together from constants of ours

from billing.reports.numbers.days import COUNTED_AGAIN
from billing.reports.numbers.measures import MONEY_SOURCE, RECURRING_SOURCE, TRIAL_SOURCE
from billing.reports.numbers.paid_by_starts import KEPT_UNTIL, MOVED, summed
from billing.reports.promise import Promise

_DAY_OF_MARK = (
    f"SELECT through - {COUNTED_AGAIN} - (CAST(:at AS date) - date '2020-01-01') % 30 AS day FROM number_mark"
)
"""Another closed day each night, of the last month of those that aren't counted again."""
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
    return query


_FRESH = " UNION ALL ".join(
    f"SELECT measure, of, value FROM ({_on_sampled_day(source.sql)}) s"
    for source in (RECURRING_SOURCE, TRIAL_SOURCE, MONEY_SOURCE)
)
_LAST_DAYS = MOVED.replace(
    ":begin", f"((SELECT through + 1 - {COUNTED_AGAIN} FROM number_mark)::timestamp AT TIME ZONE :zone)"
).replace(":until", "'infinity'")
KEPT_DAYS = Promise(
    "kept-days-are-right",
    "The numbers kept of one closed day, another each night, are those that ledger and history give.",
    f"""WITH sampled AS MATERIALIZED ({_DAY_OF_MARK}),
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
KEPT_STARTS = Promise(
    "kept-starts-are-right",
    "What is kept as paid by a start with a known origin is what payments and refunds give: those that paid on one closed day, another each night.",
    f"""WITH sampled AS MATERIALIZED ({_DAY_OF_MARK}), {summed(_on_sampled_day(MOVED), KEPT_UNTIL)}
        SELECT subscription_id AS id, concat('kept as ', coalesce(o.paid_cents::text, 'nothing'), ', and it is ', f.cents) AS at_fault
        FROM fresh f JOIN start_origin o USING (subscription_id)
        WHERE o.paid_cents IS DISTINCT FROM f.cents AND subscription_id NOT IN ({_LAST_DAYS})""",
    link="/staff/numbers/origins",
)
"""Those whose money moved in the last days are left out: the next night may keep them anew. `billing numbers keep` mends the others."""
KEPT_NUMBERS = (KEPT_DAYS, KEPT_STARTS)
