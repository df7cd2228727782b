"""Reads the questions that the cache can answer: about one article, about many, or as AuthZEN, in the plainest spelling.

The framework (`web/api/access`, `web/api/evaluations`) answers all others, and reports what is wrong with one."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from starlette.types import Receive, Scope

from billing.access_cache.decider import AccessLookup
from billing.access_cache.entries import AccessAnswer
from billing.access_cache.presented import PresentedCredentials, presented_in
from billing.http.access_paths import EVALUATION, EVALUATIONS, GATE, MANY, ONE, TOKEN
from billing.http.bodies import read_ahead
from billing.http.limits import MOST_ARTICLES, MOST_BYTES, MOST_WITHOUT_KEY
from billing.http.shapes import is_name
from billing.rules.access import READ

TOKENS = "token"
"""The route for reader tokens."""
BULK, AUTHZEN = "bulk", "authzen"
"""The routes for questions about several articles."""
ALL = "all"
"""The reason, in metrics, of an answer about several articles."""
READING_METHODS = ("GET", "HEAD")
SUBJECTS = {"reader": "reader_id", "external": "external_id"}
COMMON = ("subject", "action", "resource")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. `wrap`: makes a body of the answers; None: the reply about the one article."""

    asked: AccessLookup
    wrap: Callable[[Sequence[AccessAnswer]], bytes] | None = None


class EvaluationRequest(NamedTuple):
    """An AuthZEN request: its subject as a query would name it; the article and the feature of each evaluation."""

    named: dict[str, str]
    articles: list[str]
    features: list[str]


def route_of(scope: Scope) -> str | None:
    """The route's name in metrics; None for a route that isn't ours."""
    path: str = scope["path"]
    if path in (EVALUATION, EVALUATIONS):
        return AUTHZEN
    if path == MANY and scope["method"] == "POST":
        return BULK
    if path == TOKEN and scope["method"] == "GET":
        return TOKENS
    return article_in(path)[0]


def article_in(path: str) -> tuple[str | None, str]:
    """The route and the article of a path that ends with one; (None, "") for any other."""
    if path.startswith(ONE):
        return "access", path[len(ONE) :]
    if path.startswith(GATE):
        return "gate", path[len(GATE) :]
    return None, ""


def names_one(scope: Scope, article_id: str) -> bool:
    """Whether the request would read the one article that ends its path."""
    return scope["method"] in READING_METHODS and article_id != "" and "/" not in article_id


def about_one(who: PresentedCredentials, route: str, article_id: str) -> AccessLookup:
    """What a request for one article asks."""
    return AccessLookup(who, (article_id,), route == "gate", who.counts)


async def read(scope: Scope, receive: Receive, route: str) -> tuple[Question | None, Receive]:
    """The question, if it is plain; and how to read the body again from its beginning."""
    if route in (BULK, AUTHZEN):
        if not _has_plain_json(scope):
            return None, receive
        body, again = await read_ahead(receive)
        return about_many(scope, route, body or b""), again
    _, article_id = article_in(scope["path"])
    who = _presented(scope) if names_one(scope, article_id) else None
    return (None if who is None else Question(about_one(who, route, article_id))), receive


def about_many(scope: Scope, route: str, body: bytes) -> Question | None:
    """The question in a body, if it is plain: about several articles, or as AuthZEN has it."""
    who = _presented(scope) if _has_plain_json(scope) else None
    if who is None:
        return None
    return _bulk(who, body) if route == BULK else _authzen(who, scope, body)


def _presented(scope: Scope) -> PresentedCredentials | None:
    return presented_in(scope["method"], scope["headers"], scope["query_string"])


def _bulk(who: PresentedCredentials, body: bytes) -> Question | None:
    request = _bulk_request(body)
    if request is None or len(request[0]) > (MOST_ARTICLES if who.has_key else MOST_WITHOUT_KEY):
        return None
    articles, reader_id = request
    if reader_id is not None:
        who = who._replace(named=who.named | {"reader_id": reader_id})
    return Question(AccessLookup(who, articles), _json_list)


def _authzen(who: PresentedCredentials, scope: Scope, body: bytes) -> Question | None:
    # A request's own id is repeated in the answer, which the framework does.
    has_id = any(name == b"x-request-id" for name, _ in scope["headers"])
    if has_id or not who.has_key or scope["query_string"]:
        return None
    is_one = scope["path"] == EVALUATION
    request = _evaluation(body) if is_one else _evaluations(body)
    if request is None:
        return None

    def wrap(answers: Sequence[AccessAnswer]) -> bytes:
        bodies = _evaluated(request, answers)
        return bodies[0] if is_one else b'{"evaluations":[%b]}' % b",".join(bodies)

    who = who._replace(cookie=b"", named=request.named)
    counts = is_one and request.features == [READ]
    return Question(AccessLookup(who, request.articles, counts=counts, by_subject=True), wrap)


def _has_plain_json(scope: Scope) -> bool:
    """Whether a POST's body is JSON by its header, with a stated and allowed length."""
    sizes = [value for name, value in scope["headers"] if name == b"content-length"]
    kinds = [value for name, value in scope["headers"] if name == b"content-type"]
    if scope["method"] != "POST" or len(sizes) != 1 or not sizes[0].isdigit() or int(sizes[0]) > MOST_BYTES:
        return False
    return len(kinds) == 1 and kinds[0].partition(b";")[0].strip().lower() == b"application/json"


def _json_list(answers: Sequence[AccessAnswer]) -> bytes:
    return b"[%b]" % b",".join([head + decision.tail for head, decision, _, _ in answers])


def _bulk_request(body: bytes) -> tuple[list[str], str | None] | None:
    """The articles and the reader named by a bulk request."""
    given = _object(body)
    if given is None or not given.keys() <= {"articles", "reader_id"}:
        return None
    articles, reader_id = given.get("articles"), given.get("reader_id")
    if type(articles) is not list or not 1 <= len(articles) <= MOST_ARTICLES:
        return None
    if set(map(type, articles)) != {str}:
        return None
    is_plain = type(reader_id) is str and len(reader_id) <= 64 and reader_id == reader_id.strip()
    return (articles, reader_id) if reader_id is None or is_plain else None


def _evaluation(body: bytes) -> EvaluationRequest | None:
    """The request of `/access/v1/evaluation`."""
    given = _object(body)
    # an escape may stand for a NUL or half a character, which the framework refuses
    return None if given is None or b"\\u" in body else _request_of(given, [{}])


def _evaluations(body: bytes) -> EvaluationRequest | None:
    """The request of `/access/v1/evaluations`, if all are to be evaluated."""
    given = _object(body)
    if given is None or "options" in given or b"\\u" in body:
        return None
    evaluations = given.get("evaluations")
    if type(evaluations) is not list or not 1 <= len(evaluations) <= MOST_ARTICLES:
        return None
    return _request_of(given, evaluations)


def _evaluated(request: EvaluationRequest, answers: Sequence[AccessAnswer]) -> list[bytes]:
    """The JSON of each evaluation."""

    def evaluated(feature: str, answer: AccessAnswer) -> bytes:
        head, decision, is_pending, _ = answer
        body = head + decision.tail
        if is_pending:
            return b'{"decision":false,"context":%b,"pending":true}}' % body[:-1]
        permits = b"true" if feature in decision.features else b"false"
        return b'{"decision":%b,"context":%b}' % (permits, body)

    return [evaluated(*each) for each in zip(request.features, answers, strict=True)]


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        given: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return given if type(given) is dict else None


def _request_of(around: dict[str, Any], evaluations: list[Any]) -> EvaluationRequest | None:
    subjects: set[tuple[str, str]] = set()
    articles, features = [], []
    for evaluation in evaluations:
        if type(evaluation) is not dict or "context" in evaluation or "context" in around:
            return None
        own = {name: evaluation[name] for name in COMMON if evaluation.get(name) is not None}
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
        return EvaluationRequest({}, articles, features)
    return EvaluationRequest({SUBJECTS[kind]: name}, articles, features) if kind in SUBJECTS else None


def _entity(given: Any) -> tuple[str, str] | None:
    kind, name = _word(given, "type"), _word(given, "id")
    return None if kind is None or name is None else (kind, name)


def _word(given: Any, name: str) -> str | None:
    word = given.get(name) if type(given) is dict else None
    return word if type(word) is str and is_name(word) else None
