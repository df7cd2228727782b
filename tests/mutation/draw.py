"""Draw mutants from a seed, spread over subjects and kinds."""

import ast
import difflib
import hashlib
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mutation.edits import Edit
from tests.mutation.operators import OPERATORS
from tests.mutation.source import Source
from tests.mutation.subjects import TABLE, Table, product_files


@dataclass(frozen=True)
class Mutant:
    """One small change to one file. Its id depends on the line's text and the function's name, not on the line number."""

    id: str
    subject: str
    kind: str
    scope: str
    source: Source
    edit: Edit

    @property
    def path(self) -> str:
        """The file's path from the root of the tree."""
        return self.source.path

    @property
    def place(self) -> str:
        """File and line."""
        return f"{self.path}:{self.source.line_of(self.edit.start)}"

    @property
    def mutated(self) -> bytes:
        """The file with the change."""
        return self.edit.apply(self.source.data)

    @property
    def diff(self) -> str:
        """The change as a unified diff."""
        before, after = (data.decode().splitlines(keepends=True) for data in (self.source.data, self.mutated))
        return "".join(difflib.unified_diff(before, after, f"a/{self.path}", f"b/{self.path}"))

    @property
    def is_sound(self) -> bool:
        """Whether the file still compiles, and to different code."""
        try:
            compile(self.mutated, self.path, "exec", dont_inherit=True)
        except SyntaxError:
            return False
        return ast.dump(ast.parse(self.mutated)) != ast.dump(self.source.tree)


def candidates(root: Path, table: Table = TABLE) -> list[Mutant]:
    """All possible mutants, in a stable order."""
    return [
        mutant
        for subject, path in product_files(root, table)
        for mutant in _mutants(subject, Source.read(root, path))
    ]


def draw(pool: Sequence[Mutant], seed: int, count: int) -> list[Mutant]:
    """Choose `count` mutants. The subjects take turns, and each takes the kind it has least of. Files repeat only when all were used."""
    rng = random.Random(seed)
    left = {subject: [one for one in pool if one.subject == subject] for subject in _subjects(pool)}
    kinds: Counter[tuple[str, str]] = Counter()
    totals: Counter[str] = Counter()
    files: Counter[str] = Counter()
    drawn: list[Mutant] = []
    while len(drawn) < count and any(left.values()):
        for subject, mutants in left.items():
            if not mutants or len(drawn) == count:
                continue
            present = sorted({one.kind for one in mutants})
            rng.shuffle(present)
            kind = min(present, key=lambda kind: (kinds[subject, kind], totals[kind]))
            found = _choose(rng, [one for one in mutants if one.kind == kind], files)
            mutants.remove(found)
            if found.is_sound:
                drawn.append(found)
                kinds[subject, kind] += 1
                totals[kind] += 1
                files[found.path] += 1
    return drawn


def _choose(rng: random.Random, mutants: list[Mutant], files: Counter[str]) -> Mutant:
    """Draw a variant with equal probability, then a mutant of it in a file that was drawn least."""
    variant = rng.choice(sorted({one.edit.variant for one in mutants}))
    alike = [one for one in mutants if one.edit.variant == variant]
    least = min(files[one.path] for one in alike)
    return rng.choice([one for one in alike if files[one.path] == least])


def _subjects(pool: Sequence[Mutant]) -> list[str]:
    return list(dict.fromkeys(sorted(one.subject for one in pool)))


def _mutants(subject: str, source: Source) -> Iterator[Mutant]:
    seen: Counter[str] = Counter()
    for node in source.nodes():
        for kind, operator in OPERATORS.items():
            for edit in operator(source, node):
                scope = source.scope(node)
                line = source.line_text(source.line_of(edit.start))
                old = source.text(edit.start, edit.end)
                facts = "\0".join((source.path, scope, kind, line, old, edit.new))
                seen[facts] += 1
                digest = hashlib.sha256(f"{facts}\0{seen[facts]}".encode()).hexdigest()
                yield Mutant(f"{subject}-{kind}-{digest[:7]}", subject, kind, scope, source, edit)
