"""Answers a question from the cache, or says what the cache lacks for it. Nothing here waits.

As in `access.check`: what policy and entitlements leave closed, a gift opens; what no gift opens, the meter may."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import NamedTuple

from billing.access import gifts, meter, visitors
from billing.access.meter import MeterReading
from billing.access.visitors import FirstReading, Visitor
from billing.access_cache.answer_builder import AnswerBuilder, CookieNames
from billing.access_cache.cache import MAX_AGE_SECONDS, AccessCache
from billing.access_cache.entries import AccessAnswer, CachedArticle, CachedVisitor, DecidedBy
from billing.access_cache.identifier import IdentifiedReader, Identifier
from billing.access_cache.load import Missing
from billing.access_cache.packed_entitlements import REGISTERED
from billing.access_cache.presented import PresentedCredentials
from billing.access_cache.visitor_states import WantedCount
from billing.http import cookies
from billing.http.asker import AskerKind
from billing.http.shapes import is_name
from billing.platform.site import Site
from billing.rules.periods import start_of_day
from billing.rules.readings import Reading


@dataclass(slots=True)
class AccessLookup:
    """Who asks about which articles, and what was looked up for this request alone.

    `at_gate`: by a web server that wants no body. `counts`: a person reads the one article. `by_subject`: a program names whom it
    is about, so there is no browser. `states`: visitors as a lookup of this request found them.
    `missing`: what was found to be missing already. `kind`: of asker, as far as known. `reader`, `visitors`: who was found to ask,
    which holds for the rest of the request."""

    who: PresentedCredentials
    articles: Sequence[str]
    at_gate: bool = False
    counts: bool = False
    by_subject: bool = False
    states: dict[str, CachedVisitor] = field(default_factory=dict)
    missing: Missing | None = None
    kind: AskerKind = AskerKind.STRANGER
    reader: IdentifiedReader | None = None
    visitors: Sequence[Visitor] | None = None


NEWCOMER = Visitor("", is_new=True)
"""A browser without a token. It gets an id with its answer."""


class VisitorFacts(NamedTuple):
    """What may open articles that policy and entitlements leave closed.

    `seconds`: `at` since 1970. `visitor`: the meter counts by it, if anyone. `state`: what is known of it. `counted`: its articles
    of the month. `by_meter`: what decides on an article outside `counted`, and on one in it. `gifts`: the articles of opened gifts,
    each with its end. `link`: the article of the gift link that was followed."""

    at: datetime
    seconds: float
    reader: IdentifiedReader
    visitor: Visitor | None
    state: CachedVisitor
    counted: tuple[str, ...]
    by_meter: tuple[DecidedBy, DecidedBy]
    limit: int
    gifts: Mapping[str, datetime]
    link: str

    def with_counted(self, counted: tuple[str, ...]) -> "VisitorFacts":
        """The same where these articles are counted."""
        return self._replace(counted=counted, by_meter=_by_meter(self.reader, counted))


class Decider:
    """Decides for one process. The same cache and the same instant give the same answers."""

    def __init__(
        self, site: Site, names: CookieNames, identifier: Identifier, builder: AnswerBuilder
    ) -> None:
        self.site = site
        self.names = names
        self.identifier = identifier
        self.builder = builder
        self._begins = self._ends = datetime.min.replace(tzinfo=UTC)
        self._this_month = date.min
        self._nothing_counted = CachedVisitor(date.min)

    def answers(
        self, cache: AccessCache, asked: AccessLookup, at: datetime, now: float
    ) -> list[AccessAnswer] | Missing | None:
        """The answers, or what is missing for them. None if only the framework can say, which opens gifts and refuses."""
        reader = asked.reader or self.identifier.reader(cache, asked.who, at, now)
        if not isinstance(reader, IdentifiedReader):
            return reader
        asked.reader = reader
        get, held, oldest, seconds = cache.articles.get, reader.held, now - MAX_AGE_SECONDS, at.timestamp()
        answers: list[AccessAnswer] = []
        closed = []
        for name in asked.articles:
            article = get(name)
            if article is None or article.loaded < oldest:
                return self._missing(cache, asked, now)
            decision = article.decisions.get(held)
            if decision is None or seconds >= decision.same_until:
                decision = self.builder.decision(cache, article, held, at)
            head = article.head
            if not decision.allowed:
                head = article.closed_head
                closed.append((len(answers), article))
            answers.append((head, decision, False, ""))
        # A crawler gets what a stranger gets who has used up the meter.
        if not closed or (asked.who.reading is Reading.CRAWLER and not asked.by_subject):
            return answers
        first = closed[0][1]
        is_counted = asked.counts and first.is_metered and self.builder.limit(reader.held) > 0
        to_count = first if is_counted else None
        facts = self._gather(cache, asked, reader, to_count, at)
        if not isinstance(facts, VisitorFacts):
            return facts
        opened, link, counted, visitor = facts.gifts, facts.link, facts.counted, facts.visitor
        for index, article in closed:
            article_id = article.id
            if article_id in opened and opened[article_id] > at:
                answers[index] = self._given(cache, asked, facts, article)
            elif article_id == link:
                return None  # the framework opens the gift, or says why it doesn't
            elif article.is_metered and visitor is not None:
                is_counted = article_id in counted
                if not asked.counts:
                    answers[index] = self._looked_at(cache, facts, article, is_counted)
                elif is_counted or len(counted) >= facts.limit or visitor.is_new:
                    answers[index] = self._read(cache, asked, facts, article)
                else:
                    return _wanted(
                        reader, MeterReading(visitor, article_id, at, facts.state.month), facts.state.gifts
                    )
        return answers

    def _missing(
        self, cache: AccessCache, asked: AccessLookup, now: float
    ) -> list[AccessAnswer] | Missing | None:
        """The articles to be looked up. One that doesn't exist is closed at the gate; elsewhere the framework says so, as it does
        about a name that none can have. The names of registered articles need no such look: in a list it costs more than finding them."""
        missing = [name for name in dict.fromkeys(asked.articles) if cache.article(name, now) is None]
        if not all(map(is_name, missing)):
            return None
        if not any(cache.is_unknown(name, now) for name in missing):
            return ("articles", tuple(missing))
        return [self.builder.unknown] if asked.at_gate else None

    def _gather(
        self,
        cache: AccessCache,
        asked: AccessLookup,
        reader: IdentifiedReader,
        to_count: CachedArticle | None,
        at: datetime,
    ) -> VisitorFacts | Missing:
        """The facts, or what is missing. `to_count`: the metered article that a person reads."""
        month, limit = self._month(at), self.builder.limit(reader.held)
        known = asked.visitors
        if known is None:
            known = asked.visitors = self._visitors(cache, asked, reader)
        link = self._linked(cache, asked) if known else ""
        if isinstance(link, tuple):
            return link
        states = []
        for visitor in known:
            state = asked.states.get(visitor.id) or cache.visitors.get(visitor.id)
            if visitor.is_new:
                state = self._nothing_counted
            elif state is None or state.month != month:
                if to_count is None or to_count.id in (link, visitor.first_in(month)) or len(known) > 1:
                    return ("visitor", visitor.id)
                # Counting tells all that a look-up would, but for the gifts of a second visitor.
                return _wanted(reader, MeterReading(visitor, to_count.id, at, month, gifts_known=False), {})
            states.append(state)
        first, state = (known[0], states[0]) if known else (None, self._nothing_counted)
        opened = state.gifts if len(states) < 2 else {**states[1].gifts, **state.gifts}
        counted = meter.counted_by(first, month, state.articles) if first is not None else ()
        by_meter = _by_meter(reader, counted)
        return VisitorFacts(at, at.timestamp(), reader, first, state, counted, by_meter, limit, opened, link)

    def _visitors(self, cache: AccessCache, asked: AccessLookup, reader: IdentifiedReader) -> list[Visitor]:
        """The reader, then the browser. A reader needs no browser; a subject has none."""
        if asked.who.has_key:
            asked.kind = AskerKind.PROGRAM
        elif reader.id:
            asked.kind = AskerKind.READER
        known = [Visitor(reader.id)] if reader.id else []
        browser = None if asked.by_subject else self._browser(cache, asked, is_reader=bool(reader.id))
        return known if browser is None else [*known, browser]

    def _browser(self, cache: AccessCache, asked: AccessLookup, *, is_reader: bool) -> Visitor | None:
        """The browser by its token; a new one for a stranger. A reader needs none."""
        who = asked.who
        if who.has_key:
            token = who.named.get("visitor", "").encode()
        else:
            token = cookies.value_in(who.cookie, self.names.visitor)
        known = cache.visitor_tokens.get(token) if token else None
        if known is None and token:
            known = visitors.by_token(self.site, token.decode())
            if known is not None:
                cache.visitor_tokens.keep(token, known)
        return known if known is not None or is_reader else NEWCOMER

    def _linked(self, cache: AccessCache, asked: AccessLookup) -> str | Missing:
        """The article of the gift link that was followed; empty without one."""
        who = asked.who
        if asked.by_subject:
            return ""
        if who.has_key:
            secret = who.named.get("gift", "")
        else:
            secret = cookies.value_in(who.cookie, self.names.gift).decode()
        if not secret:
            return ""
        article_id = cache.gift_links.get(secret)
        return ("gift", secret) if article_id is None else article_id

    def _given(
        self, cache: AccessCache, asked: AccessLookup, facts: VisitorFacts, article: CachedArticle
    ) -> AccessAnswer:
        """The answer on an article that a gift opens."""
        held = cache.packer.add(facts.reader.held, gifts.entitlement(facts.gifts[article.id]))
        decision = article.decisions.get(held)
        if decision is None or facts.seconds >= decision.same_until:
            decision = self.builder.decision(cache, article, held, facts.at)
        head = article.head if decision.allowed else article.closed_head
        return self._noted(cache, asked, facts, (head, decision, False, ""))

    def _looked_at(
        self, cache: AccessCache, facts: VisitorFacts, article: CachedArticle, is_counted: bool
    ) -> AccessAnswer:
        """The answer on an article that the meter may open, with what is counted already."""
        decision = article.decisions.get(facts.by_meter[is_counted])
        if decision is None or facts.seconds >= decision.same_until:
            decision = self.builder.metered(cache, article, facts.reader.held, facts.counted, facts.at)
        head = article.head if decision.allowed else article.closed_head
        return head, decision, decision.allowed and not is_counted, ""

    def _read(
        self, cache: AccessCache, asked: AccessLookup, facts: VisitorFacts, article: CachedArticle
    ) -> AccessAnswer:
        """The answer on an article of the meter that a person reads, and whose reading needs no writing."""
        if not facts.counted and facts.limit > 0:
            facts = facts.with_counted((article.id,))  # a new visitor's
        head, decision, _, _ = self._looked_at(cache, facts, article, article.id in facts.counted)
        return self._noted(cache, asked, facts, (head, decision, False, ""), *facts.counted[:1])

    def _noted(
        self,
        cache: AccessCache,
        asked: AccessLookup,
        facts: VisitorFacts,
        answer: AccessAnswer,
        first: str = "",
    ) -> AccessAnswer:
        """The answer with the visitor's token, by which the meter and gifts know it next time. `first`: the article counted in it."""
        visitor = facts.visitor
        if not asked.counts or facts.reader.id or asked.by_subject or visitor is None:
            return answer
        head, decision, is_pending, _ = answer
        if not visitor.is_new:
            token = asked.who.named["visitor"] if asked.who.has_key else ""
            return head, decision, is_pending, token
        known = Visitor(visitors.new().id, FirstReading(facts.state.month, first) if first else None)
        token = visitors.token(self.site, known)
        # Nobody else knows the token yet, so the database has nothing on this visitor.
        cache.visitor_tokens.keep(token.encode(), known)
        cache.visitors.keep(known.id, facts.state)
        return head, decision, is_pending, token

    def _month(self, at: datetime) -> date:
        """The month of an instant; worked out once a month."""
        if not self._begins <= at < self._ends:
            month = meter.month_of(self.site, at)
            self._begins, self._ends = start_of_day(month, self.site.zone), meter.resets_at(self.site, month)
            self._this_month, self._nothing_counted = month, CachedVisitor(month)
        return self._this_month


def _by_meter(reader: IdentifiedReader, counted: Sequence[str]) -> tuple[DecidedBy, DecidedBy]:
    held, used = reader.held, len(counted)
    return (held, used, False), (held, used, True)


def _wanted(reader: IdentifiedReader, reading: MeterReading, gifts: Mapping[str, datetime]) -> Missing:
    """What must be counted before the answer."""
    return ("count", WantedCount(reading, gifts, bool(reader.held & REGISTERED)))
