"""`/access/v1/evaluation(s)`: the same decisions in the words of OpenID AuthZEN 1.0, for gateways that speak it."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field
from sqlmodel import Session

from billing.access.articles import UnknownArticle
from billing.access.check import AccessRequest, AccessResult, Question, check, check_all
from billing.access.entitlements import ANONYMOUS, entitlements_by_reader
from billing.access.visitors import Visitor
from billing.http import shapes
from billing.http.limits import MOST_ARTICLES
from billing.readers.register import ids_of_external
from billing.rules.access import READ
from billing.web.api.caller import Access, Caller
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

    def each(self) -> Iterator[Partial]:
        """Every evaluation, whole."""
        for one in self.evaluations:
            yield Partial(
                subject=one.subject or self.subject,
                action=one.action or self.action,
                resource=one.resource or self.resource,
                context=one.context or self.context,
            )


@router.post("/access/v1/evaluation", summary="AuthZEN: one evaluation")
def evaluation(body: Evaluation, caller: Access) -> JSONResponse:
    """`{"decision"}`, with the reason and all else that `/v1/access` says in `context`. Permitting a reader to `read` a metered
    article counts it; with `prefetch` in the context it is not counted, and closed."""
    counts = body.action.feature == READ and not (body.context and body.context.prefetch)
    one, services = Partial(**dict(body)), caller.services
    with caller.begin() as ctx:
        (asked,) = _questions(ctx.session, caller, [one], counts=counts)
        if not isinstance(asked, tuple):
            return JSONResponse(asked)
        article_id, request = asked
        try:
            checked = check(ctx, services.limits, article_id, request)
        except UnknownArticle:
            checked = None
    return JSONResponse(_told(checked, one, services.site.offer_url))


@router.post("/access/v1/evaluations", summary="AuthZEN: many at once")
def evaluations(body: Evaluations, caller: Access) -> JSONResponse:
    """In the order asked. Nothing is counted, so a metered article that would have to be stays closed (`pending` in its context)."""
    last = {Semantic.DENY: False, Semantic.PERMIT: True}.get(body.options.evaluations_semantic)
    each, services = list(body.each()), caller.services
    found: list[dict[str, Any]] = []
    with caller.begin() as ctx:
        asked = _questions(ctx.session, caller, each, counts=False)
        once = list(dict.fromkeys(one for one in asked if isinstance(one, tuple)))
        checked = dict(zip(once, check_all(ctx, services.limits, once), strict=True))
    for one, question in zip(each, asked, strict=True):
        if isinstance(question, dict):
            found.append(question)
        else:
            found.append(_told(checked[question], one, services.site.offer_url))
        if found[-1]["decision"] is last:
            break
    return JSONResponse({"evaluations": found})


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
    session: Session, caller: Caller, each: Sequence[Partial], *, counts: bool
) -> list[Question | dict[str, Any]]:
    """Each evaluation as a question; one that can't be evaluated is closed, with the error."""
    subjects = [one.subject for one in each if one.subject is not None]
    names = {kind: {one.id for one in subjects if one.type == kind} for kind in ("reader", "external")}
    ours = ids_of_external(session, names["external"]) if names["external"] else {}
    readers = names["reader"] | set(ours.values())
    known = entitlements_by_reader(caller.context(session), readers) if readers else {}

    def question(one: Partial) -> Question | dict[str, Any]:
        if one.subject is None or one.action is None or one.resource is None:
            return _closed(400, "An evaluation needs a subject, an action and a resource.")
        if one.resource.type != "article":
            return _closed(404, "The only resources are articles: type `article`.")
        if one.subject.type not in (*names, "anonymous"):
            return _closed(400, "A subject is of the type `reader`, `external` or `anonymous`.")
        name = ours.get(one.subject.id, "") if one.subject.type == "external" else one.subject.id
        held = known.get(name, ANONYMOUS) if one.subject.type in names else ANONYMOUS
        visitors = (Visitor(held.reader_id),) if held.reader_id else ()
        return one.resource.id, AccessRequest(held, visitors, counts)

    return [question(one) for one in each]


def _told(checked: AccessResult | None, one: Partial, offer_url: str) -> dict[str, Any]:
    if checked is None or one.action is None:
        return _closed(404, UnknownArticle().detail)
    context = shapes.access(checked, offer_url)
    if checked.pending:
        context["pending"] = True
    allowed = one.action.feature in checked.decision.features and not checked.pending
    return {"decision": allowed, "context": context}


def _closed(status: int, message: str) -> dict[str, Any]:
    return {"decision": False, "context": {"error": {"status": status, "message": message}}}
