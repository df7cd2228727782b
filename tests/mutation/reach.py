"""Find the test files that reach each mutated function, by one run of all tests on an instrumented product."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.mutation.draw import Mutant
from tests.mutation.source import Function

_NOTE = "__import__('tests.mutation.probe', fromlist=['reached']).reached({!r})"


class Reach:
    """The test files for each mutant. A mutant outside functions concerns every function of its file."""

    def __init__(self, files: Mapping[str, set[str]]) -> None:
        self._files = files

    def files(self, mutant: Mutant) -> list[str]:
        """The test files that reached the mutated function."""
        return sorted({file for name in _functions(mutant) for file in self._files.get(name, ())})


def noting(mutants: Sequence[Mutant]) -> Iterator[tuple[str, bytes]]:
    """The mutants' files, with a probe in each mutated function."""
    sources = {mutant.path: mutant.source for mutant in mutants}
    for path, source in sources.items():
        functions = {
            name: one for mutant in mutants if mutant.path == path for name, one in _functions(mutant).items()
        }
        data = source.data
        edits = (
            source.before(source.body(one)[0], _NOTE.format(name), "note") for name, one in functions.items()
        )
        for edit in sorted(filter(None, edits), key=lambda edit: edit.start, reverse=True):
            data = edit.apply(data)
        yield path, data


def read_notes(folder: Path) -> Reach:
    """Read what the test processes recorded."""
    files: dict[str, set[str]] = defaultdict(set)
    for notes in folder.iterdir():
        for line in notes.read_text().splitlines():
            function, test_file = line.split("\t")
            files[function].add(test_file)
    return Reach(files)


def _functions(mutant: Mutant) -> dict[str, Function]:
    """The mutated function, or all functions of the file, by file and qualified name."""
    source = mutant.source
    found = {source.scope(node): node for node in ast.walk(source.tree) if isinstance(node, Function)}
    chosen = {mutant.scope: found[mutant.scope]} if mutant.scope in found else found
    return {f"{mutant.path}::{scope}": one for scope, one in chosen.items() if source.body(one)}
