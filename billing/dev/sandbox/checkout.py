"""The hosted pages: a Checkout Session that saves a card or takes a payment, and 3-D Secure."""

import re
import time
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from billing.dev.sandbox import paying, saving, selling, sessions, vault
from billing.dev.sandbox.cards import CARDS, SandboxCard, find, passes_luhn, stranger
from billing.dev.sandbox.errors import StripeError
from billing.dev.sandbox.pages import grouped, show
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import SandboxWorld

SUGGESTED = ("4242", "3155", "3178", "3184", "0341", "0002", "9995", "0127", "0069", "0259")


@dataclass(frozen=True)
class Entered:
    """The submitted form and its errors."""

    values: dict[str, str]
    problems: dict[str, str]
    card: SandboxCard | None = None
    month: int = 0
    year: int = 0


class Checkout:
    """The routes of the hosted pages."""

    def __init__(self, world: SandboxWorld) -> None:
        self.world = world

    def routes(self) -> list[Route]:
        """The pages' routes."""
        return [
            Route("/c/pay/{id}", self.form, methods=["GET"]),
            Route("/c/pay/{id}", self.save, methods=["POST"]),
            Route("/c/authenticate/{id}", self.authenticate, methods=["GET"]),
            Route("/c/authenticate/{id}", self.decide, methods=["POST"]),
        ]

    async def form(self, request: Request) -> Response:
        """Show the card form; `?card=` fills in a test card."""
        session = self._session(request)
        if session is None or session["status"] != "open":
            return self._over(session)
        values = self._prefilled(request.query_params.get("card", ""))
        message = self._failure_message(session, request.query_params.get("refused"))
        return self._page(session, Entered(values, {"form": message} if message else {}))

    def _failure_message(self, session: Row, reason: str | None) -> str | None:
        """The page's message after a failed 3-D Secure or a decline."""
        if reason == "authentication":
            return "We are unable to authenticate your card. Please try again or use another card."
        if reason != "card":
            return None
        intent = self.world.store.get("payment_intent", session["payment_intent"] or "") or {}
        return str((intent.get("last_payment_error") or {}).get("message", "Your card was declined."))

    async def save(self, request: Request) -> Response:
        """Handle the form: save or pay, require 3-D Secure, or show an error."""
        session = self._session(request)
        if session is None or session["status"] != "open":
            return self._over(session)
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
        kept = next(
            (card for card in selling.kept_cards(self.world, session) if card["id"] == form.get("kept")), None
        )
        entered = read(form, needs_email=self._needs_email(session), at=self.world.clock.now())
        if kept is not None:
            entered = Entered(self._prefilled(""), {})
        elif entered.problems or entered.card is None:
            return self._page(session, entered, status=422)
        try:
            intent = self._submit(request, session, entered, kept)
        except StripeError as refusal:
            problems = {_field_of(refusal): str(refusal)}
            return self._page(session, Entered(entered.values | {"cvc": ""}, problems), status=402)
        finally:
            self.world.store.commit()
        if intent["status"] == "requires_action":
            return RedirectResponse(f"/c/authenticate/{intent['id']}", 303)
        return RedirectResponse(success_url(session), 303)

    def _submit(self, request: Request, session: Row, entered: Entered, kept: Row | None) -> Row:
        base = f"{request.url.scheme}://{request.url.netloc}"
        if kept is not None or entered.card is None:
            return sessions.submit_kept(self.world, session, kept or {}, base)
        fields = {
            "month": entered.month,
            "year": entered.year,
            "holder": entered.values["holder"],
            "email": entered.values.get("email") or None,
        }
        return sessions.submit(self.world, session, entered.card, fields, base)

    async def authenticate(self, request: Request) -> Response:
        """Show the issuer's 3-D Secure page."""
        found = self._waiting(request.path_params["id"])
        if found is None:
            return self._nothing_to_do()
        intent, method = found
        return show(
            "authenticate.html",
            merchant=self.world.merchant.name,
            last4=method["card"]["last4"],
            amount=intent.get("amount"),
            currency=intent.get("currency"),
        )

    async def decide(self, request: Request) -> Response:
        """Handle the answer on the 3-D Secure page."""
        found = self._waiting(request.path_params["id"])
        if found is None:
            return self._nothing_to_do()
        intent, method = found
        passed = b"outcome=complete" in await request.body()
        kind = str(intent["object"])
        back = _return_url(intent)
        table = self.world.store["checkout.session"]
        session = next(table.newest(table.where(kind, intent["id"])), None)
        try:
            settle = self._decide_setup if kind == "setup_intent" else self._decide_payment
            failure = settle(dict(intent), method, passed)
            if session is None:
                return self._return(back, kind, intent, failure is None)
            if failure is not None:
                return RedirectResponse(f"/c/pay/{session['id']}?refused={failure}", 303)
            sessions.complete(self.world, session, self.world.find("payment_method", method["id"]))
            return RedirectResponse(success_url(session), 303)
        finally:
            self.world.store.commit()

    def _decide_setup(self, intent: Row, method: Row, passed: bool) -> str | None:
        """Settle the SetupIntent; return the failure, or None."""
        if passed:
            saving.succeed(self.world, intent, method, authenticated=True)
            return None
        saving.fail(self.world, intent, method, None)
        return "authentication"

    def _decide_payment(self, intent: Row, method: Row, passed: bool) -> str | None:
        """Settle the PaymentIntent; return the failure, or None."""
        if not passed:
            paying.abandon(self.world, intent, method)
            return "authentication"
        try:
            paying.authenticate(self.world, intent, method, self.world.clock.now())
        except StripeError:
            return "card"
        return None

    def _return(self, back: str | None, noun: str, intent: Row, passed: bool) -> Response:
        if back is None:
            return show("over.html", title="Thank you", text="You can close this window.", link=None)
        query = urlencode(
            {
                noun: intent["id"],
                f"{noun}_client_secret": intent["client_secret"],
                "redirect_status": "succeeded" if passed else "failed",
            }
        )
        return RedirectResponse(f"{back}{'&' if '?' in back else '?'}{query}", 303)

    def _session(self, request: Request) -> Row | None:
        return self.world.store.get("checkout.session", request.path_params["id"])

    def _waiting(self, identifier: str) -> tuple[Row, Row] | None:
        kind = "setup_intent" if identifier.startswith("seti_") else "payment_intent"
        intent = self.world.store.get(kind, identifier)
        if intent is None or intent["status"] != "requires_action":
            return None
        return intent, self.world.find("payment_method", intent["payment_method"])

    def _needs_email(self, session: Row) -> bool:
        return not session["customer"] and not session["customer_email"]

    def _prefilled(self, number: str) -> dict[str, str]:
        values = {"number": "", "exp": "", "cvc": "", "holder": "", "email": ""}
        card = find(number)
        if card is None:
            return values
        year = (time.gmtime(self.world.clock.now()).tm_year + 4) % 100
        code = "1234" if card.brand == "amex" else "123"
        return values | {"number": grouped(card.number), "exp": f"12 / {year:02}", "cvc": code}

    def _page(self, session: Row, entered: Entered, status: int = 200) -> Response:
        owner = self.world.store.get("customer", session["customer"] or "") or {}
        return show(
            "checkout.html",
            status=status,
            merchant=self.world.merchant.name,
            session=session,
            email=session["customer_email"] or owner.get("email"),
            needs_email=self._needs_email(session),
            message=(session["custom_text"]["submit"] or {}).get("message"),
            values=entered.values,
            problems=entered.problems,
            items=selling.items(self.world, session),
            kept=selling.kept_cards(self.world, session),
            cards=[card for last4 in SUGGESTED for card in CARDS if card.last4 == last4],
        )

    def _over(self, session: Row | None) -> Response:
        if session is None:
            return show(
                "over.html", status=404, title="Page not found", text="There is no such session.", link=None
            )
        if session["status"] == "complete":
            return show(
                "over.html",
                title="You're all done here",
                text="It has been paid; this page is closed."
                if session["mode"] == "payment"
                else "Your card has already been saved; this page is closed.",
                link=success_url(session),
            )
        return show(
            "over.html",
            status=410,
            title="This page has expired",
            text=f"Go back to {self.world.merchant.name} and start again.",
            link=session["cancel_url"],
        )

    def _nothing_to_do(self) -> Response:
        return show(
            "over.html",
            status=404,
            title="Nothing to confirm",
            text="This question was answered already.",
            link=None,
        )


def read(form: dict[str, str], *, needs_email: bool, at: int) -> Entered:
    """Validate the form; the messages are those of Stripe's page."""
    values = {name: form.get(name, "").strip() for name in ("number", "exp", "cvc", "holder", "email")}
    problems: dict[str, str] = {}
    digits, _, copy = re.sub(r"[\s-]", "", values["number"]).partition("__")
    if not digits:
        problems["number"] = "Enter the card number."
    elif not re.fullmatch(r"\d{13,19}", digits) or not passes_luhn(digits):
        problems["number"] = "Your card number is invalid."
    month, year = _expiry(values["exp"], problems, at)
    if not re.fullmatch(r"\d{3,4}", values["cvc"]):
        problems["cvc"] = "Your card's security code is incomplete."
    if not values["holder"]:
        problems["holder"] = "Enter the name on the card."
    if needs_email and not re.fullmatch(r"[^@\s]+@[^@\s]+", values["email"]):
        problems["email"] = "Enter your e-mail address."
    card = None
    if "number" not in problems:
        card = find(digits + (f"__{copy}" if copy else "")) or stranger(digits)
    return Entered(values, problems, card, month, year)


def _expiry(text: str, problems: dict[str, str], at: int) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,2})\s*/?\s*(?:20)?(\d{2})", text)
    if match is None or not 1 <= int(match.group(1)) <= 12:
        problems["exp"] = "Enter the expiry date as month and year, such as 12 / 30."
        return 0, 0
    month, year = int(match.group(1)), 2000 + int(match.group(2))
    if vault.is_past(year, month, at):
        problems["exp"] = "Your card's expiry date is in the past."
    return month, year


def success_url(session: Row) -> str:
    """The session's success URL with its id filled in."""
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _return_url(intent: Row) -> str | None:
    action = intent["next_action"] or {}
    return (action.get("redirect_to_url") or {}).get("return_url")


def _field_of(refusal: StripeError) -> str:
    return {"cvc": "cvc", "exp_month": "exp"}.get(refusal.error.get("param", ""), "form")
