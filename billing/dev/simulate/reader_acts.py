"""Perform the scenarios' acts as readers, staff, programs and banks do, and record which were accepted."""

import secrets
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
import sqlalchemy as sa

from billing.changes import change_plan, charge_day, pause
from billing.dev.simulate.browser import AGENT, PageRefused, SimulatedBrowser
from billing.dev.simulate.environment import SimulatedInstallation
from billing.dev.simulate.judge import Life
from billing.dev.simulate.scenarios import ANOTHER, ActKind, PlannedAct, PlannedCard, Scenario
from billing.http import cookies
from billing.platform.actors import WORKER, ReaderActor
from billing.platform.errors import Refusal
from billing.platform.site import PAY
from billing.readers import sessions
from billing.rules.charge_day import LAST
from billing.rules.lifecycle import NoSuchTransition

TRIES = 40
"""How often a person presses the button again while Stripe can't be reached."""
OF_THE_ERASED = (ActKind.AGAIN, ActKind.DISPUTE, ActKind.WIN, ActKind.LOSE)
"""What may still happen to a reader who has closed the account: a bank acts, or another trial is tried."""
AT_ONCE = 4
"""Readers who act at the same time."""


class RefusedByPage(Exception):
    """The service refused an act; the text is the refusal's code."""


@dataclass
class SimulatedReader:
    """A reader with their scenario, the accepted acts, and the service's ids."""

    scenario: Scenario
    life: Life
    reader_id: str = ""
    subscription_id: str = ""
    cards: int = 0
    """The number of cards given besides the first."""
    erased: bool = False
    """Whether the account was closed."""


@dataclass
class ReaderActs:
    """Performs acts on an installation."""

    installation: SimulatedInstallation
    answers: Counter[tuple[ActKind, str]] = field(default_factory=Counter)
    """The number of answers by kind of act and answer."""
    deleted: dict[str, int] = field(default_factory=dict)
    """Customers deleted at Stripe, with the reader's number. Stripe's lists no longer have them."""

    def do_all(self, plans: Sequence[tuple[SimulatedReader, PlannedAct]], at: datetime) -> None:
        """Perform the acts of one moment: several readers at a time, each reader's own acts in order."""
        by_reader: dict[int, list[tuple[SimulatedReader, PlannedAct]]] = defaultdict(list)
        for who, act in plans:
            by_reader[who.scenario.number].append((who, act))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for answers in pool.map(
                lambda own: [(act.kind, self.do(who, act, at)) for who, act in own], by_reader.values()
            ):
                self.answers.update(answers)

    def do(self, who: SimulatedReader, act: PlannedAct, at: datetime) -> str:
        """Perform one act and return the answer. An accepted act is recorded in the reader's life."""
        if act.kind not in (ActKind.START, ActKind.AGAIN) and not who.subscription_id:
            return "never started"
        if who.erased and act.kind not in OF_THE_ERASED:
            return "erased"
        try:
            _DO[act.kind](self, who, act, at)
        except (RefusedByPage, Refusal, PageRefused, NoSuchTransition) as refusal:
            return refusal.code if isinstance(refusal, Refusal) else str(refusal)
        if act.kind is ActKind.START:
            who.life.started_on = act.on
        else:
            who.life.record(at, act.kind, act.detail)
        return "accepted"

    def start(self, who: SimulatedReader, act: PlannedAct, at: datetime) -> None:
        """Start a trial by the pages, or by a program that saved the card itself."""
        if act.detail == "page":
            self._start_by_page(who, at)
            return
        copy = f"{who.scenario.number}"
        body = {
            "email": who.scenario.email,
            "payment_method": f"pm_card_{who.scenario.card.name}__{copy}",
            "plan": who.scenario.plan,
            "consent": {
                "text_version": "app-1",
                "accepted_at": at.isoformat(),
                "ip": _address(who),
                "user_agent": "App/1",
            },
        }
        said = self._post("/v1/trials", body, key=f"start-{copy}-{at:%y%m%d}")
        who.reader_id, who.subscription_id = said["reader"]["id"], said["subscription"]["id"]

    def _start_by_page(self, who: SimulatedReader, at: datetime) -> None:
        with self._browser(who) as browser:
            browser.get(f"/subscribe?plan={who.scenario.plan}")
            browser.get(browser.post("/subscribe", email=who.scenario.email))
            page = _insist(lambda: browser.post("/subscribe/review", consent="yes"))
            way = browser.type_card(page, who.scenario.card, f"{who.scenario.number}", at.year)
            browser.come_back(way, until_not="/subscribe/back")
        found = self._one(
            "SELECT s.id, s.reader_id FROM subscription s JOIN reader r ON r.id = s.reader_id WHERE r.email = :of",
            who.scenario.email,
        )
        if found is None:
            raise RefusedByPage("not started")
        who.subscription_id, who.reader_id = found

    def cancel(self, who: SimulatedReader, _act: PlannedAct, _at: datetime) -> None:
        """Cancel by a program, in the reader's name."""
        self._post(f"/v1/subscriptions/{who.subscription_id}/cancel", {"reason": "too dear"})

    def undo(self, who: SimulatedReader, _act: PlannedAct, _at: datetime) -> None:
        """Undo the cancellation while the reader still has access."""
        self._post(f"/v1/subscriptions/{who.subscription_id}/resume", {})

    def withdraw(self, who: SimulatedReader, _act: PlannedAct, _at: datetime) -> None:
        """Withdraw within the cooling-off days."""
        self._post(f"/v1/subscriptions/{who.subscription_id}/withdraw", {})

    def give_days(self, who: SimulatedReader, act: PlannedAct, _at: datetime) -> None:
        """Staff extend the trial or the period."""
        path, days = f"/v1/subscriptions/{who.subscription_id}/extend", int(act.detail)
        self._post(path, {"days": days, "reason": "the site was slow"})

    def refund(self, who: SimulatedReader, act: PlannedAct, _at: datetime) -> None:
        """Staff refund the last payment, or R10 of it."""
        payment = self._last(who, "p.id")
        body = {"reason": "kindness"} | ({"amount": 1000} if act.detail == "part" else {})
        self._post(f"/v1/payments/{payment}/refunds", body)

    def request_pause(self, who: SimulatedReader, act: PlannedAct, at: datetime) -> None:
        """Request a pause, as on the account page."""
        services = self.installation.services
        most, by = services.site.policy.pause_months, ReaderActor(who.reader_id)
        with services.database.begin(services.site, at, by) as ctx:
            pause.request_pause(ctx, who.subscription_id, int(act.detail), reason="asked for", most=most)

    def choose(self, who: SimulatedReader, act: PlannedAct, at: datetime) -> None:
        """Switch to the yearly plan, or choose the day of the month of the charges, as on the account page."""
        services, by = self.installation.services, ReaderActor(who.reader_id)
        reason = "chosen on the account page"
        with services.database.begin(services.site, at, by) as ctx:
            if act.kind is ActKind.YEAR:
                change_plan.choose_plan(ctx, who.subscription_id, "yearly", reason=reason)
            else:
                chosen = LAST if act.detail == "last" else int(act.detail)
                charge_day.choose(ctx, who.subscription_id, chosen, reason=reason)

    def give_card(self, who: SimulatedReader, _act: PlannedAct, at: datetime) -> None:
        """Give another card on the account page, with a fresh session."""
        services = self.installation.services
        with services.database.begin(services.site, at, WORKER) as ctx:
            hashes = (services.site.tokens.digest("browser", _address(who)),)
            browser_of_mail = sessions.Browser(hashes, _address(who), AGENT)
            secret = sessions.open_session(ctx, who.reader_id, browser_of_mail, email_verified=True)
        with self._browser(who) as browser:
            browser.keep_cookie(cookies.cookie_name(services.settings, cookies.SESSION), secret)
            browser.get("/account/card")
            page = _insist(lambda: browser.post("/account/card"))
            browser.come_back(self._type(browser, who, page, ANOTHER, at), until_not="/subscribe/back")

    def pay_on_page(self, who: SimulatedReader, act: PlannedAct, at: datetime) -> None:
        """Pay by the link in the mail about a declined charge, with the same card or another."""
        with self._browser(who) as browser:
            browser.get(f"/pay/{self._owed(who)}")
            page = _insist(lambda: browser.post("/pay/page"))
            if not page.startswith("http"):
                raise RefusedByPage("nothing owed")
            card = who.scenario.card if act.detail == "same" else ANOTHER
            browser.come_back(self._type(browser, who, page, card, at), until_not="/pay/back")

    def pay_with_card(self, who: SimulatedReader, _act: PlannedAct, _at: datetime) -> None:
        """Pay with the card on record."""
        with self._browser(who) as browser:
            browser.get(f"/pay/{self._owed(who)}")
            browser.post("/pay")

    def try_again(self, who: SimulatedReader, act: PlannedAct, at: datetime) -> None:
        """Try a second trial with another spelling of the same address; it is refused."""
        name, _, domain = who.scenario.email.partition("@")
        body = {
            "email": f"{name}+again@{domain}",
            "payment_method": f"pm_card_visa__{who.scenario.number}again",
            "consent": {"text_version": "app-1", "accepted_at": at.isoformat(), "ip": _address(who), "user_agent": "A"},
        }  # fmt: skip
        self._post("/v1/trials", body, key=f"again-{who.scenario.number}-{act.on}")

    def erase(self, who: SimulatedReader, act: PlannedAct, _at: datetime) -> None:
        """Close the account by a program; the service deletes the customers at Stripe within days."""
        self._post(
            f"/v1/readers/{who.reader_id}/erase",
            {"reason": "asked in the app"},
            key=f"erase-{who.scenario.number}-{act.on}",
        )
        who.erased = True
        query = sa.text("SELECT DISTINCT customer_ref FROM payment_method WHERE reader_id = :of")
        with self.installation.services.database.transaction() as session:
            customers = session.execute(query, {"of": who.reader_id}).scalars().all()
        self.deleted.update(dict.fromkeys(customers, who.scenario.number))

    def card_fails(self, who: SimulatedReader, act: PlannedAct, _at: datetime) -> None:
        """The bank declines the card from now on."""
        self._sandbox("declines", {"payment_method": self._card(who), "decline": act.detail})

    def card_works(self, who: SimulatedReader, _act: PlannedAct, _at: datetime) -> None:
        """The bank stops declining the card."""
        self._sandbox("declines", {"payment_method": self._card(who), "decline": None})

    def replace(self, who: SimulatedReader, _act: PlannedAct, _at: datetime) -> None:
        """The network replaces the card under the same reference."""
        self._sandbox(f"cards/{self._card(who)}/replace", {})

    def card_gone(self, who: SimulatedReader, act: PlannedAct, _at: datetime) -> None:
        """The card is removed, or its customer deleted, in Stripe's dashboard."""
        if act.kind is ActKind.CARD_GONE:
            self._sandbox("banks", {"do": "remove_card", "payment_method": self._card(who)})
            return
        query = "SELECT customer_ref FROM payment_method WHERE gateway_ref = :of"
        customer = str(self._one(query, self._card(who))[0])
        self._sandbox("banks", {"do": "delete_customer", "customer": customer})
        self.deleted[customer] = who.scenario.number

    def dispute(self, who: SimulatedReader, _act: PlannedAct, _at: datetime) -> None:
        """The bank disputes the last payment."""
        self._sandbox("banks", {"do": "dispute", "charge": self._last(who, "p.charge_ref")})

    def decide(self, who: SimulatedReader, act: PlannedAct, _at: datetime) -> None:
        """The bank decides the dispute."""
        found = self._one("SELECT gateway_ref FROM dispute WHERE reader_id = :of", who.reader_id)
        if found is None:
            raise RefusedByPage("no dispute")
        self._sandbox("banks", {"do": "win" if act.kind is ActKind.WIN else "lose", "dispute": found[0]})

    def _type(
        self, browser: SimulatedBrowser, who: SimulatedReader, page: str, card: PlannedCard, at: datetime
    ) -> str:
        who.cards += 1
        copy = f"{who.scenario.number}" if card is who.scenario.card else f"{who.scenario.number}-{who.cards}"
        return browser.type_card(page, card, copy, at.year)

    def _browser(self, who: SimulatedReader) -> SimulatedBrowser:
        return SimulatedBrowser(self.installation.url, self.installation.sandbox, _address(who))

    def _post(self, path: str, body: dict[str, Any], key: str | None = None) -> dict[str, Any]:
        """Call the API, again while it can't be reached. Raises RefusedByPage."""
        # A call without an answer may have been done. Repeated without its key it would be refused, as done before.
        headers = {"Idempotency-Key": key or secrets.token_hex(8)}
        for _ in range(TRIES):
            answer = self.installation.api.post(path, json=body, headers=headers)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
        if answer.is_success:
            return dict(answer.json())
        if answer.status_code >= 500:
            raise AssertionError(f"{path} answered {answer.status_code}: {answer.text[:500]}")
        raise RefusedByPage(str(answer.json().get("code", answer.status_code)))

    def _sandbox(self, what: str, body: dict[str, Any]) -> None:
        answer = self.installation.sandbox.post(f"/_sandbox/{what}", json=body)
        if not answer.is_success:
            raise RefusedByPage("the bank can't")

    def _one(self, query: str, of: str) -> Any:
        with self.installation.services.database.transaction() as session:
            return session.execute(sa.text(query), {"of": of}).first()

    def _last(self, who: SimulatedReader, column: str) -> str:
        """The last payment's id, or its reference at Stripe. Raises RefusedByPage."""
        query = f"SELECT {column} FROM payment p WHERE p.reader_id = :of ORDER BY p.paid_at DESC, p.id DESC LIMIT 1"  # noqa: S608
        found = self._one(query, who.reader_id)
        if found is None:
            raise RefusedByPage("no payment")
        return str(found[0])

    def _card(self, who: SimulatedReader) -> str:
        query = """SELECT m.gateway_ref FROM payment_method m JOIN subscription s ON s.payment_method_id = m.id
                   WHERE s.id = :of AND s.state <> 'ended'"""
        found = self._one(query, who.subscription_id)
        if found is None:
            raise RefusedByPage("ended")
        return str(found[0])

    def _owed(self, who: SimulatedReader) -> str:
        """The token of the link that pays the open invoice. Raises RefusedByPage."""
        found = self._one(
            "SELECT id FROM invoice WHERE subscription_id = :of AND state = 'open'", who.subscription_id
        )
        if found is None:
            raise RefusedByPage("nothing owed")
        return self.installation.services.site.tokens.token(PAY, found[0])


def _insist(press: Any) -> str:
    """Press a button again while its page answers 503."""
    for _ in range(TRIES):
        try:
            return str(press())
        except PageRefused as refusal:
            if not str(refusal).startswith("503"):
                raise
    raise RefusedByPage("unavailable")


def _address(who: SimulatedReader) -> str:
    """The reader's own network address."""
    high, low = divmod(who.scenario.number, 250)
    return f"10.{high // 250}.{high % 250}.{low + 1}"


_DO = {
    ActKind.START: ReaderActs.start,
    ActKind.AGAIN: ReaderActs.try_again,
    ActKind.CANCEL: ReaderActs.cancel,
    ActKind.UNDO: ReaderActs.undo,
    ActKind.WITHDRAW: ReaderActs.withdraw,
    ActKind.NEW_CARD: ReaderActs.give_card,
    ActKind.PAY_CARD: ReaderActs.pay_with_card,
    ActKind.PAY_PAGE: ReaderActs.pay_on_page,
    ActKind.PAUSE: ReaderActs.request_pause,
    ActKind.YEAR: ReaderActs.choose,
    ActKind.CHARGE_DAY: ReaderActs.choose,
    ActKind.REFUND: ReaderActs.refund,
    ActKind.DAYS: ReaderActs.give_days,
    ActKind.CARD_FAILS: ReaderActs.card_fails,
    ActKind.CARD_WORKS: ReaderActs.card_works,
    ActKind.REPLACED: ReaderActs.replace,
    ActKind.CARD_GONE: ReaderActs.card_gone,
    ActKind.CUSTOMER_GONE: ReaderActs.card_gone,
    ActKind.DISPUTE: ReaderActs.dispute,
    ActKind.WIN: ReaderActs.decide,
    ActKind.LOSE: ReaderActs.decide,
    ActKind.ERASE: ReaderActs.erase,
}
