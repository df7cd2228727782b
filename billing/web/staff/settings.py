"""Admins see the settings in force, and run the checks of `billing check`. Settings change by the environment and a restart alone."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from billing.mail.smtp import Accepted
from billing.newsletters.lists import newsletters
from billing.newsletters.sample_mail import send_sample
from billing.platform.errors import Conflict, Refusal, TooMany, Unavailable
from billing.preflight.check_result import Verdict
from billing.preflight.check_runner import CheckedSettings, CheckRunner, ChecksAreRunning
from billing.preflight.shown_settings import setting_groups
from billing.readers import rate
from billing.staff import audit
from billing.staff.roles import Permission
from billing.web.kit.bulkhead import GatewayCall, may_call_gateway
from billing.web.staff.guard import StaffVisit, needs
from billing.web.views.staff_settings import CheckRow, StaffSettingsPage

router = APIRouter(include_in_schema=False)
ROOM = "/staff/settings"
MOST, PER = 6, timedelta(minutes=10)
"""Runs of all members together, as each asks DNS, the mail server and the acquirer some questions; and a member's test mails."""


class NoNewsletterYet(Conflict):
    """There is no newsletter yet, whose form the mail would have."""

    code = "no_newsletter_yet"


@router.get(ROOM)
def settings_in_force(visit: Annotated[StaffVisit, needs(Permission.SETTINGS)]) -> Response:
    """Every setting with its value, or only whether it is given."""
    return _page(visit)


@router.post(f"{ROOM}/check")
@may_call_gateway
def check_settings(visit: Annotated[StaffVisit, needs(Permission.SETTINGS, acts=True)]) -> GatewayCall:
    """The same page with what the checks found. The run is audited."""
    return GatewayCall(visit, lambda: _checked(visit))


@router.post(f"{ROOM}/mail")
def mail_to_me(visit: Annotated[StaffVisit, needs(Permission.SETTINGS, acts=True)]) -> Response:
    """Send the member one mail in a newsletter's form, as `billing mail test` does. It is audited."""
    try:
        with visit.begin() as ctx:
            rate.count(ctx, "settings mail", visit.member.id, limit=MOST, per=PER)
            lists = newsletters(ctx.session)
            if not lists:
                raise NoNewsletterYet
            audit.write(ctx, "mail_test", after={"newsletter": lists[0].id})
        # after the commit: the mail server may take its time
        outcome = send_sample(visit.services.newsletter_sender, lists[0], visit.member.email, visit.at)
        if not isinstance(outcome, Accepted):
            raise Unavailable(f"The mail server didn't take the test: {outcome}"[:300])
    except (TooMany, NoNewsletterYet, Unavailable) as refusal:
        return _page(visit, refusal=refusal)
    return _page(visit, note=f"A test of {lists[0].name} is on its way to {visit.member.email}.")


def _checked(visit: StaffVisit) -> Response:
    runner: CheckRunner = visit.request.app.state.check_runner
    try:
        with visit.begin() as ctx:
            rate.count(ctx, "settings check", "staff", limit=MOST, per=PER)
        found = runner.run()  # it waits for others, so no transaction is open meanwhile
    except (TooMany, ChecksAreRunning) as refusal:
        return _page(visit, refusal=refusal)
    with visit.begin() as ctx:
        verdicts = [result.verdict for _, result in found.results]
        after = {verdict.value: verdicts.count(verdict) for verdict in Verdict}
        audit.write(ctx, "check_settings", after=after)
    return _page(visit, found)


def _page(
    visit: StaffVisit,
    found: CheckedSettings | None = None,
    *,
    refusal: Refusal | None = None,
    note: str | None = None,
) -> Response:
    view = StaffSettingsPage(
        groups=setting_groups(visit.services.settings),
        verdicts=tuple((verdict.value, verdict.words) for verdict in Verdict),
        results=tuple(
            CheckRow(name=name, verdict=result.verdict.value, words=result.words)
            for name, result in (found.results if found else ())
        ),
        unfinished=found.unfinished if found else (),
        checked=found is not None,
        note=note,
        error=refusal.detail if refusal else None,
        needs_newsletter=isinstance(refusal, NoNewsletterYet),
    )
    return visit.page(view, refusal.status if refusal else 200)
