"""`python -m tests.mutation`: draw mutants from a seed and run the tests on each."""

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from tests.mutation.draw import Mutant, candidates, draw
from tests.mutation.judge import BrokenWithoutChange, Judge
from tests.mutation.report import append_verdict, read_verdicts, table
from tests.mutation.tree import open_trees

ENOUGH = 3
"""From this many mutants on, a first run of all tests pays: later only the tests that reach a mutant are run."""
ROOT = Path(__file__).parents[2]
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path, resolve_path=True)


@click.command(context_settings={"max_content_width": 110})
@click.option("--seed", default=1, show_default=True, help="The draw. Same seed and same tree, same mutants.")
@click.option("--count", default=40, show_default=True, type=click.IntRange(1), help="How many to draw.")
@click.option(
    "--only", multiple=True, metavar="ID", help="Run this mutant, drawn or not; may be given again."
)
@click.option("--list", "only_list", is_flag=True, help="Print the draw with its diffs and run nothing.")
@click.option(
    "--tests",
    type=FOLDER,
    help="A folder with another version of the tests: tests/, Makefile and pyproject.toml come from there.",
)
@click.option(
    "--tree", type=FOLDER, default=ROOT, help="The tree whose product is changed (default: this one)."
)
@click.option(
    "--workers", default=2, show_default=True, type=click.IntRange(0), help="Processes of pytest-xdist."
)
@click.option(
    "--seconds", default=1200.0, show_default=True, help="A mutant whose tests take longer has timed out."
)
@click.option("--related-only", is_flag=True, help="Run only the tests related to the changed module.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Append each verdict as a JSON line; mutants with a verdict there aren't run again.",
)
def main(
    seed: int,
    count: int,
    only: tuple[str, ...],
    only_list: bool,
    tests: Path | None,
    tree: Path,
    workers: int,
    seconds: float,
    related_only: bool,
    out: Path | None,
) -> None:
    """Draw small changes to the product (mutants) from a seed and run the tests on each until one fails.

    Subjects: money, dates, access, mail. Kinds: a comparison turned, a day added, a sign turned, a lock left out, an early
    return, a boolean turned. A mutant is killed by the first failing test, survives, or times out (which counts as killed).
    Related tests run first, then those that come by the changed function: all tests without a browser run once to find them.
    With fewer than three mutants, or with --tests, all others follow, those with a browser last. The long proofs and the
    architecture tests are left out. A test that fails without any change kills nothing. Each mutant runs in a copy of the tree,
    which is removed.

    \b
    python -m tests.mutation --seed 11 --list
    python -m tests.mutation --seed 11 --out verdicts.jsonl
    python -m tests.mutation --only money-sign-35f5b0f
    python -m tests.mutation --seed 11 --tests ../old --out old.jsonl
    """
    mutants = _chosen(tree, seed, count, only)
    if only_list:
        for mutant in mutants:
            click.echo(f"{mutant.id}  {mutant.place}  {mutant.scope}\n{mutant.diff}")
        return
    signal.signal(signal.SIGTERM, _stop)
    verdicts = read_verdicts(out) if out else {}
    left = [mutant for mutant in mutants if mutant.id not in verdicts]
    with open_trees(tree, tests) as trees, _broken_tests_said():
        judge = Judge(trees, workers=workers, seconds=seconds, related_only=related_only)
        if len(left) >= ENOUGH and not related_only and tests is None:
            click.echo("all tests once, to see which come by the changes …", err=True)
            judge.find_reach(left)
        for number, mutant in enumerate(left, 1):
            click.echo(f"{number}/{len(left)} {mutant.id} {mutant.place} …", err=True)
            verdict = judge.judge(mutant)
            click.echo(f"  {verdict.verdict} {verdict.test}", err=True)
            verdicts[mutant.id] = verdict
            if out:
                append_verdict(out, verdict)
    click.echo(table([verdicts[mutant.id] for mutant in mutants]))
    if judge.broken:
        click.echo("\nleft out, because they fail without any change:\n" + "\n".join(judge.broken))


def _chosen(tree: Path, seed: int, count: int, only: Sequence[str]) -> list[Mutant]:
    pool = candidates(tree)
    if not only:
        return draw(pool, seed, count)
    by_id = {mutant.id: mutant for mutant in pool}
    unknown = [one for one in only if one not in by_id]
    if unknown:
        raise click.BadParameter(f"no such mutant in this tree: {', '.join(unknown)}")
    return [by_id[one] for one in only]


@contextmanager
def _broken_tests_said() -> Iterator[None]:
    try:
        yield
    except BrokenWithoutChange as error:
        raise click.ClickException(f"The tests fail without any change: {error}") from error


def _stop(number: int, frame: FrameType | None) -> None:
    """Raise SystemExit, so that processes are ended and folders removed."""
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
