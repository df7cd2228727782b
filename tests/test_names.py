"""A newcomer guesses what is behind a name: one class a name, and no word of a dialect that only its builders speak."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache

import pytest

from tests.support.architecture.sources import Source, sources, sources_of_tests

SAME_ON_PURPOSE = {
    "Paywall": "a publisher's site takes the one for ASGI or the one for WSGI; both do the same",
}
DIALECT = {
    **dict.fromkeys(("till", "desk", "clerk", "office"), "a context: TransactionContext, RunContext, Site"),
    **dict.fromkeys(("crew", "claimer"), "claims: worker_lock, live_workers, unclaimed"),
    **dict.fromkeys(("bell", "ring"), "heartbeat: beat, last_heartbeat, clear"),
    **dict.fromkeys(("leash",), "process_guard: preexec, remove_on_exit"),
    **dict.fromkeys(("tell", "tells", "told", "foretold"), "notices: announce, notify, sent"),
    **dict.fromkeys(("tried", "heard", "hear"), "attempt_history; what was received"),
    **dict.fromkeys(("foresee", "foreseen"), "preview"),
    **dict.fromkeys(("happening", "happenings"), "Event"),
    **dict.fromkeys(("enrol", "bring", "brings"), "start_with_saved_card, send_or_look_up"),
    **dict.fromkeys(("wish", "wishes"), "what a form asks for: ActForm"),
    **dict.fromkeys(("hasty",), "urgent"),
    **dict.fromkeys(("twin", "twins", "shelf", "mischief"), "sandbox, packed_rows, WebhookFault"),
    **dict.fromkeys(("fates", "weather", "hands"), "scenarios, FaultPlan, worker_processes"),
    **dict.fromkeys(("deed", "deeds", "nursery", "town", "chapters"), "crash_cases, fork_server, snapshots"),
    **dict.fromkeys(("somebody", "anybody", "whoever", "anew"), "reader, worker, process; again"),
}
"""Words that don't stand in a name, and the field's words for them."""
A_SENTENCE = 4
"""So many words a name has at most."""


def words(name: str) -> list[str]:
    """The words of a name in snake or camel case."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]


def names(source: Source) -> Iterator[str]:
    """All that a module names: itself, classes, functions, arguments, variables, fields."""
    yield source.module.rpartition(".")[2]
    for node in ast.walk(ast.parse(source.text)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


@cache
def of_dialect(name: str) -> frozenset[str]:
    """The words of the dialect in a name. A sentence, as tests have, is no name."""
    spoken = words(name)
    return frozenset(DIALECT.keys() & spoken) if len(spoken) <= A_SENTENCE else frozenset()


def dialect(source: Source) -> list[str]:
    """The names of a module that hold a word of the dialect, each with the field's word. A module is parsed only if such a word stands
    in it, as a name or elsewhere: to parse all modules would take seconds."""
    if not any(map(of_dialect, {source.module.rpartition(".")[2], *re.findall(r"[^\W\d]\w*", source.text)})):
        return []
    found = {(name, word) for name in names(source) for word in of_dialect(name)}
    return [f"{source.module}: {name} ({DIALECT[word]})" for name, word in sorted(found)]


def test_no_class_name_has_two_meanings() -> None:
    homonyms = defaultdict(list)
    for source in sources():
        for name in source.classes:
            homonyms[name].append(source.module)
    found = {name: modules for name, modules in homonyms.items() if len(modules) > 1}
    assert found.keys() == SAME_ON_PURPOSE.keys(), found


def test_names_are_in_the_fields_words() -> None:
    found = [line for source in [*sources(), *sources_of_tests()] for line in dialect(source)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("name", "spoken"),
    [("told_at", ["told", "at"]), ("HTTPPress", ["http", "press"]), ("_TillOf2", ["till", "of"])],
)
def test_how_a_name_is_read(name: str, spoken: list[str]) -> None:
    assert words(name) == spoken
