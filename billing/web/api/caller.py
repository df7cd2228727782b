"""The program behind an API call: its key with its scopes, and its Idempotency-Key."""

import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import Depends, Header, Request, Security
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlmodel import Session
from starlette.responses import Response

from billing.container import Services
from billing.http import shapes
from billing.http.client_ip import client_ip
from billing.platform.actors import ApiActor
from billing.platform.context import TransactionContext
from billing.platform.db import advisory_key
from billing.platform.errors import Conflict, Invalid, Refusal, Unauthenticated
from billing.rules import scopes
from billing.rules.lifecycle import NoSuchTransition
from billing.rules.scopes import SCOPES, grants
from billing.staff import audit, key_cases, reads
from billing.staff.key_limits import KeyForbids, KeyOverLimit, ScopeMissing
from billing.web.api.api_key import find, note_use
from billing.web.api.models import StoredAnswer
from billing.web.kit.bulkhead import Party, Side
from billing.web.kit.problems import log_refusal, problem
from billing.web.kit.visit import services_of

Answer = tuple[int, Any]
"""A status and the content of its JSON; None for an answer without a body."""
bearer = HTTPBearer(
    auto_error=False,
    description="An API key, from `billing keys create`. Each call names the scope that its key needs. "
    + " ".join(f"`{scope}`: {words}." for scope, words in SCOPES.items()),
)


class OtherBody(Conflict):
    """This Idempotency-Key has been used with another request."""

    code = "idempotency_mismatch"


class StillRunning(Conflict):
    """The first call with this Idempotency-Key is still under way. Ask again in a moment."""

    code = "idempotency_in_progress"


class BadIdempotencyKey(Invalid):
    """An Idempotency-Key has 1 to 255 printable characters."""

    code = "bad_idempotency_key"


@dataclass(frozen=True)
class Caller:
    """A call by a program with a key."""

    services: Services
    request: Request
    at: datetime
    key_id: str
    name: str
    idempotency_key: str | None

    @property
    def party(self) -> Party:
        """The key, for which calls to the acquirer count."""
        return Party(Side.PROGRAMS, self.key_id)

    def begin(self) -> AbstractContextManager[TransactionContext]:
        """A transaction of this call."""
        return self.services.database.begin(self.services.site, self.at, self.actor)

    def context(self, session: Session) -> TransactionContext:
        """The context of a transaction that is open already."""
        return TransactionContext(session, self.services.site, self.at, self.actor)

    @property
    def actor(self) -> ApiActor:
        """The program, as the audit and histories name it."""
        return ApiActor(self.name, self.key_id, client_ip(self.request, self.services))

    def count_read(self, ctx: TransactionContext, *reader_ids: str) -> None:
        """Count the readers that the answer tells of. Call it last in the transaction. Raises KeyOverLimit."""
        what = f"{self.request.method} {self.request.scope['route'].path}"
        try:
            reads.note(ctx, what, reader_ids)
        except KeyOverLimit as refusal:
            self._report(refusal)
            raise

    def once(self, body: Any, do: Callable[[], Answer]) -> Response:
        """Do it, unless this Idempotency-Key has an answer already; then give that again.

        Refusals (4xx) are stored as answers too. Failures (5xx) and what the key forbids aren't, so that the call can be
        repeated. Raises OtherBody, StillRunning, ScopeMissing, KeyOverLimit."""
        if self.idempotency_key is None:
            return self._respond(do)
        request_hash = self._hash(body)
        lock = {"key": advisory_key(f"idempotency {self.key_id} {self.idempotency_key}")}
        # a session lock, on a connection of its own: it outlasts the transactions inside, and ends if this process dies
        with self.services.database.autocommit() as connection:
            if not connection.execute(sa.text("SELECT pg_try_advisory_lock(:key)"), lock).scalar_one():
                raise StillRunning
            try:
                return self._stored(request_hash) or self._store(request_hash, self._respond(do))
            finally:
                connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), lock)

    def once_in_one(
        self, body: shapes.Body | None, do: Callable[[TransactionContext], Answer], *, brief: bool = False
    ) -> Response:
        """The same for a single transaction. The answer is stored in it, so neither can exist without the other.

        `brief`: fields with their default value don't count for whether two bodies are the same. Raises OtherBody, StillRunning."""
        given = body.model_dump(mode="json", exclude_defaults=brief) if body is not None else None

        def in_one_go() -> Answer:
            with self.begin() as ctx:
                status, answer = do(ctx)
                self.store_with(ctx.session, given, status, answer)
                return status, answer

        return self.once(given, in_one_go)

    def store_with(self, session: Session, body: Any, status: int, answer: Any) -> None:
        """Store the answer in the transaction that makes it true, where `once` runs several."""
        if self.idempotency_key is not None:
            text = bytes(_response(status, answer).body).decode()
            session.add(self._answer(self._hash(body), status, text))

    def _hash(self, body: Any) -> str:
        """Identifies the request: calls with the same hash are repetitions."""
        text = json.dumps(body, sort_keys=True, default=str)
        return hashlib.sha256(f"{self.request.method} {self.request.url.path} {text}".encode()).hexdigest()

    def _respond(self, do: Callable[[], Answer]) -> Response:
        try:
            status, answer = do()
        except KeyForbids as refusal:
            self._report(refusal)
            raise
        except Refusal as refusal:
            log_refusal(self.request, refusal.status, refusal.code)
            return problem(refusal.status, refusal.code, refusal.detail, refusal.facts)
        except NoSuchTransition as refusal:
            log_refusal(self.request, 409, "move_refused")
            return problem(409, "move_refused", str(refusal))
        return _response(status, answer)

    def _report(self, refusal: KeyForbids) -> None:
        """Audit what the key may not do, once an hour. A ceiling that is reached opens a case, once a day."""
        with self.begin() as ctx:
            audit.refused(
                ctx,
                refusal.code,
                reason=refusal.detail,
                asked=f"{self.request.method} {self.request.url.path}"[:300],
            )
            if isinstance(refusal, KeyOverLimit):
                key_cases.at_its_ceiling(ctx, self.key_id, self.name, refusal.detail)

    def _stored(self, request_hash: str) -> Response | None:
        with self.services.database.transaction() as session:
            found = session.get(StoredAnswer, (self.key_id, self.idempotency_key))
        if found is None:
            return None
        if found.request_hash != request_hash:
            raise OtherBody
        kind = "application/json" if found.status < 400 else "application/problem+json"
        return Response(found.body, found.status, {"Idempotent-Replayed": "true"}, kind)

    def _store(self, request_hash: str, response: Response) -> Response:
        if response.status_code < 500:
            with self.services.database.transaction() as session:
                if session.get(StoredAnswer, (self.key_id, self.idempotency_key)) is None:
                    text = bytes(response.body).decode()
                    session.add(self._answer(request_hash, response.status_code, text))
        return response

    def _answer(self, request_hash: str, status: int, body: str) -> StoredAnswer:
        return StoredAnswer(
            key_id=self.key_id,
            idempotency_key=str(self.idempotency_key),
            request_hash=request_hash,
            created_at=self.at,
            status=status,
            body=body,
        )


def _response(status: int, answer: Any) -> Response:
    return JSONResponse(answer, status) if answer is not None else Response(status_code=status)


Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


def needs(scope: str) -> Callable[..., Caller]:
    """A dependency: a caller whose key has the scope. Raises Unauthenticated, ScopeMissing."""

    def caller(
        request: Request,
        credentials: Credentials,
        idempotency_key: Annotated[str | None, Header()] = None,
    ) -> Caller:
        if credentials is None:
            raise Unauthenticated
        chosen = idempotency_key
        if chosen is not None and not (0 < len(chosen) <= 255 and chosen.isprintable()):
            raise BadIdempotencyKey
        services = services_of(request)
        with services.database.transaction() as session:
            at = services.clock.now()
            key = find(session, services.site.tokens, credentials.credentials, at)
            note_use(session, key, at)
        if not grants(key.scopes, scope):
            raise ScopeMissing(f"This needs a key with the scope `{scope}`.", needs=scope)
        return Caller(services, request, at, key.id, key.name, idempotency_key)

    return caller


def _with(scope: str) -> Any:
    """The same, with the scope in the route's API description."""
    return Security(needs(scope), scopes=[scope])


Access = Annotated[Caller, _with(scopes.ACCESS)]
Articles = Annotated[Caller, _with(scopes.ARTICLES)]
Readers = Annotated[Caller, _with(scopes.READERS)]
ReadsReaders = Annotated[Caller, _with(scopes.READ)]
Starts = Annotated[Caller, _with(scopes.START)]
Cancels = Annotated[Caller, _with(scopes.CANCEL)]
Supports = Annotated[Caller, _with(scopes.SUPPORT)]
Money = Annotated[Caller, _with(scopes.MONEY)]
