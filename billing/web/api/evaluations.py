"""`/access/v1/evaluation(s)`: the access decisions as OpenID AuthZEN 1.0, for API gateways that speak it."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field

from billing.access.articles import UnknownArticle
from billing.access.check import AccessRequest, AccessResult, Question, check, check_all
from billing.access.entitlements import ANONYMOUS, entitlements_by_reader
from billing.access.visitors import Visitor
from billing.http import shapes
from billing.http.limits import MOST_ARTICLES
from billing.platform.context import TransactionContext
from billing.platform.site import Site
from billing.readers.register import ids_of_external
from billing.rules.access import READ
from billing.web.api.caller import Access
from billing.web.api.edges import FOR_EVERYBODY
from billing.web.kit.visit import services_of

router = APIRouter(tags=["Access"])
Word = Annotated[str, Field(min_length=1, max_length=shapes.LONGEST)]


class Lenient(shapes.Body):
    """The standard lets others add fields of their own, so those that we don't know are left alone."""

    model_config = ConfigDict(extra="ignore")


class Entity(Lenient):
    """A subject (`reader` by our id, `external` by the publisher's, `anonymous`) or a resource (`article`)."""

    type: Word
    id: Word


class Action(Lenient):
    """A feature: `read`, `listen`, … A leading `can_` is understood."""

    name: Word

    @property
    def feature(self) -> str:
        """The feature that it needs."""
        return self.name.removeprefix("can_")


class Context(Lenient):
    """What surrounds the question. `prefetch`: nobody reads yet, so nothing is counted."""

    prefetch: bool = False


class Partial(Lenient):
    """One evaluation; what is left out is taken from the request around it."""

    subject: Entity | None = None
    action: Action | None = None
    resource: Entity | None = None
    context: Context | None = None


class Evaluation(Lenient):
    """Who wants to do what, with which article."""

    subject: Entity
    action: Action
    resource: Entity
    context: Context | None = None


class Semantic(StrEnum):
    """Whether all are evaluated, or to the first denial, or to the first permit."""

    ALL = "execute_all"
    DENY = "deny_on_first_deny"
    PERMIT = "permit_on_first_permit"


class Options(Lenient):
    """How many are evaluated."""

    evaluations_semantic: Semantic = Semantic.ALL


class Evaluations(Partial):
    """Up to 500 evaluations, with what they have in common around them."""

    evaluations: list[Partial] = Field(min_length=1, max_length=MOST_ARTICLES)
    options: Options = Field(default_factory=Options)

    def completed(self) -> list[Partial]:
        """Each evaluation, with what it leaves out taken from here."""
        return [
            Partial(
                subject=partial.subject or self.subject,
                action=partial.action or self.action,
                resource=partial.resource or self.resource,
                context=partial.context or self.context,
            )
            for partial in self.evaluations
        ]


@router.post("/access/v1/evaluation", summary="AuthZEN: one evaluation")
def evaluation(body: Evaluation, caller: Access) -> JSONResponse:
    """`{"decision"}`, with the reason and all else that `/v1/access` says in `context`. Permitting a reader to `read` a metered
    article counts it; with `prefetch` in the context it is not counted, and closed."""
    counts = body.action.feature == READ and not (body.context and body.context.prefetch)
    partial = Partial(**dict(body))
    with caller.begin() as ctx:
        (question,) = _questions(ctx, [partial], counts=counts)
        if isinstance(question, dict):
            return JSONResponse(question)
        try:
            result = check(ctx, caller.services.limits, *question)
        except UnknownArticle:
            result = None
    return JSONResponse(_answer(result, partial, ctx.site))


@router.post("/access/v1/evaluations", summary="AuthZEN: many at once")
def evaluations(body: Evaluations, caller: Access) -> JSONResponse:
    """In the order asked. Nothing is counted, so a metered article that would have to be stays closed (`pending` in its context)."""
    stops_at = {Semantic.DENY: False, Semantic.PERMIT: True}.get(body.options.evaluations_semantic)
    partials = body.completed()
    with caller.begin() as ctx:
        questions = _questions(ctx, partials, counts=False)
        unique = list(dict.fromkeys(question for question in questions if isinstance(question, tuple)))
        results = dict(zip(unique, check_all(ctx, caller.services.limits, unique), strict=True))
    answers: list[dict[str, Any]] = []
    for partial, question in zip(partials, questions, strict=True):
        if isinstance(question, dict):
            answers.append(question)
        else:
            answers.append(_answer(results[question], partial, ctx.site))
        if answers[-1]["decision"] is stops_at:
            break
    return JSONResponse({"evaluations": answers})


@router.get("/.well-known/authzen-configuration", summary="AuthZEN: where to ask")
def metadata(request: Request) -> JSONResponse:
    """The addresses of the evaluations."""
    site = services_of(request).site
    found = {
        "policy_decision_point": site.public_url,
        "access_evaluation_endpoint": site.page("/access/v1/evaluation"),
        "access_evaluations_endpoint": site.page("/access/v1/evaluations"),
    }
    return JSONResponse(found, headers=FOR_EVERYBODY)


def _questions(
    ctx: TransactionContext, partials: Sequence[Partial], *, counts: bool
) -> list[Question | dict[str, Any]]:
    """Each evaluation as a question, or, where it can't be evaluated, a denial with the error."""
    subjects = [partial.subject for partial in partials if partial.subject is not None]
    names = {
        kind: {subject.id for subject in subjects if subject.type == kind} for kind in ("reader", "external")
    }
    ids = ids_of_external(ctx.session, names["external"]) if names["external"] else {}
    readers = names["reader"] | set(ids.values())
    known = entitlements_by_reader(ctx, readers) if readers else {}

    def question(partial: Partial) -> Question | dict[str, Any]:
        subject, resource = partial.subject, partial.resource
        if subject is None or partial.action is None or resource is None:
            return _denied(400, "An evaluation needs a subject, an action and a resource.")
        if resource.type != "article":
            return _denied(404, "The only resources are articles: type `article`.")
        if subject.type not in (*names, "anonymous"):
            return _denied(400, "A subject is of the type `reader`, `external` or `anonymous`.")
        reader_id = ids.get(subject.id, "") if subject.type == "external" else subject.id
        entitlements = known.get(reader_id, ANONYMOUS) if subject.type in names else ANONYMOUS
        visitors = (Visitor(entitlements.reader_id),) if entitlements.reader_id else ()
        return resource.id, AccessRequest(entitlements, visitors, counts)

    return [question(partial) for partial in partials]


def _answer(result: AccessResult | None, partial: Partial, site: Site) -> dict[str, Any]:
    if result is None or partial.action is None:
        return _denied(404, UnknownArticle().detail)
    context = shapes.access(result, site)
    if result.pending:
        context["pending"] = True
    allowed = partial.action.feature in result.decision.features and not result.pending
    return {"decision": allowed, "context": context}


def _denied(status: int, message: str) -> dict[str, Any]:
    return {"decision": False, "context": {"error": {"status": status, "message": message}}}
