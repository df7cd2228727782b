"""From memory to an answer, or to what is missing for it. Nothing here waits, and nothing decides but `rules.access.decide`."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal, NamedTuple
from urllib.parse import parse_qsl

from billing.access import edge_tokens, visitors
from billing.access_cache.load import Missing
from billing.access_cache.memory import BELT, FOR_EVER, Answer, Header, Known, Memory, Reply, Told
from billing.access_cache.packed_entitlements import GIFTS, NOBODY, REGISTERED, unpack
from billing.http import cookies, shapes
from billing.http.asker import Asker, Kind
from billing.platform.site import Office
from billing.rules.access import REFUSALS, Facts, Reason, decide, same_until
from billing.rules.key_secrets import PREFIX
from billing.staff.api_keys import PURPOSE

MOST = {
    "reader_id": 64,
    "external_id": shapes.LONGEST,
    "visitor": visitors.LONGEST_TOKEN,
    "gift": shapes.LONGEST,
}
"""The longest that each of what a query may say is."""
KEY_PREFIX = PREFIX.encode()
AHEAD = "true"
"""How `prefetch` is said most plainly: nothing is to be counted. Memory counts nothing in any case."""
NOTHING: dict[str, str] = {}
BEFORE_A_COOKIE = b"; "
MOST_SIZES = 1000


class Asked(NamedTuple):
    """What of a request says who asks. None of it is believed yet."""

    cookie: bytes
    bearer: bytes
    named: dict[str, str]


class Names(NamedTuple):
    """The names of our cookies, as they stand in a header."""

    session: bytes
    visitor: bytes
    gift: bytes


def asked(headers: Iterable[Header], query: bytes) -> Asked | None:
    """Who asks, as far as the request says so in the plainest way; None for anything else: the framework reads that."""
    cookie = authorization = b""
    for name, value in headers:
        if name == b"cookie":
            if cookie:
                return None
            cookie = value
        elif name == b"authorization":
            if authorization:
                return None
            authorization = value
    bearer = b""
    if authorization and authorization[:7].lower() == b"bearer ":
        bearer = authorization[7:].strip()
    named = NOTHING
    if query:
        if b"%00" in query or b"\0" in query:
            return None
        named = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
        if named.get("prefetch", AHEAD) != AHEAD or any(
            len(named.get(name, "")) > most for name, most in MOST.items()
        ):
            return None
    return Asked(cookie, bearer, named)


class Recall:
    """Answers from a memory. The same memory and the same instant give the same answer."""

    def __init__(self, office: Office, names: Names, security: list[Header]) -> None:
        self.office = office
        self.names = names
        self._session, self._session_length = names.session, len(names.session)
        self.session_digest = office.tokens.digester("session")
        self.key_digest = office.tokens.list_digester(PURPOSE)
        self.private: tuple[Header, ...] = ((b"cache-control", b"private, no-store"), *security)
        self._sized: dict[int, tuple[Header, ...]] = {}
        self._gate = {reason: self._bodiless(reason) for reason in Reason}

    def reply(self, route: str, head: bytes, told: Told) -> Reply:
        """What is said of one article: with a body, but for the gate."""
        return told.gate if route == "gate" else self.with_body(route, told.reason, head + told.tail)

    def with_body(self, route: str, reason: str, body: bytes) -> Reply:
        """A reply with this body. Of thousands many are as long, and have the same headers."""
        headers = self._sized.get(len(body))
        if headers is None:
            if len(self._sized) > MOST_SIZES:
                self._sized.clear()
            size = b"content-length", b"%d" % len(body)
            headers = self._sized[len(body)] = (size, (b"content-type", b"application/json"), *self.private)
        return route, reason, 200, headers, body

    def _bodiless(self, reason: Reason) -> Reply:
        headers = ((b"x-access-reason", reason.value.encode()), *self.private)
        return "gate", reason.value, 403 if reason in REFUSALS else 204, headers, b""

    def at_once(
        self, memory: Memory, headers: Iterable[Header], article_id: str, seconds: float, now: float
    ) -> tuple[bytes, Told] | None:
        """What `answer` says to a browser whose session, standing and article are all known and which may read; None to all
        others. Most requests are such, and this is all they cost: so it is written in one piece."""
        cookie = None
        for name, value in headers:
            if name == b"cookie":
                if cookie is not None:
                    return None
                cookie = value
            elif name == b"authorization":
                return None
        if cookie is None:
            return None
        start = cookie.rfind(self._session)
        if start < 0 or (
            start and cookie[start - 2 : start] != BEFORE_A_COOKIE
        ):  # or not as browsers write it
            return None
        start += self._session_length
        end = cookie.find(b";", start)
        seat = memory.sessions.get(self.session_digest(cookie[start:] if end < 0 else cookie[start:end])[:16])
        if seat is None or seconds >= seat.until:
            return None
        held = seat.held if seat.turn == memory.standings.turn else None
        if held is None:
            held = memory.found(seat)
        known = memory.articles.get(article_id)
        if held is None or now - seat.loaded > BELT or known is None or now - known.loaded > BELT:
            return None
        told = known.answers.get(held)
        if told is None or not told.allowed or seconds >= told.same_until:
            return None
        return known.head, told

    def answer(
        self, memory: Memory, who: Asked, article_id: str, at: datetime, now: float
    ) -> Answer | Missing | None:
        """The answer; or what is missing for it; or None where only the framework can say: it counts, or refuses."""
        held = self.held(memory, who, at, now)
        if not isinstance(held, int):
            return held
        found = self.about(memory, who, (article_id,), held, at, now)
        return found[0] if isinstance(found, list) else found

    def held(self, memory: Memory, who: Asked, at: datetime, now: float) -> int | Missing | None:
        """What whoever asks holds, packed; 0 for nobody."""
        if not who.bearer:
            name = (
                self._of_session(memory, cookies.value_in(who.cookie, self.names.session), at)
                if who.cookie
                else ""
            )
        elif who.bearer.startswith(KEY_PREFIX):
            name = self._of_key(memory, who, at, now)
        else:
            name = self._of_token(memory, who, at)
        if not isinstance(name, str):
            return name
        if not name:
            return NOBODY
        held = memory.standing(name, now)
        if held is None:
            return ("standing", name)
        is_gone = not held & REGISTERED and who.bearer and not who.bearer.startswith(KEY_PREFIX)
        return None if is_gone else held

    def asker(self, memory: Memory, who: Asked, at: datetime, now: float) -> Asker | Missing | None:
        """Who asks, where that is proved; or what is missing to prove it; or None for a stranger. A reader token that proves
        nothing leaves that to the session beside it, a key doesn't: it is refused."""
        if who.bearer.startswith(KEY_PREFIX):
            digest = self.key_digest(who.bearer)
            is_known = memory.has_key(digest, at.timestamp(), now)
            return Asker(Kind.PROGRAM, digest.hex()) if is_known else ("key", digest)
        name = self._of_token(memory, who, at) if who.bearer else None
        if name is None:
            secret = cookies.value_in(who.cookie, self.names.session)
            name = self._of_session(memory, secret, at, is_stale=True)
        return Asker(Kind.READER, name) if isinstance(name, str) and name else name or None

    def about(
        self, memory: Memory, who: Asked, articles: Sequence[str], held: int, at: datetime, now: float
    ) -> list[Answer] | Missing | None:
        """The answers on these articles for whoever holds this. Those that aren't known are missing all at once."""
        answers, seconds = [], at.timestamp()
        for article_id in articles:
            known = memory.article(article_id, now)
            if known is None:
                unknown = [name for name in dict.fromkeys(articles) if memory.article(name, now) is None]
                return ("articles", tuple(unknown))
            told = known.answers.get(held)
            if told is None or seconds >= told.same_until:
                told = self._decide(known, held, at)
                memory.keep_answer(known, held, told)
            if not told.allowed and known.is_metered:
                return None  # the meter could open it, and only the framework can say
            answers.append(Answer(known.head, told))
        if all(one.told.allowed for one in answers):
            return answers
        perhaps = self._perhaps_opened(memory, who, held, now)
        return answers if perhaps is False else perhaps

    def _perhaps_opened(
        self, memory: Memory, who: Asked, held: int, now: float
    ) -> Missing | Literal[False] | None:
        """Whether a gift could open what was refused: False, or None where only the framework can say, or what is missing."""
        if held & GIFTS or who.named.get("gift") or cookies.value_in(who.cookie, self.names.gift):
            return None
        by_program = who.bearer.startswith(KEY_PREFIX)
        token = (
            who.named.get("visitor", "")
            if by_program
            else cookies.value_in(who.cookie, self.names.visitor).decode()
        )
        visitor = visitors.by_token(self.office, token)
        if visitor is None:
            return False
        gifts = memory.standing(visitor.id, now)
        if gifts is None:
            return ("standing", visitor.id)
        return None if gifts & GIFTS else False

    def _of_session(
        self, memory: Memory, secret: bytes, at: datetime, *, is_stale: bool = False
    ) -> str | Missing | None:
        """`is_stale`: also where its use is to be written down, or it has grown old, which only the framework knows."""
        if not secret:
            return ""
        digest = self.session_digest(secret)
        seat = memory.sessions.get(digest[:16])
        if seat is None:
            return ("session", digest)
        return seat.reader_id if is_stale or at.timestamp() < seat.until else None

    def _of_token(self, memory: Memory, who: Asked, at: datetime) -> str | Missing | None:
        digest = hashlib.sha256(who.bearer).digest()[:16]
        signed = memory.tokens.get(digest)
        if signed is None:
            secret = who.bearer.decode("latin-1")
            return ("token", (digest, secret)) if edge_tokens.looks_like_one(secret) else None
        if at.timestamp() >= signed.until:
            return None
        if signed.session_id is not None:
            until = memory.open_sessions.get(signed.session_id)
            if until is None:
                return ("open_session", signed.session_id)
            if at.timestamp() > until:
                return None
        return signed.reader_id

    def _of_key(self, memory: Memory, who: Asked, at: datetime, now: float) -> str | Missing | None:
        digest = self.key_digest(who.bearer)
        if not memory.has_key(digest, at.timestamp(), now):
            return ("key", digest)
        external = who.named.get("external_id")
        if not external:
            return who.named.get("reader_id", "")
        found = memory.external(external, now)
        return ("external", external) if found is None else found or who.named.get("reader_id", "")

    def _decide(self, known: Known, held: int, at: datetime) -> Told:
        registered, holdings = unpack(held)
        facts = Facts(known.policy, registered, holdings, None, known.opened)
        decision = decide(facts, at)
        shape = shapes.decided(known.id, decision, None, self.office.offer_url)
        body = json.dumps(shape, ensure_ascii=False, separators=(",", ":")).encode()
        until = same_until(facts, at)
        return Told(
            decision.allowed,
            FOR_EVER if until is None else until.timestamp(),
            decision.features,
            decision.reason.value,
            body.removeprefix(known.head),
            self._gate[decision.reason],
        )
