"""A new mail needs two files: a class beside its function, and a template. All else is registered automatically."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from sqlmodel import Session

from billing.dev.previews.mails import samples, write
from billing.mail.outbox import NewMessage
from billing.notices import send
from billing.platform.actors import WORKER
from billing.subscriptions.models import Subscription
from emails import MAILS
from tests.emails import rules
from tests.support.broken_templates import broken_template
from tests.support.cancel_helpers import cancel
from tests.support.starting_points import Subscriber
from tests.support.world import World

NOTICE = '''
from dataclasses import dataclass

from billing.notices.send import card_of, send
from billing.notices.true_while import SAME_CARD, next_charge
from emails import Cents, Day, Mail, Url


@dataclass(frozen=True)
class HalfTime(Mail, true_while=next_charge("charge_on")):
    """Half of the trial is over."""

    samples = {"": {}, "early": {"charge_on": "2026-03-30"}}
    amount: Cents
    charge_on: Day
    account_url: Url


def half_time(ctx, subscription):
    mail = HalfTime(
        amount=7500, charge_on=subscription.charge_on.isoformat(), account_url=ctx.site.account_url
    )
    send(ctx, subscription, mail, f"half-time:{subscription.id}")
'''
TEMPLATE = """\
{% extends layout %}
{% block subject %}Half of your free trial is over{% endblock %}
{% block preheader %}Nothing is charged before {{ charge_on | day }}; you can cancel online.{% endblock %}
{% block heading %}Half-time{% endblock %}
{% block text %}
Hello,

on {{ charge_on | day }} we will charge {{ amount | rand }} incl. VAT.

See your subscription:
  {{ account_url }}
{% endblock %}
{% block html %}
<p>Hello,</p>
<p>on {{ charge_on | day }} we will charge {{ amount | rand }} incl. VAT.</p>
{{ link("See your subscription", account_url) }}
{% endblock %}
"""


@pytest.fixture
def half_time(tmp_path: Path) -> Iterator[ModuleType]:
    """The two files of a new mail, imported as a live process imports those of `billing/notices`."""
    (tmp_path / "half_time.py").write_text(NOTICE)
    spec = spec_from_file_location("half_time", tmp_path / "half_time.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["half_time"] = module_from_spec(spec)
    with broken_template("half_time", TEMPLATE):
        spec.loader.exec_module(module)
        yield module
    del MAILS["half_time"], sys.modules["half_time"]


def _send(world: World, half_time: ModuleType, reader: Subscriber) -> None:
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        half_time.half_time(ctx, ctx.session.get_one(Subscription, reader.subscription_id))


def test_it_is_previewed_and_keeps_the_rules_of_all_mails(half_time: ModuleType, tmp_path: Path) -> None:
    index = write(tmp_path / "preview").read_text("utf-8")
    for name in ("half-time", "half-time-early"):
        assert f'<a href="{name}.html">Half of your free trial is over</a>' in index
        assert isinstance(samples()[name], half_time.HalfTime)
        rules.check(samples()[name])
    assert "Monday 30 March 2026" in (tmp_path / "preview" / "half-time-early.txt").read_text("utf-8")
    assert "Monday 30 March 2026" in (tmp_path / "preview" / "half-time-early.html").read_text("utf-8")


def test_it_is_queued_once_and_delivered_in_text_and_html(
    world: World, in_trial: Subscriber, half_time: ModuleType
) -> None:
    _send(world, half_time, in_trial)
    _send(world, half_time, in_trial)
    world.settle()
    assert world.subjects(in_trial.email).count("Half of your free trial is over") == 1
    mail = world.letter(in_trial.email, "Half of your free trial is over")
    assert "on Tuesday 16 March 2027 we will charge R75.00 incl. VAT." in mail.text
    assert "on Tuesday 16 March 2027 we will charge R75.00 incl. VAT." in mail.html


def test_it_is_taken_back_when_it_becomes_untrue(
    world: World, in_trial: Subscriber, half_time: ModuleType
) -> None:
    world.smtp.greylist(in_trial.email)
    _send(world, half_time, in_trial)
    world.settle()
    cancel(world, in_trial.subscription_id)
    assert world.rows("SELECT state FROM message WHERE kind = 'half_time'") == [{"state": "obsolete"}]


@dataclass
class Sms:
    """A channel that records the texts of the one notice that it carries."""

    texts: list[tuple[str | None, str]] = field(default_factory=list)

    def queue_all(self, _session: Session, messages: Sequence[NewMessage], _at: datetime) -> None:
        chosen = [each for each in messages if each.mail.kind == "half_time"]
        self.texts += [
            (each.reader_id, f"A charge comes on {vars(each.mail)['charge_on']}") for each in chosen
        ]


def test_a_channel_beside_mail_carries_a_notice_that_knows_nothing_of_it(
    world: World, in_trial: Subscriber, half_time: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    sms = Sms()
    monkeypatch.setattr(send, "BESIDE_MAIL", [sms])
    _send(world, half_time, in_trial)
    _send(world, half_time, in_trial)
    cancel(world, in_trial.subscription_id)
    world.settle()
    assert sms.texts == [(in_trial.reader_id, "A charge comes on 2027-03-16")], "once, and no other notice"
    assert world.subjects(in_trial.email)[-1].startswith("Your")
