"""The mutation runner: its draws, and how it tells killed mutants from survivors."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from billing.platform.monotonic import Monotonic, SystemMonotonic
from tests.mutation.__main__ import ROOT, main
from tests.mutation.draw import Mutant, candidates, draw
from tests.mutation.judge import KILLED, SURVIVED, TIMED_OUT, BrokenWithoutChange, Judge, Verdict
from tests.mutation.operators import OPERATORS
from tests.mutation.related import related_tests
from tests.mutation.report import append_verdict, read_verdicts, table
from tests.mutation.source import Source
from tests.mutation.subjects import SUBJECTS
from tests.mutation.suite import OPTIONS, Outcome, RunPytest, run_pytest
from tests.mutation.tree import open_trees

CHANGES: list[tuple[str, str, set[str]]] = [
    ("comparison", "a < b", {"a <= b"}),
    ("comparison", "a <= b < c", {"a < b < c", "a <= b <= c"}),
    ("comparison", "(a) == (b)", {"(a) != (b)"}),
    ("comparison", "a is not None", {"a is None"}),
    ("comparison", "x.is_(None)", {"x.is_not(None)"}),
    ("day", "timedelta(days=3)", {"timedelta(days=4)"}),
    ("day", "timedelta(days=left)", {"timedelta(days=left + 1)"}),
    ("day", "timedelta(hours=2)", {"timedelta(days=1, hours=2)"}),
    ("day", "TRIAL_DAYS = 8", {"TRIAL_DAYS = 9"}),
    ("day", "f(grace_days=1)", {"f(grace_days=2)"}),
    ("sign", "total + fee", {"total - fee"}),
    ("sign", "x - 1", {"x + 1"}),
    ("sign", "-gross", {"gross"}),
    ("sign", "used += 1", {"used -= 1"}),
    ("lock", "get(Row, 1, with_for_update=True)", {"get(Row, 1)"}),
    ("lock", "run(select(Row).with_for_update(of=Row).all())", {"run(select(Row).all())"}),
    ("lock", "q = 'SELECT 1 FOR UPDATE SKIP LOCKED'", {"q = 'SELECT 1'"}),
    ("lock", "hold_names(session, 'é')", {"pass"}),
    ("lock", "KEY = text('SELECT pg_advisory_xact_lock(1)')\ns.execute(KEY)", {"KEY = text('SELECT pg_advisory_xact_lock(1)')\npass"}),
    ("lock", "from some import Subscription\ns = lock(session, x.id)", {"from some import Subscription\ns = session.get_one(Subscription, x.id)"}),
    ("return", "def f() -> bool:\n    return x", {"def f() -> bool:\n    return False\n    return x", "def f() -> bool:\n    return True\n    return x"}),
    ("return", "def f() -> None:\n    '''é'''\n    g()", {"def f() -> None:\n    '''é'''\n    return\n    g()"}),
    ("return", "def f(on: date) -> date:\n    return g(on)", {"def f(on: date) -> date:\n    return on\n    return g(on)"}),
    ("boolean", "a and b", {"a or b"}),
    ("boolean", "not (a)", {"(a)"}),
    ("boolean", "if a.b: c", {"if not a.b: c"}),
]  # fmt: skip

UNTOUCHED = [
    "'''a < b FOR UPDATE'''",
    "x: A | None",
    "log.info('%s', a < b)",
    "assert a < b",
    "'a' + b",
    "names[-1]",
    "ended_at - started_at",
    "class A:\n    def __repr__(self) -> str:\n        return a + 1",
    "def f() -> None: ...",
    "def f() -> int:\n    return 0",
    "def load_terms() -> None:\n    g()",
]


def mutants(code: str, kind: str = "") -> list[Mutant]:
    source = Source("some.py", code.encode())
    return [
        Mutant("id", "money", name, "", source, edit)
        for node in source.nodes()
        for name, operator in OPERATORS.items()
        for edit in operator(source, node)
        if kind in ("", name)
    ]


@pytest.mark.parametrize(("kind", "code", "changed"), CHANGES, ids=[f"{k}: {c!r}" for k, c, _ in CHANGES])
def test_a_change_is_made_in_the_text(kind: str, code: str, changed: set[str]) -> None:
    found = mutants(code, kind)
    assert {one.mutated.decode() for one in found} == changed
    assert all(one.is_sound for one in found)


@pytest.mark.parametrize("code", UNTOUCHED)
def test_words_and_annotations_stay(code: str) -> None:
    assert not [one.diff for one in mutants(code)]


A_PART = (
    ("mail", "billing/mail/*.py"),
    ("dates", "billing/subscriptions/*.py"),
    ("access", "billing/readers/*.py"),
    ("money", "billing/billing_run/*.py"),
)
"""Of the product: one folder a subject."""


@pytest.fixture(scope="module")
def pool() -> list[Mutant]:
    """Every mutant of this part."""
    return candidates(ROOT, A_PART)


@pytest.fixture(scope="module")
def drawn(pool: list[Mutant]) -> list[Mutant]:
    return draw(pool, 11, 40)


def test_the_same_seed_draws_the_same(pool: list[Mutant], drawn: list[Mutant]) -> None:
    first = [one.id for one in drawn[:8]]
    assert [one.id for one in draw(candidates(ROOT, A_PART), 11, 8)] == first
    assert [one.id for one in draw(pool, 12, 8)] != first
    assert len({one.id for one in pool}) == len(pool)


def test_a_draw_has_all_subjects_and_kinds(drawn: list[Mutant]) -> None:
    for subject in SUBJECTS:
        own = [one for one in drawn if one.subject == subject]
        assert len(own) == 10
        assert {one.kind for one in own} == set(OPERATORS)
    assert all(one.is_sound and one.diff.count("\n@@") == 1 for one in drawn)


FORK_SERVER = """
import json, os, sys, pytest
for order in map(json.loads, sys.stdin):
    child = os.fork()
    if child == 0:
        os.chdir(order["root"])
        sys.path.insert(0, order["root"])
        output = os.open(order["output"], os.O_WRONLY | os.O_CREAT)
        os.dup2(output, 1), os.dup2(output, 2)
        code = pytest.main(order["arguments"])
        sys.stdout.flush()
        os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Most of these runs take a few milliseconds, and Python with pytest a quarter of a second to start."""


@pytest.fixture(scope="module")
def run_in_fork(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunPytest]:
    """Does what `run_pytest` does, in a fork of a process that has pytest at hand. It never times out."""
    output = tmp_path_factory.mktemp("forks") / "output"
    with subprocess.Popen(
        [sys.executable, "-c", FORK_SERVER],
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "400"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        orders, answers = server.stdin, server.stdout

        def run(root: Path, arguments: Sequence[str], seconds: float, monotonic: Monotonic) -> Outcome:
            order = {"root": str(root), "arguments": [*OPTIONS, *arguments], "output": str(output)}
            output.unlink(missing_ok=True)
            print(json.dumps(order), file=orders, flush=True)
            return Outcome(int(answers.readline()), output.read_text())

        yield run
        orders.close()


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A product of two functions; no test notices what happens at exactly zero."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # a second each time that pytest starts
    files = {
        "billing/payments/fees.py": "def fee(cents: int) -> int:\n    return cents + 100 if cents > 0 else 100\n",
        "billing/mail/life.py": "def lives(days: int) -> bool:\n    return days < 7\n",
        "tests/payments/test_fees.py": "from billing.payments.fees import fee\n\n\ndef test_fee():\n    assert fee(5) == 105\n",
        "tests/test_others.py": "from billing.mail import life\n\n\ndef test_lives():\n    assert life.lives(6) and not life.lives(7)\n",
    }
    for name, text in files.items():
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "tree"


def judge(
    tree: Path,
    kind: str,
    path: str,
    run: RunPytest = run_pytest,
    *,
    monotonic: Monotonic | None = None,
    tests: Path | None = None,
    all_tests: bool = False,
) -> Verdict:
    found = next(one for one in candidates(tree) if one.kind == kind and one.path == path)
    with open_trees(tree, tests) as trees:
        judge = Judge(trees, workers=0, seconds=60, related_only=not all_tests, monotonic=monotonic, run=run)
        verdict = judge.judge(found)
        folder = trees.clean.parent
    assert not folder.exists()
    return verdict


FEES, LIFE = "billing/payments/fees.py", "billing/mail/life.py"


def test_a_test_kills_a_mutant(tiny: Path) -> None:
    verdict = judge(tiny, "sign", FEES)
    assert (verdict.verdict, verdict.test) == (KILLED, "tests/payments/test_fees.py::test_fee")
    assert verdict.place == f"{FEES}:2"


def test_an_equivalent_mutant_survives(tiny: Path, run_in_fork: RunPytest) -> None:
    verdict = judge(tiny, "comparison", FEES, run_in_fork, all_tests=True)
    assert (verdict.verdict, verdict.test) == (SURVIVED, "")
    assert "+    return cents + 100 if cents >= 0 else 100" in verdict.diff
    assert verdict.diff.rstrip() in table([verdict])


def test_other_tests_judge_the_same_mutant(tiny: Path, tmp_path: Path, run_in_fork: RunPytest) -> None:
    test = tmp_path / "old" / "tests" / "test_life.py"
    test.parent.mkdir(parents=True)
    test.write_text("def test_nothing():\n    pass\n")
    assert judge(tiny, "comparison", LIFE, run_in_fork).verdict == KILLED
    assert judge(tiny, "comparison", LIFE, run_in_fork, tests=tmp_path / "old").survived


def test_a_test_that_fails_anyway_kills_nothing(tiny: Path, run_in_fork: RunPytest) -> None:
    (tiny / "tests" / "payments" / "test_broken.py").write_text("def test_broken():\n    assert False\n")
    verdict = judge(tiny, "sign", FEES, run_in_fork)
    assert (verdict.verdict, verdict.test) == (KILLED, "tests/payments/test_fees.py::test_fee")


def test_tests_that_cannot_start_judge_nothing(tiny: Path, run_in_fork: RunPytest) -> None:
    (tiny / "tests" / "conftest.py").write_text("import nowhere\n")
    with pytest.raises(BrokenWithoutChange, match="nowhere"):
        judge(tiny, "sign", FEES, run_in_fork)


def test_what_cannot_be_imported_is_killed_at_collection(tiny: Path, run_in_fork: RunPytest) -> None:
    with (tiny / FEES).open("a") as file:
        file.write("\n\nSHARE = 1000 // fee(1)\n")
    verdict = judge(tiny, "return", FEES, run_in_fork)
    assert (verdict.verdict, verdict.test) == (KILLED, "at collection: tests/payments/test_fees.py")


class LateOnceHung(SystemMonotonic):
    """The machine's clock, which jumps by an hour when the test has begun to hang."""

    def __init__(self, hangs: Path) -> None:
        self._hangs = hangs

    def seconds(self) -> float:
        return SystemMonotonic.seconds() + (3600 if self._hangs.exists() else 0)


def test_a_mutant_that_hangs_is_stopped(tiny: Path, tmp_path: Path) -> None:
    hangs = tmp_path / "hangs"
    (tiny / "tests" / "payments" / "test_fees.py").write_text(
        "import pathlib, signal\n\nfrom billing.payments.fees import fee\n\n\ndef test_fee():\n    if fee(5) < 0:\n"
        f"        pathlib.Path({str(hangs)!r}).touch()\n        signal.pause()\n"
    )
    assert judge(tiny, "sign", FEES, monotonic=LateOnceHung(hangs)).verdict == TIMED_OUT


def test_related_tests_come_first(tiny: Path) -> None:
    assert related_tests(tiny, FEES) == ["tests/payments/test_fees.py"]
    assert related_tests(tiny, LIFE) == ["tests/test_others.py"]


def test_all_tests_run_once_to_see_which_come_by(tiny: Path, run_in_fork: RunPytest) -> None:
    """This includes tests that don't name the function. A change outside functions concerns all tests that run its file."""
    more = {
        "billing/till.py": "from billing.payments import fees\n\n\ndef total(cents):\n    return cents + fees.fee(cents)\n",
        "billing/payments/fees.py": (tiny / FEES).read_text() + "\n\nTRIAL_DAYS = 8\n",
        "tests/test_sums.py": "from billing import till\n\n\ndef test_sum():\n    assert till.total(1) == 102\n",
        "tests/mutation/probe.py": (ROOT / "tests/mutation/probe.py").read_text(),
    }
    for name, text in more.items():
        (tiny / name).parent.mkdir(exist_ok=True)
        (tiny / name).write_text(text)
    pool = candidates(tiny)
    with open_trees(tiny) as trees:
        judge = Judge(trees, workers=0, seconds=60, related_only=False, run=run_in_fork)
        reach = judge.find_reach(pool)
        sign = judge.judge(next(one for one in pool if one.kind == "sign" and one.path == FEES))
    found = {(one.path, one.kind): reach.files(one) for one in pool}
    assert found[FEES, "sign"] == found[FEES, "day"] == ["tests/payments/test_fees.py", "tests/test_sums.py"]
    assert found[LIFE, "comparison"] == ["tests/test_others.py"]
    assert sign.verdict == KILLED


def test_a_rerun_goes_on_where_it_stopped(tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "verdicts.jsonl"
    chosen = candidates(tiny)[0]
    append_verdict(out, Verdict(chosen.id, "mail", chosen.kind, "a:1", KILLED, "tests/t.py::t", 1.0, ""))
    out.write_text(out.read_text() + '{"id": "cut')
    assert list(read_verdicts(out)) == [chosen.id]
    words = ["--tree", str(tiny), "--out", str(out), "--only", chosen.id]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    assert "tests/t.py::t" in result.output
    assert "1 mutants: 1 killed, 0 survived" in result.output


def test_the_draw_can_be_read_without_a_run(tiny: Path) -> None:
    result = CliRunner().invoke(main, ["--tree", str(tiny), "--list", "--seed", "11", "--count", "3"])
    assert result.exit_code == 0, result.output
    assert result.output.count("\n@@") == 3
    unknown = CliRunner().invoke(main, ["--tree", str(tiny), "--only", "money-sign-0"])
    assert "no such mutant" in unknown.output
