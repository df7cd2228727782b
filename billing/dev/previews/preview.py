"""Every page with sample values, written to a folder to be looked at: `python -m billing.dev.previews.preview DIR`."""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from billing.dev.paper.news_article import news_article
from billing.dev.paper.sample_articles import AUDIO_MINUTES, SampleArticle, sample_articles
from billing.dev.previews import books, cases, demo, editing, newsletters, operators, proving, requests, staff
from billing.dev.previews.values import (
    CARD,
    CONSENT,
    DATES,
    LONG_ADDRESS,
    NOW,
    PAID_ACCOUNT,
    PRICE,
    READER,
    RECEIPT,
    VAT,
    VISITOR,
    WITHDRAWAL,
    YEAR,
    YEAR_CONSENT,
    SampleHouse,
)
from billing.readers.register import BadAddress
from billing.rules.money import Money
from billing.web import views
from billing.web.kit.rendering import STATIC, Look
from billing.web.reader.card_return import NOT_ASKED


def pages() -> Iterator[tuple[str, views.Page, views.Frame]]:
    """Name, view and frame of every page in every variant worth a look."""
    yield from _start()
    yield from _account()
    yield from _articles()
    yield from _gifts()
    yield from _charged()
    yield from demo.mailbox()
    yield from demo.errors()
    yield from staff.pages()
    yield from proving.pages()
    yield from requests.pages()
    yield from books.pages()
    yield from cases.pages()
    yield from editing.pages()
    yield from operators.pages()
    yield from newsletters.pages()


def _start() -> Iterator[tuple[str, views.Page, views.Frame]]:
    review = views.Review(
        email=LONG_ADDRESS,
        price=PRICE,
        vat=VAT,
        dates=DATES,
        next_charge_on=DATES.first_charge_on,
        consent_text=CONSENT,
    )
    now = views.Review(
        email="thandi@example.org",
        price=PRICE,
        vat=VAT,
        dates=None,
        next_charge_on=date(2026, 12, 23),
        consent_text="I agree: R75.00 incl. VAT today and each month from now on, charged to my card until I cancel.",
    )
    started = views.Started(
        email="thandi@example.org", price=PRICE, dates=DATES, next_charge_on=DATES.first_charge_on, card=CARD
    )
    latest = tuple(article.teaser for article in sample_articles()[:6])
    yield "offer", views.Offer(price=PRICE, year=Money(75000), dates=DATES, articles=latest), VISITOR
    yield "subscribe", views.Subscribe(price=PRICE, dates=DATES), replace(VISITOR, path="/subscribe")
    wrong = views.Subscribe(
        price=PRICE, dates=DATES, email="thandi@", error="That is not a whole mail address."
    )
    yield "subscribe-problem", wrong, replace(VISITOR, path="/subscribe", demo=None)
    yield "review", review, replace(VISITOR, path="/subscribe/review")
    unticked = replace(review, error="Please tick the box, if you agree.")
    yield "review-problem", unticked, replace(VISITOR, path="/subscribe/review")
    year = replace(review, price=Money(75000), vat=Money(9783), then=PRICE, consent_text=YEAR_CONSENT)
    yield "review-year", year, replace(VISITOR, path="/subscribe/review")
    yield "review-without-trial", now, replace(VISITOR, path="/subscribe/review")
    for why in ("trial_used", "card_used", "already_subscribed", "dispute_open"):
        refused = views.Refused(why=why, price=PRICE, next_charge_on=date(2026, 12, 23))
        yield f"refused-{why.replace('_', '-')}", refused, VISITOR
    yield "start-awaits-proof", views.SignInSent(email=LONG_ADDRESS), VISITOR
    yield "start-awaits-proof-no-mail", views.SignInSent(email=LONG_ADDRESS, mailed=False), VISITOR
    yield "started", started, READER
    yield "started-year", replace(started, price=Money(75000), then=PRICE), READER
    paid = replace(started, dates=None, next_charge_on=date(2026, 12, 23))
    yield "started-paid", paid, READER
    yield "started-signed-out", replace(started, email=LONG_ADDRESS), VISITOR
    yield "started-paid-signed-out", paid, VISITOR
    yield "start-pending", views.StartPending(again_url="start-pending.html", seconds=1), VISITOR
    declined = views.CardDeclined(advice="The bank says that there is not enough money on the card today.")
    yield "card-declined", declined, VISITOR
    yield "card-not-asked", views.CardDeclined(advice=NOT_ASKED, bank_asked=False), VISITOR


def _charged() -> Iterator[tuple[str, views.Page, views.Frame]]:
    page = views.WhoChargedMe(prices=((1, PRICE), (12, Money(75000))), suffix="TRIAL OVER")
    yield "who-charged-me", page, VISITOR
    yield "who-charged-me-nobody-here", page, READER
    yield "who-charged-me-you", replace(page, receipts=PAID_ACCOUNT.receipts), READER


def _account() -> Iterator[tuple[str, views.Page, views.Frame]]:
    at = replace(READER, path="/account")
    paid = PAID_ACCOUNT
    trial = replace(
        paid,
        status="Your trial runs through Monday 7 December 2026.",
        next_charge=views.NextCharge(on=DATES.first_charge_on, amount=PRICE),
        receipts=(),
    )
    late = views.PastDue(amount=PRICE, reading_until=date(2026, 12, 29), retry_on=date(2026, 12, 11))
    yield "account", paid, replace(at, flash=views.Flash(text="Your new card is saved."))
    yield "account-trial", trial, at
    free = views.Choices(ahead=None, can_undo_plan=False, plans=(YEAR,), can_pause=True, pause="none")
    ahead = "From Friday 8 January 2027 you pay R750.00 incl. VAT a year."
    chosen = replace(free, ahead=ahead, can_undo_plan=True, plans=(), can_pause=False)
    yield "account-choices", replace(paid, plan=free), at
    yield "account-switch-ahead", replace(paid, plan=chosen), at
    resting = "Your subscription is paused; it goes on, with a charge, on Thursday 8 April 2027."
    paused = replace(free, plans=(), can_pause=False, pause="running")
    yield "account-paused", replace(paid, status=resting, plan=paused), at
    consent = "Yes, on 8 January 2027 charge my card R750.00 incl. VAT for a year."
    plan = views.PlanPage(email=LONG_ADDRESS, option=YEAR, vat=Money(9783), consent_text=consent)
    yield "plan", plan, replace(at, path="/account/plan")
    yield "plan-problem", replace(plan, error="Please tick the box to agree."), at
    months = tuple(views.PauseOption(months=n, resumes_on=date(2027, 1 + n, 8)) for n in (1, 2, 3))
    pause = views.PausePage(email=LONG_ADDRESS, last_day=date(2027, 1, 7), amount=PRICE, options=months)
    yield "pause", pause, replace(at, path="/account/pause")
    yield "account-unreached", replace(trial, unreached=views.Unreached(ended=False, ends=True)), at
    typo = views.Unreached(ended=False, typed="thandi@elsewhere,example", error=BadAddress().detail)
    yield "account-unreached-typo", replace(paid, unreached=typo), at
    yield "account-asked-to-cancel", replace(paid, cancel_request_at=NOW), at
    yield "account-put-off", replace(paid, cancel_request_at=NOW, charge_put_off=True), at
    yield "account-cooling-off", replace(paid, withdraw=WITHDRAWAL), at
    yield "withdraw", views.Withdraw(email="thandi@example.org", offer=WITHDRAWAL), at
    renewed = replace(WITHDRAWAL, amount=Money(14750), unread=Money(7250))
    again = replace(WITHDRAWAL, withdrew_on=date(2026, 7, 22))
    until = date(2027, 1, 7)
    yield "withdraw-again", views.Withdraw(email="thandi@example.org", offer=again, access_until=until), at
    yield "account-withdrawn-before", replace(paid, withdraw=again), at
    asked = replace(again, requested_on=date(2026, 12, 20))
    yield "account-asked-back", replace(paid, withdraw=asked), at
    yield "withdraw-after-a-renewal", views.Withdraw(email="thandi@example.org", offer=renewed), at
    owing = replace(paid, status="Your card was not charged, and you can still read.", next_charge=None)
    yield "account-past-due", replace(owing, past_due=late), at
    yield "account-not-asked", replace(owing, past_due=replace(late, bank_asked=False)), at
    ended = "You have cancelled. You can read through Tuesday 22 December 2026."
    yield (
        "account-cancelled",
        replace(paid, status=ended, next_charge=None, can_cancel=False, can_resume=True),
        at,
    )
    yield "account-card-gone", replace(paid, card=replace(CARD, gone=True)), at
    bank = views.AccountDispute(amount=PRICE, inquiry=False)
    yield (
        "account-disputed",
        replace(paid, status=ended, next_charge=None, can_cancel=False, dispute=bank),
        at,
    )
    never = replace(
        trial, status="You are registered, and have no subscription.", next_charge=None, card=None
    )
    yield "account-registered", replace(never, can_cancel=False, can_subscribe=True), at
    yield (
        "cancel-trial",
        views.Cancel(email="thandi@example.org", access_until=DATES.free_until, in_trial=True, withdraw=None),
        at,
    )
    refund = views.Cancel(
        email="thandi@example.org",
        access_until=date(2027, 1, 7),
        in_trial=False,
        withdraw=WITHDRAWAL,
        action="/cancel",
    )
    yield "cancel-refund", refund, replace(VISITOR, path="/cancel")
    leave = views.LeaveEarly(last_day=date(2027, 1, 22), refund=Money(56918))
    yield "cancel-year", replace(refund, withdraw=None, leave=leave), replace(VISITOR, path="/cancel")
    mind = views.Cancelled(access_until=date(2027, 1, 7), ever_charged=True, withdraw=WITHDRAWAL)
    yield "cancelled-cooling-off", mind, at
    yield "cancelled-by-an-old-mail", replace(mind, undo="by_mail"), replace(VISITOR, path="/cancel")
    again = replace(WITHDRAWAL, withdrew_on=date(2026, 7, 22))
    yield "cancelled-withdrawn-before", replace(mind, withdraw=again), at
    early = replace(refund, withdraw=None, leave=leave, ask=again)
    yield "cancel-year-withdrawn-before", early, replace(VISITOR, path="/cancel")
    asked = replace(again, requested_on=date(2026, 12, 20))
    yield "cancelled-asked-back", replace(mind, withdraw=asked), at
    yield "cancelled-trial", views.Cancelled(access_until=DATES.free_until, ever_charged=False), at
    yield (
        "cancelled-refund",
        views.Cancelled(access_until=None, ever_charged=True, refund=PRICE, undo=None),
        at,
    )
    waits = views.Cancelled(access_until=None, ever_charged=True, waiting=PRICE, owed=PRICE, undo=None)
    yield "cancelled-refund-late", waits, at
    yield from _paying()
    yield "receipt", RECEIPT, at
    note = views.CreditNote(
        number="CN-000003",
        issued_on=date(2026, 12, 10),
        net=Money(6522),
        vat=VAT,
        gross=PRICE,
        reason="cancelled within 14 days of the charge",
    )
    yield "receipt-credited", replace(RECEIPT, is_copy=True, credit_notes=(note,)), at


def _paying() -> Iterator[tuple[str, views.Page, views.Frame]]:
    at = replace(VISITOR, path="/pay")
    soft = views.Pay(
        amount=PRICE,
        period_from=date(2026, 12, 8),
        period_to=date(2027, 1, 7),
        reading_until=date(2026, 12, 28),
        retry_on=date(2026, 12, 11),
        card=CARD,
        with_card=True,
        confirm=False,
    )
    yield "pay", soft, at
    refused = views.Flash(text="Your bank did not approve it, and nothing was charged.", tone="bad")
    yield "pay-other-card", replace(soft, with_card=False, retry_on=None), replace(at, flash=refused)
    yield "pay-not-asked", replace(soft, with_card=False, bank_asked=False), at
    yield "pay-confirm", replace(soft, with_card=False, confirm=True, retry_on=None), at
    paid = views.PayOver(why="paid", amount=PRICE, number="INV-000148", paid_on=date(2026, 12, 9))
    for why in ("paid", "given_back", "given_away", "cancelled", "over"):
        yield f"pay-{why.replace('_', '-')}", replace(paid, why=why), at
    yield "pay-charging", replace(paid, why="charging", again_url="pay-charging.html", seconds=1), at


def _articles() -> Iterator[tuple[str, views.Page, views.Frame]]:
    everything = tuple(article.teaser for article in sample_articles())
    by_access = {article.teaser.access: article for article in reversed(sample_articles())}
    at = replace(VISITOR, path="/articles")
    front = views.Articles(articles=everything, price=PRICE, trial_days=14, can_subscribe=True)
    yield "articles", front, at
    yield "articles-reader", replace(front, can_subscribe=False), replace(READER, path="/articles")
    subscriber = next(article for article in sample_articles() if article.teaser.audio)
    heard = views.Listen(minutes=AUDIO_MINUTES, source="/listen/sample/0.seal")
    yield "article-open", replace(_open(subscriber), listen=heard), replace(READER, path="/articles/x")
    yield "article-free", _open(by_access["free"]), at
    sheet = {each.name: getattr(_open(subscriber), each.name) for each in fields(views.Article)}
    yield "article-print", views.Print(**sheet), replace(READER, path="/articles/x/print")
    yield "article-metered", replace(_open(by_access["metered"]), meter=views.Meter(used=2, limit=10)), at
    locked = views.Wall(reason="subscribe", price=PRICE, trial_days=14)
    yield (
        "article-locked",
        replace(_locked(subscriber, locked), listen=views.Listen(minutes=AUDIO_MINUTES)),
        at,
    )
    yield "article-register", _locked(by_access["registered"], replace(locked, reason="register")), at
    gift = replace(locked, gift_over="The time of this gift is over.")
    yield "article-gift-over", _locked(subscriber, gift), at
    given = replace(
        _open(subscriber), can_give=True, terms="Free for everyone from Thursday 18 November 2027 at 00:00."
    )
    yield "article-to-give", given, replace(READER, path="/articles/x")
    used = replace(locked, reason="meter_used", limit=3, registered_limit=10)
    yield "article-meter-used", _locked(by_access["metered"], used), at


def _gifts() -> Iterator[tuple[str, views.Page, views.Frame]]:
    at = replace(READER, path="/account/gifts")
    gift = views.GiveRow(
        gift_id="gft_1",
        article_id="x",
        title=sample_articles()[0].teaser.title,
        link="https://accounts.swartbergpost.example/gift/gft_01kpb0cz8e2y6n4m.VtZ2eZvKYlo2C1mXj7rNaVtZ2eZvKYlo",
        until=NOW,
        opened=3,
        most=25,
    )
    over = replace(gift, gift_id="gft_0", over="This gift was taken back.")
    mine = views.Gifts(rows=(gift, over), made=gift, left=9, a_month=10, days=14, readers=25)
    yield "gifts", mine, at
    yield "gifts-none", replace(mine, rows=(), made=None, left=0), at


def _open(article: SampleArticle) -> views.Article:
    return views.Article(
        teaser=article.teaser,
        byline=article.byline,
        paragraphs=article.paragraphs,
        wall=None,
        json_ld=_described(article),
        is_free=article.teaser.access == "free",
        more=tuple(other.teaser for other in sample_articles() if other is not article)[:3],
    )


def _locked(article: SampleArticle, wall: views.Wall) -> views.Article:
    return views.Article(
        teaser=article.teaser, byline=article.byline, paragraphs=None, wall=wall, json_ld=_described(article)
    )


def _described(article: SampleArticle) -> dict[str, object]:
    house = SampleHouse()
    return news_article(article.teaser, house, f"{house.url}/articles/{article.teaser.id}", NOW)


def write(folder: Path) -> list[str]:
    """Writes every page as NAME.html, with the static files beside them. Returns the names."""
    look = Look(ZoneInfo("Africa/Johannesburg"))
    shutil.copytree(STATIC, folder / "static", dirs_exist_ok=True)
    names = []
    for name, page, frame in pages():
        (folder / f"{name}.html").write_text(look.page(page, frame), "utf-8")
        names.append(name)
    return names


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Name the folder to write to: python -m billing.dev.previews.preview DIR")
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    sys.stdout.write(f"{len(write(target))} pages in {target}\n")
