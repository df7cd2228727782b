"""Who calls: an API key with its scopes, and calls that may be repeated."""

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
    """A program with a key, at an instant."""

    services: Services
    request: Request
    at: datetime
    key_id: str
    name: str
    idempotency_key: str | None

    @property
    def party(self) -> Party:
        """Whom the call counts for where it waits for the gateway."""
        return Party(Side.PROGRAMS, self.key_id)

    def begin(self) -> AbstractContextManager[TransactionContext]:
        """A transaction of this call."""
        return self.services.database.begin(self.services.site, self.at, self.actor)

    def context(self, session: Session) -> TransactionContext:
        """What the rooms below work with in a transaction that is open."""
        return TransactionContext(session, self.services.site, self.at, self.actor)

    @property
    def actor(self) -> ApiActor:
        """The program, as histories and the audit name it."""
        return ApiActor(self.name, self.key_id, client_ip(self.request, self.services))

    def reads(self, session: Session, *reader_ids: str) -> None:
        """Count what this call is about to tell of readers; the last thing in its transaction. Raises KeyOverLimit."""
        what = f"{self.request.method} {self.request.scope['route'].path}"
        try:
            reads.note(self.context(session), what, reader_ids)
        except KeyOverLimit as refusal:
            self._told_to_admins(refusal)
            raise

    def once(self, body: Any, do: Callable[[], tuple[int, Any]]) -> Response:
        """Do it, unless this Idempotency-Key has its answer already: same key, same answer.

        Refusals (4xx) are kept as answers too; failures (5xx) aren't, nor what the key alone forbids, so that the call can be
        repeated. Raises OtherBody, StillRunning, ScopeMissing, KeyOverLimit."""
        if self.idempotency_key is None:
            return self._fresh(do)
        asked = self._asked(body)
        lock = advisory_key(f"idempotency {self.key_id} {self.idempotency_key}")
        with self.services.database.engine.connect().execution_options(
            isolation_level="AUTOCOMMIT"
        ) as connection:
            # held by the connection: if this process dies, the key is free to be used again
            if not connection.execute(
                sa.text("SELECT pg_try_advisory_lock(:key)"), {"key": lock}
            ).scalar_one():
                raise StillRunning
            try:
                return self._kept(asked) or self._keep(asked, self._fresh(do))
            finally:
                connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": lock})

    def once_in_one(self, body: Any, do: Callable[[Session], tuple[int, Any]]) -> Response:
        """The same for what happens in one transaction: the answer is kept in it, so neither can be there without the
        other. Raises OtherBody, StillRunning."""

        def in_one_go() -> tuple[int, Any]:
            with self.services.database.transaction() as session:
                status, answer = do(session)
                self.keep_with(session, body, status, answer)
                return status, answer

        return self.once(body, in_one_go)

    def keep_with(self, session: Session, body: Any, status: int, answer: Any) -> None:
        """Keep the answer in the transaction that makes it true, for what `once` does in several of them."""
        if self.idempotency_key is not None:
            kept = bytes(_response(status, answer).body).decode()
            session.add(self._answer(self._asked(body), status, kept))

    def _asked(self, body: Any) -> str:
        """What stands for the request: two with the same are one."""
        text = (
            f"{self.request.method} {self.request.url.path} {json.dumps(body, sort_keys=True, default=str)}"
        )
        return hashlib.sha256(text.encode()).hexdigest()

    def _fresh(self, do: Callable[[], tuple[int, Any]]) -> Response:
        try:
            status, answer = do()
        except KeyForbids as refusal:
            self._told_to_admins(refusal)
            raise
        except Refusal as refusal:
            log_refusal(self.request, refusal.status, refusal.code)
            return problem(refusal.status, refusal.code, refusal.detail, refusal.facts)
        except NoSuchTransition as refusal:
            log_refusal(self.request, 409, "move_refused")
            return problem(409, "move_refused", str(refusal))
        return _response(status, answer)

    def _told_to_admins(self, refusal: KeyForbids) -> None:
        """What a key may not do, and was tried with it, stands in the audit once an hour; a ceiling that is reached is a case, one
        a day."""
        with self.begin() as ctx:
            audit.refused(
                ctx,
                refusal.code,
                reason=refusal.detail,
                asked=f"{self.request.method} {self.request.url.path}"[:300],
            )
            if isinstance(refusal, KeyOverLimit):
                key_cases.at_its_ceiling(ctx, self.key_id, self.name, refusal.detail)

    def _kept(self, asked: str) -> Response | None:
        with self.services.database.transaction() as session:
            found = session.get(StoredAnswer, (self.key_id, self.idempotency_key))
        if found is None:
            return None
        if found.request_hash != asked:
            raise OtherBody
        kind = "application/json" if found.status < 400 else "application/problem+json"
        return Response(found.body, found.status, {"Idempotent-Replayed": "true"}, kind)

    def _keep(self, asked: str, response: Response) -> Response:
        if response.status_code < 500:
            with self.services.database.transaction() as session:
                if session.get(StoredAnswer, (self.key_id, self.idempotency_key)) is None:
                    session.add(self._answer(asked, response.status_code, bytes(response.body).decode()))
        return response

    def _answer(self, asked: str, status: int, body: str) -> StoredAnswer:
        return StoredAnswer(
            key_id=self.key_id,
            idempotency_key=str(self.idempotency_key),
            request_hash=asked,
            created_at=self.at,
            status=status,
            body=body,
        )


def _response(status: int, answer: Any) -> Response:
    return JSONResponse(answer, status) if answer is not None else Response(status_code=status)


def needs(scope: str) -> Callable[..., Caller]:
    """A dependency: a caller whose key has the scope. Raises Unauthenticated, ScopeMissing."""

    def caller(
        request: Request,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
        idempotency_key: Annotated[str | None, Header()] = None,
    ) -> Caller:
        if credentials is None:
            raise Unauthenticated
        if idempotency_key is not None and not (
            0 < len(idempotency_key) <= 255 and idempotency_key.isprintable()
        ):
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
    """The same, with the scope in the description of the route."""
    return Security(needs(scope), scopes=[scope])


Access = Annotated[Caller, _with(scopes.ACCESS)]
Articles = Annotated[Caller, _with(scopes.ARTICLES)]
Readers = Annotated[Caller, _with(scopes.READERS)]
ReadsReaders = Annotated[Caller, _with(scopes.READ)]
Starts = Annotated[Caller, _with(scopes.START)]
Cancels = Annotated[Caller, _with(scopes.CANCEL)]
Supports = Annotated[Caller, _with(scopes.SUPPORT)]
Money = Annotated[Caller, _with(scopes.MONEY)]
