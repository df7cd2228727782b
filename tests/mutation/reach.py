"""Which test files come by the functions that mutants change: found by one run of all tests on a product that notes it."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from billing.monotonic import Monotonic
from tests.mutation.draw import Mutant
from tests.mutation.probe import NOTES
from tests.mutation.related import NEVER_RUN, WITHOUT_BROWSER
from tests.mutation.source import Function
from tests.mutation.suite import RunPytest
from tests.mutation.tree import Trees

_NOTE = "__import__('tests.mutation.probe', fromlist=['reached']).reached({!r})"


class Reach:
    """The test files for a mutant, from the root of the tree. What lies outside of functions concerns all functions of its file."""

    def __init__(self, files: Mapping[str, set[str]]) -> None:
        self._files = files

    def files(self, mutant: Mutant) -> list[str]:
        """Those that came by the function that is changed."""
        return sorted({file for name in _functions(mutant) for file in self._files.get(name, ())})


def find_reach(
    trees: Trees,
    mutants: Sequence[Mutant],
    *,
    workers: int,
    seconds: float,
    run: RunPytest,
    monotonic: Monotonic,
) -> Reach:
    """Run all tests once. A test that fails has come as far as it came."""
    with trees.changed("noting", _noting(mutants)) as root:
        left_out = [f"--ignore={path}" for path in NEVER_RUN]
        options = [*(["-n", str(workers)] if workers else []), "--maxfail=0", "-p", "tests.mutation.probe"]
        run(root, [*options, *left_out, *WITHOUT_BROWSER, "tests"], seconds, monotonic)
        return _read(root / NOTES.name)


def _noting(mutants: Sequence[Mutant]) -> Iterator[tuple[str, bytes]]:
    """The files of the mutants, each function that one changes noting that it was reached."""
    sources = {mutant.path: mutant.source for mutant in mutants}
    for path, source in sources.items():
        functions = {
            name: one for mutant in mutants if mutant.path == path for name, one in _functions(mutant).items()
        }
        data = source.data
        edits = (source.before(source.body(one)[0], _NOTE.format(name)) for name, one in functions.items())
        for edit in sorted(filter(None, edits), key=lambda edit: edit.start, reverse=True):
            data = edit.apply(data)
        yield path, data


def _read(folder: Path) -> Reach:
    files: dict[str, set[str]] = defaultdict(set)
    for notes in folder.iterdir():
        for line in notes.read_text().splitlines():
            function, test_file = line.split("\t")
            files[function].add(test_file)
    return Reach(files)


def _functions(mutant: Mutant) -> dict[str, Function]:
    """The function around the change, or all of the file; each by its file and qualified name."""
    source = mutant.source
    found = {source.scope(node): node for node in ast.walk(source.tree) if isinstance(node, Function)}
    chosen = {mutant.scope: found[mutant.scope]} if mutant.scope in found else found
    return {f"{mutant.path}::{scope}": one for scope, one in chosen.items() if source.body(one)}
