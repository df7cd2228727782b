"""Judge a mutant: which test kills it, if any does."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from billing.platform.monotonic import Monotonic, SystemMonotonic
from tests.mutation.draw import Mutant
from tests.mutation.probe import NOTES
from tests.mutation.reach import Reach, noting, read_notes
from tests.mutation.related import NEVER_RUN, WITHOUT_BROWSER, related_tests
from tests.mutation.suite import Outcome, RunPytest, run_pytest
from tests.mutation.tree import Trees

KILLED, SURVIVED, TIMED_OUT = "killed", "survived", "timed out"
_LEAST_SECONDS = 60.0
RAN = (0, 1)
"""Exit statuses of pytest when it ran all tests, passed or failed."""


class BrokenWithoutChange(Exception):
    """The tests don't start in the unchanged tree, so they can't judge a mutant."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result for a mutant."""

    id: str
    subject: str
    kind: str
    place: str
    verdict: str
    test: str
    seconds: float
    diff: str

    @property
    def survived(self) -> bool:
        """Whether no test noticed it. A mutant that exceeds the tests' time limit counts as noticed."""
        return self.verdict.startswith(SURVIVED)

    def as_json(self) -> dict[str, object]:
        """The verdict as JSON, for the file of verdicts."""
        return asdict(self)


class Judge:
    """Runs the tests on one mutant after another, and leaves out tests that fail without any change."""

    def __init__(
        self,
        trees: Trees,
        *,
        workers: int,
        seconds: float,
        related_only: bool,
        monotonic: Monotonic | None = None,
        run: RunPytest = run_pytest,
    ) -> None:
        self._trees = trees
        self._monotonic = monotonic or SystemMonotonic()
        self._run_pytest = run
        self._options = [
            *(["-n", str(workers)] if workers else []),
            *(f"--ignore={path}" for path in NEVER_RUN),
        ]
        self._seconds = seconds
        self._related_only = related_only
        self._reach: Reach | None = None
        self._sound: set[str] = set()
        self.broken: list[str] = []
        """Tests that fail in the unchanged tree; they are left out."""

    def find_reach(self, mutants: Sequence[Mutant]) -> Reach:
        """Run all tests without a browser once; from now on each of these is judged by those that come by it.

        Raises BrokenWithoutChange."""
        with self._trees.changed("noting", noting(mutants)) as root:
            notes = root / NOTES.name
            notes.mkdir()
            arguments = [
                *self._options,
                "--maxfail=0",
                "-p",
                "tests.mutation.probe",
                *WITHOUT_BROWSER,
                "tests",
            ]
            outcome = self._run_pytest(root, arguments, self._seconds, self._monotonic)
            if outcome.code not in RAN:
                raise BrokenWithoutChange(outcome.last_words)
            self._reach = read_notes(notes)
        return self._reach

    def judge(self, mutant: Mutant) -> Verdict:
        """The related tests first, then, where it is known, those that come by, else all others, with a browser last; the first
        that fails ends it.

        Raises BrokenWithoutChange."""
        begun = self._monotonic.seconds()
        with self._trees.changed("mutant", [(mutant.path, mutant.mutated)]) as root:
            verdict, test = self._verdict(root, mutant, begun + self._seconds)
        seconds = round(self._monotonic.seconds() - begun, 1)
        return Verdict(
            mutant.id, mutant.subject, mutant.kind, mutant.place, verdict, test, seconds, mutant.diff
        )

    def _verdict(self, root: Path, mutant: Mutant, until: float) -> tuple[str, str]:
        for stage in self._stages(root, mutant):
            while not (outcome := self._run(root, stage, until)).passed:
                if outcome.code is None:
                    return TIMED_OUT, f"after {self._seconds:.0f} s"
                if self._passes_unchanged(outcome, stage):
                    return KILLED, _killer(outcome)
        return (f"{SURVIVED} (related tests only)" if self._related_only else SURVIVED), ""

    def _stages(self, root: Path, mutant: Mutant) -> Iterator[list[str]]:
        related = related_tests(root, mutant.path)
        if related:
            yield [*WITHOUT_BROWSER, *related]
        if self._related_only:
            return
        if self._reach is None:
            yield [*WITHOUT_BROWSER, "tests", *(f"--ignore={file}" for file in related)]
            yield ["-m", "browser and not prove", "tests"]
        elif others := [file for file in self._reach.files(mutant) if file not in related]:
            yield [*WITHOUT_BROWSER, *others]

    def _run(self, root: Path, stage: list[str], until: float) -> Outcome:
        left_out = [f"--deselect={test}" if "::" in test else f"--ignore={test}" for test in self.broken]
        seconds = until - self._monotonic.seconds()
        return self._run_pytest(root, [*self._options, *left_out, *stage], seconds, self._monotonic)

    def _passes_unchanged(self, outcome: Outcome, stage: list[str]) -> bool:
        """Whether the test passes without the change; if not, it is left out from now on."""
        test = outcome.first_failed
        if test in self._sound:
            return True
        seconds = max(self._seconds, _LEAST_SECONDS)
        arguments = [test] if test else ["--collect-only", *stage]
        unchanged = self._run_pytest(self._trees.clean, arguments, seconds, self._monotonic)
        if unchanged.passed:
            self._sound.add(test)
            return True
        if not test or test in self.broken:
            raise BrokenWithoutChange(unchanged.last_words)
        self.broken.append(test)
        return False


def _killer(outcome: Outcome) -> str:
    """Name the failed test, or say that the tests could not be collected."""
    test = outcome.first_failed
    return test if "::" in test else f"at collection: {test or outcome.last_words}"
