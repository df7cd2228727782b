"""The report of a simulation: one self-contained HTML page, and a short text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2

from billing.dev.simulate import plots
from billing.dev.simulate.counted_apart import COMPARED, DIFFERS
from billing.dev.simulate.figures import STATES
from billing.dev.simulate.run import SimulationVerdict
from billing.dev.simulate.scenarios import ActKind

HERE = Path(__file__).parent
MONEY = ("charged", "refunded", "recognised", "fees")
STATE_WORDS = ("in the trial", "active", "past due", "paused")
MAILS = 7
"""Kinds of mail in the plot; the table has all."""
SHOWN = 40
"""Breaches listed one by one."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot with its caption and the figures behind it."""

    title: str
    words: str
    svg: str
    legend: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def write(verdict: SimulationVerdict, path: Path) -> None:
    """Write the page to `path`."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined
    )
    page = environment.get_template("report.html").render(
        options=verdict.options,
        verdict=verdict,
        broken=verdict.broken[:SHOWN],
        more=max(0, len(verdict.broken) - SHOWN),
        facts=facts(verdict),
        plots=[
            _readers(verdict),
            _money(verdict),
            _conversion(verdict),
            _churn(verdict),
            _dunning(verdict),
            _mails(verdict),
        ],
        doctor=_doctor(verdict),
        met=_met(verdict),
        became=[(words, f"{count:,}") for words, count in verdict.figures.doubts.items()],
        answers=_answers(verdict),
        logged=[(words, f"{count:,}") for words, count in verdict.logged.most_common(12)],
    )
    path.write_text(page, "utf-8")


def facts(verdict: SimulationVerdict) -> list[tuple[str, str]]:
    """The figures of the first screen."""
    figures = verdict.figures
    sums = {what: sum(month[what] for month in figures.money.values()) for what in MONEY}
    over, paid = (sum(month[place] for month in figures.conversion.values()) for place in (0, 1))
    failed, recovered = sum(figures.failed.values()), figures.failed["paid"]
    return [
        ("readers", f"{verdict.options.readers:,}, of whom {sum(figures.end['subscriptions'].values()):,} began"),
        ("charges", f"{verdict.charges:,}, {rand(verdict.cents)}"),
        ("given back", rand(sums["refunded"])),
        ("recognised", rand(sums["recognised"])),
        ("fees", rand(sums["fees"])),
        ("trials that were paid for", share(paid, over)),
        ("refused charges paid in the end", f"{share(recovered, failed)} ({recovered:,} of {failed:,})"),
        ("mails taken by the relay", f"{sum(figures.end['mails'].values()):,}"),
        ("faults met", f"{sum(verdict.struck.values()) + _mail_faults(verdict):,}"),
        ("storms, workers killed", f"{len(verdict.storms)}, {sum(verdict.deaths.values())}"),
        ("doctor's visits, all clean", f"{sum(not n for n in figures.doctor.values()):,} of {len(figures.doctor):,}"),
        ("days compared with Stripe, all alike", f"{sum(not n for n in figures.differences.values()):,} of {len(figures.differences):,}"),
        ("numbers counted apart, all alike", f"{verdict.counted_apart - _unlike(verdict):,} of {verdict.counted_apart:,}"),
        ("took", f"{_minutes(verdict.seconds)}, {verdict.cpu_seconds:,.0f} s of CPU"),
        ("memory at most", f"{verdict.peak / 2**20:,.0f} MiB, all processes together"),
    ]  # fmt: skip


def summary(verdict: SimulationVerdict) -> str:
    """The report as text."""
    lines = [f"{words:>37}  {value}" for words, value in facts(verdict)]
    lines += [f"BROKEN: {words}" for words in verdict.broken[:SHOWN]]
    if len(verdict.broken) > SHOWN:
        lines.append(f"... and {len(verdict.broken) - SHOWN} more")
    return "\n".join(lines)


def conclusion(verdict: SimulationVerdict) -> str:
    """The result in one line."""
    if not verdict.broken:
        return (
            "Every promise was kept: doctor and books clean each day, the ledger sums to zero, nobody charged outside the calendar."
            f" {COMPARED} equal a count made apart ({verdict.counted_apart} numbers)."
        )
    return f"{len(verdict.broken)} things are broken; the first: {verdict.broken[0]}"


def rand(cents: int) -> str:
    """Format cents as rand, without a mention of VAT."""
    return f"R{cents / 100:,.2f}"


def share(part: int, whole: int) -> str:
    """A part of a whole in per cent."""
    return f"{100 * part / whole:.1f}%" if whole else "–"


def _unlike(verdict: SimulationVerdict) -> int:
    return sum(words.startswith(DIFFERS) for words in verdict.broken)


def _mail_faults(verdict: SimulationVerdict) -> int:
    return sum(verdict.mail.get(what, 0) for what in ("deferred", "greylisted", "refused", "untold"))


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60} min {int(seconds) % 60} s"


def _readers(verdict: SimulationVerdict) -> Plot:
    figures = verdict.figures
    firsts = [(n, f"{day:%b}") for n, day in enumerate(figures.days) if day.day == 1]
    series = {state: figures.states[state] for state in STATES}
    rows = [
        (
            f"{figures.days[n]:%-d %B}",
            *(f"{figures.states[state][n]:,}" for state in STATES),
            f"{figures.ended[n]:,}",
        )
        for n, _ in firsts
    ]
    return Plot(
        "Readers by state",
        "At the end of each day; who has ended isn't shown.",
        plots.stacked(series, firsts[:: -(-len(firsts) // 8) or 1], "Readers by state over time"),
        STATE_WORDS,
        ("at the end of", *STATE_WORDS, "ended"),
        tuple(rows),
    )


def _money(verdict: SimulationVerdict) -> Plot:
    months = verdict.figures.money
    groups = {_month(month): [cents[what] / 100 for what in MONEY] for month, cents in months.items()}
    rows = [(month, *(rand(cents[what]) for what in MONEY)) for month, cents in months.items()]
    return Plot(
        "Money",
        "Rand by month. Charged and refunded include VAT; recognised is revenue without it.",
        plots.bars(groups, "Money by month"),
        MONEY,
        ("month", *MONEY),
        tuple(rows),
    )


def _conversion(verdict: SimulationVerdict) -> Plot:
    figures = verdict.figures.conversion
    groups = {
        _month(month): [_part(paid, over), _part(left, over)] for month, (over, paid, left) in figures.items()
    }
    rows = [
        (month, f"{over:,}", share(paid, over), share(left, over))
        for month, (over, paid, left) in figures.items()
    ]
    return Plot(
        "Trials",
        "Of the trials begun in a month and over by now: paid for, and left before the first charge.",
        plots.bars(groups, "Trial conversion by month", "%"),
        ("paid for", "left in the trial"),
        ("begun in", "over", "paid for", "left in the trial"),
        tuple(rows),
    )


def _churn(verdict: SimulationVerdict) -> Plot:
    figures = verdict.figures.churn
    groups = {_month(month): [_part(left, paying)] for month, (paying, left) in figures.items()}
    rows = [
        (month, f"{paying:,}", f"{left:,}", share(left, paying)) for month, (paying, left) in figures.items()
    ]
    return Plot(
        "Churn",
        "Of those who paid at a month's beginning, how many left in it: by their wish, by a bank's, or for want of payment.",
        plots.bars(groups, "Churn by month", "%"),
        ("left",),
        ("month", "paying at its beginning", "left", "share"),
        tuple(rows),
    )


def _dunning(verdict: SimulationVerdict) -> Plot:
    figures = verdict.figures
    failed, so_far = sum(figures.failed.values()), 0
    groups: dict[str, Sequence[float]] = {}
    for day in range(22):
        so_far += figures.recovered[day]
        groups[str(day)] = [_part(so_far, failed)]
    rows = [(words, f"{count:,}", share(count, failed)) for words, count in figures.failed.most_common()]
    return Plot(
        "Refused charges",
        "Paid so many days after the first refusal, in per cent of all that were refused.",
        plots.bars(groups, "Recovery of refused charges by day", "%"),
        (),
        ("invoice is now", "count", "share"),
        tuple(rows),
    )


def _mails(verdict: SimulationVerdict) -> Plot:
    figures = verdict.figures.mails
    kinds = sorted(figures, key=lambda kind: -sum(figures[kind].values()))
    taken = {kind.replace("_", " "): figures[kind].get("accepted", 0) for kind in kinds[:MAILS]}
    rows = [
        (kind.replace("_", " "), *(f"{figures[kind].get(state, 0):,}" for state in ("accepted", "refused", "expired", "obsolete", "queued")))
        for kind in kinds
    ]  # fmt: skip
    return Plot(
        "Mails",
        "Taken by the relay, by kind; the table has all of them.",
        plots.horizontal_bars(taken, "Mails by kind"),
        (),
        ("kind", "taken", "refused", "expired", "taken back", "waiting"),
        tuple(rows),
    )


def _doctor(verdict: SimulationVerdict) -> str:
    figures = verdict.figures
    days = []
    for day in figures.days:
        broken, differed = figures.doctor.get(day), figures.differences.get(day)
        kind = "none" if broken is None else "bad" if broken or differed else "good"
        words = "not yet" if broken is None else f"{broken} promises broken"
        days.append((kind, f"{day:%-d %B}: {words}, {differed or 0} differences with Stripe"))
    return plots.strip(days, "The doctor's visits, a square a day")


def _met(verdict: SimulationVerdict) -> list[tuple[str, str]]:
    """The planned faults that struck, with their counts."""
    found = [
        (words.replace("_", " "), f"{count:,}") for words, count in sorted(verdict.struck.items()) if count
    ]
    found += [
        (f"mail: {words}", f"{count:,}") for words, count in sorted(verdict.mail.items()) if words != "taken"
    ]
    found += [(f"worker killed at {point}", f"{count:,}") for point, count in sorted(verdict.deaths.items())]
    return found


def _answers(verdict: SimulationVerdict) -> list[tuple[str, str]]:
    by_kind: Mapping[ActKind, list[str]] = {kind: [] for kind in ActKind}
    for (kind, answer), count in sorted(verdict.answers.items(), key=lambda entry: -entry[1]):
        by_kind[kind].append(f"{count:,} {answer.replace('_', ' ')}")
    return [(str(kind), ", ".join(answers)) for kind, answers in by_kind.items() if answers]


def _part(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0


def _month(month: str) -> str:
    names = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return names[int(month[5:7]) - 1]
