"""OpenID AuthZEN 1.0 where it is put in the plainest way: one subject, and what it wants with which articles. For any other
question, and for all that is wrong with one, the framework has the words (`web/api/evaluations`)."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from billing.access_cache.memory import Answer
from billing.http.limits import MOST_ARTICLES
from billing.http.shapes import LONGEST

NAMED = {"reader": "reader_id", "external": "external_id"}
COMMON = ("subject", "action", "resource")


class Question(NamedTuple):
    """Who, as a query would name them; the article of each evaluation, and the feature that it needs."""

    named: dict[str, str]
    articles: list[str]
    features: list[str]


def one(body: bytes) -> Question | None:
    """The question of `/access/v1/evaluation`."""
    given = _object(body)
    return None if given is None else _question(given, [{}])


def many(body: bytes) -> Question | None:
    """The question of `/access/v1/evaluations`, all of which are to be evaluated."""
    given = _object(body)
    if given is None or "options" in given:
        return None
    evaluations = given.get("evaluations")
    if type(evaluations) is not list or not 1 <= len(evaluations) <= MOST_ARTICLES:
        return None
    return _question(given, evaluations)


def evaluated(question: Question, told: Sequence[Answer]) -> list[bytes]:
    """The answer to each evaluation."""
    return [
        b'{"decision":%b,"context":%b}'
        % (b"true" if feature in answer.told.features else b"false", answer.body)
        for feature, answer in zip(question.features, told, strict=True)
    ]


def _object(body: bytes) -> dict[str, Any] | None:
    if b"\\u" in body:  # what is written so may be no text that could be kept
        return None
    try:
        given: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return given if type(given) is dict else None


def _question(around: dict[str, Any], evaluations: list[Any]) -> Question | None:
    subjects: set[tuple[str, str]] = set()
    articles, features = [], []
    for each in evaluations:
        if type(each) is not dict or "context" in each or "context" in around:
            return None
        own = {name: each[name] for name in COMMON if each.get(name) is not None}
        subject, action, resource = ((around | own).get(name) for name in COMMON)
        who, what, name = _entity(subject), _entity(resource), _word(action, "name")
        if who is None or what is None or name is None or what[0] != "article":
            return None
        subjects.add(who)
        articles.append(what[1])
        features.append(name.removeprefix("can_"))
    if len(subjects) != 1:
        return None
    [(kind, name)] = subjects
    if kind == "anonymous":
        return Question({}, articles, features)
    return Question({NAMED[kind]: name}, articles, features) if kind in NAMED else None


def _entity(given: Any) -> tuple[str, str] | None:
    kind, name = _word(given, "type"), _word(given, "id")
    return None if kind is None or name is None else (kind, name)


def _word(given: Any, name: str) -> str | None:
    word = given.get(name) if type(given) is dict else None
    plain = type(word) is str and 1 <= len(word) <= LONGEST and word == word.strip()
    return word if plain else None
