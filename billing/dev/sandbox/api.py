"""The API: authentication, parameters, faults, idempotency, and the answer."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from billing.dev.sandbox import expand, files, ids, operations, params, permissions, wire
from billing.dev.sandbox.errors import StripeError, invalid, rate_limited, server_error, unauthorized
from billing.dev.sandbox.faults import Faults, Rule
from billing.dev.sandbox.idempotency import Keys, fingerprint
from billing.dev.sandbox.world import API_VERSION, Call, SandboxWorld

Exchange = dict[str, Any]
LARGEST_BODY = 1_000_000
_FAILS_LATE = ("500_after", "500_halfway")


@dataclass
class ApiRequest:
    """A request as received, before any validation."""

    method: str
    path: str
    query: list[tuple[str, str]]
    form: list[tuple[str, str]]
    headers: dict[str, str]
    base_url: str
    too_large: bool
    request_id: str
    key: str | None

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """All parameters."""
        return self.query + self.form


@dataclass
class SandboxAnswer:
    """The answer to an API request."""

    status: int
    body: str
    headers: dict[str, str]


class Api:
    """An ASGI application for everything under `/v1`."""

    def __init__(
        self, world: SandboxWorld, faults: Faults, on_exchange: Callable[[Exchange], None] | None
    ) -> None:
        self.world = world
        self.faults = faults
        self.keys = Keys(world)
        self._on_exchange = on_exchange

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, with the fault that strikes it."""
        request = await _read(Request(scope, receive))
        fault = self.faults.take(request.method, request.path)
        effect = fault.effect if fault else None
        if fault and effect in ("timeout_before", "reset_before"):
            if effect == "timeout_before":
                await wire.withhold(receive, fault.seconds, self.faults.cleared)
            wire.tear(scope)
            return
        answer = await self._answer(request, fault, receive)
        if self._on_exchange:
            self._on_exchange(_exchange(request, answer, effect))
        answer.headers["Date"] = formatdate(self.world.clock.now(), usegmt=True)
        body = answer.body.encode()
        if fault and effect in ("timeout_after", "reset_after"):
            if effect == "timeout_after":
                await wire.withhold(receive, fault.seconds, self.faults.cleared)
            wire.tear(scope)
        elif effect == "cut":
            await wire.send_cut(scope, send, answer.status, answer.headers, body)
        else:
            await wire.send_answer(send, answer.status, answer.headers, body)

    async def _answer(self, request: ApiRequest, fault: Rule | None, receive: Receive) -> SandboxAnswer:
        effect = fault.effect if fault else None
        try:
            secret = _authenticate(request)
            if request.too_large:
                raise StripeError(413, "The request is too large.")
            if effect == "429":
                raise rate_limited()
            key = request.key if request.method == "POST" else None
            mark = fingerprint(request.method, request.path, request.pairs) if key else ""
            if key and (stored := self.keys.replay(key, mark)):
                return _replayed(request, stored)
            if key and fault and effect == "slow":
                self.keys.begin(key)
            try:
                if fault and effect == "slow":
                    await wire.withhold(receive, fault.seconds, self.faults.cleared)
                return self._execute(request, secret, mark, effect)
            finally:
                if key:
                    self.keys.end(key)
        except StripeError as refusal:
            answer = _refused(request, refusal)
            if refusal.status == 429 and fault and fault.retry_after:
                answer.headers["Retry-After"] = str(fault.retry_after)
            return answer

    def _execute(self, request: ApiRequest, secret: str, mark: str, effect: str | None) -> SandboxAnswer:
        """`mark` is the fingerprint of a request with an idempotency key, else empty."""
        operation, call = _understand(self.world, request, secret)
        call = replace(call, halfway=effect == "500_halfway")
        world = self.world
        world.cause = {"id": request.request_id, "idempotency_key": request.key}
        try:
            if effect == "500_before":
                raise server_error()
            row = operation.act(world, call)
            if effect in _FAILS_LATE:
                raise server_error()
            shown = expand.expanded(world, row, call.params.get("expand", []), operation.many)
            answer = SandboxAnswer(200, json.dumps(shown), _headers(request))
        except StripeError as refusal:
            answer = _refused(request, refusal)
            if effect in _FAILS_LATE:
                answer = _refused(request, server_error())
        finally:
            world.cause = None
        if mark and request.key:
            self.keys.keep(request.key, mark, answer.status, answer.body, request.request_id)
        world.store.commit()
        return answer


async def _read(request: Request) -> ApiRequest:
    body = await request.body()
    content_type = request.headers.get("content-type", "")
    uploads = content_type.startswith(files.MULTIPART)
    largest = files.LARGEST if uploads else LARGEST_BODY
    form = (
        files.pairs_of(content_type, body[:largest])
        if uploads
        else parse_qsl(body[:largest].decode("utf-8", "replace"), keep_blank_values=True)
    )
    return ApiRequest(
        method=request.method,
        path=request.url.path,
        query=parse_qsl(request.url.query, keep_blank_values=True),
        form=form,
        headers={name.lower(): value for name, value in request.headers.items()},
        base_url=f"{request.url.scheme}://{request.url.netloc}",
        too_large=len(body) > largest,
        request_id=ids.new("req", 14),
        key=request.headers.get("idempotency-key"),
    )


def _authenticate(request: ApiRequest) -> str:
    """The key."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    secret = given.strip()
    if scheme.lower() == "basic":
        try:
            secret = base64.b64decode(given).decode().partition(":")[0]
        except ValueError:
            secret = ""
    if not secret:
        raise unauthorized(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        )
    if secret.startswith(("sk_live_", "rk_live_", "pk_live_")):
        raise unauthorized(
            "A live key was sent to the sandbox and was refused. Roll that key: it left its home."
        )
    if not secret.startswith(("sk_test_", permissions.RESTRICTED)):
        raise unauthorized(f"Invalid API Key provided: {secret[:8]}{'*' * 8}")
    return secret


def _understand(world: SandboxWorld, request: ApiRequest, secret: str) -> tuple[operations.Operation, Call]:
    version = request.headers.get("stripe-version", API_VERSION)
    if version != API_VERSION:
        raise invalid(f"Invalid Stripe API version: {version}. The sandbox speaks {API_VERSION} only.")
    found = operations.match(request.method, request.path)
    if found is None:
        raise StripeError(
            404,
            f"Unrecognized request URL ({request.method}: {request.path}). Please see https://docs.stripe.com/api.",
        )
    operation, named = found
    permissions.check(world, secret, request.method, operation.returns)
    given = params.read(operation.spec, params.nest(request.pairs), operation.required)
    expand.check(given.get("expand", []), operation.returns, operation.many)
    return operation, Call(
        method=request.method,
        path=request.path,
        ids=named,
        params=given,
        at=world.clock.now(),
        request_id=request.request_id,
        idempotency_key=request.key,
        base_url=request.base_url,
    )


def _headers(request: ApiRequest) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "Request-Id": request.request_id,
        "Stripe-Version": request.headers.get("stripe-version", API_VERSION),
        "Cache-Control": "no-cache, no-store",
    }
    if request.key:
        headers["Idempotency-Key"] = request.key
    return headers


def _refused(request: ApiRequest, refusal: StripeError) -> SandboxAnswer:
    headers = _headers(request)
    headers |= {"Stripe-Should-Retry": "true"} if refusal.status == 409 else {}
    return SandboxAnswer(refusal.status, json.dumps(refusal.body(request.request_id)), headers)


def _replayed(request: ApiRequest, stored: dict[str, Any]) -> SandboxAnswer:
    headers = _headers(request) | {"Idempotent-Replayed": "true", "Original-Request": stored["request_id"]}
    return SandboxAnswer(stored["status"], stored["body"], headers)


def _exchange(request: ApiRequest, answer: SandboxAnswer, effect: str | None) -> Exchange:
    noted = ("stripe-version", "idempotency-key", "content-type", "user-agent")
    return {
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "form": request.form,
        "request_headers": {name: request.headers[name] for name in noted if name in request.headers},
        "status": answer.status,
        "answer": json.loads(answer.body),
        "answer_headers": answer.headers,
        "fault": effect,
    }
