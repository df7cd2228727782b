"""The architecture's rules: imports go one way, rules are pure, there is one clock and one gateway, and files are
short.

The first half checks the product. The second shows that each check finds what it looks for.
"""

from collections.abc import Callable, Iterator
from statistics import median

import pytest

from tests.support.architecture import arrows, clocks, files
from tests.support.architecture.arrows import circles
from tests.support.architecture.clocks import MAY_WAIT
from tests.support.architecture.files import LONGEST_FILE, USUAL_FILE
from tests.support.architecture.sources import ROOT, Source, sources, sources_of_tests

Check = Callable[[Source], Iterator[str]]
CHECKS: tuple[Check, ...] = (
    arrows.arrows,
    arrows.pure_rules,
    arrows.one_gateway,
    arrows.apart,
    arrows.wiring,
    clocks.one_clock,
    clocks.no_real_waiting,
    files.own_names,
    files.short,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_product(check: Check) -> None:
    found = [fault for source in sources() for fault in check(source)]
    assert not found, "\n".join([check.__doc__ or "", *found])


def test_half_of_the_files_are_read_at_a_glance() -> None:
    lengths = [
        len(source.text.splitlines()) for source in sources() if not source.within("billing.dev", "emails")
    ]
    assert median(lengths) <= USUAL_FILE


def test_the_tests_wait_for_events_and_not_for_time() -> None:
    found = [fault for source in sources_of_tests() for fault in clocks.no_real_waiting(source)]
    assert not found, "\n".join([clocks.no_real_waiting.__doc__ or "", *found])


@pytest.mark.parametrize("named", MAY_WAIT)
def test_what_may_wait_does(named: str) -> None:
    """A name that isn't needed any more must leave the list."""
    modules = [source for source in [*sources(), *sources_of_tests()] if source.within(named)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(clocks, "MAY_WAIT", {})
        assert any(list(clocks.no_real_waiting(source)) for source in modules)


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert not list(circles(sources()))


def test_the_migrations_do_not_hide_the_library_they_need() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists()


def test_all_of_the_product_is_read() -> None:
    modules = {source.module for source in sources()}
    assert {"billing", "billing.rules.money", "billing.dev.sandbox", "emails"} <= modules


FAULTS: list[tuple[Check, str, str]] = [
    (arrows.arrows, "billing.payments.charge", "import billing.billing_run.settle"),
    (arrows.arrows, "billing.payments.charge", "from billing import web"),
    (arrows.arrows, "billing.payments.charge", "def later():\n    from billing.app import create_app"),
    (arrows.arrows, "billing.payments.charge", "from ..webhooks.inbox import store"),
    (arrows.arrows, "billing.notices.term", "from billing.access.entitlements import hold"),
    (arrows.arrows, "billing.readers.models", "from billing.subscriptions.models import Subscription"),
    (arrows.arrows, "billing.mail.outbox", "import billing.readers.models as models"),
    (arrows.arrows, "billing.platform.db", "from billing.mail.outbox import queue"),
    (arrows.arrows, "billing.rules.money", "from billing.platform.errors import Refusal"),
    (arrows.arrows, "billing.web.pages", "from billing.app import create_app"),
    (arrows.arrows, "billing.web.pages", "from billing.dev.postgres import Embedded"),
    (arrows.arrows, "billing.timetable", "from billing.nowhere import thing"),
    (arrows.arrows, "billing.cellar", "import json"),
    (arrows.pure_rules, "billing.rules.trial", "import sqlmodel"),
    (arrows.pure_rules, "billing.rules.trial", "from os import environ"),
    (arrows.pure_rules, "billing.rules.trial", "import random"),
    (arrows.pure_rules, "billing.rules.trial", "from billing.platform.clock import Clock"),
    (arrows.pure_rules, "billing.rules.trial", "open('prices')"),
    (arrows.pure_rules, "billing.rules.trial", "from datetime import date\ndate.today()"),
    (arrows.pure_rules, "billing.rules.trial", "import datetime as d\nd.datetime.now(tz=None)"),
    (
        clocks.one_clock,
        "billing.payments.charge",
        "from datetime import datetime, UTC\ndatetime.now(UTC)",
    ),
    (clocks.one_clock, "billing.payments.charge", "import datetime\ndatetime.datetime.utcnow()"),
    (clocks.one_clock, "billing.payments.charge", "import datetime as dt\ndt.date.today()"),
    (clocks.one_clock, "billing.payments.charge", "import time\ntime.time()"),
    (clocks.one_clock, "billing.payments.charge", "from time import time as wall\nwall()"),
    (clocks.one_clock, "billing.payments.charge", "import sqlalchemy as sa\nsa.func.now()"),
    (clocks.one_clock, "billing.payments.charge", "from sqlalchemy import func\nfunc.now()"),
    (clocks.one_clock, "billing.payments.charge", "x = 'SELECT id FROM t WHERE due <= now()'"),
    (clocks.one_clock, "billing.payments.charge", "x = 'UPDATE t SET at = CURRENT_TIMESTAMP'"),
    (clocks.no_real_waiting, "billing.payments.charge", "import time\ntime.sleep(1)"),
    (clocks.no_real_waiting, "billing.payments.charge", "import time as t\nt.monotonic()"),
    (
        clocks.no_real_waiting,
        "billing.payments.charge",
        "import time\nf(default_factory=time.monotonic)",
    ),
    (clocks.no_real_waiting, "billing.payments.charge", "from time import monotonic"),
    (clocks.no_real_waiting, "billing.payments.charge", "from time import perf_counter as now"),
    (clocks.no_real_waiting, "billing.access_cache.change_listener", "import asyncio\nasyncio.sleep(0.01)"),
    (
        clocks.no_real_waiting,
        "billing.access_cache.change_listener",
        "from asyncio import sleep\nsleep(delay=pause)",
    ),
    (clocks.no_real_waiting, "billing.platform.clock", "import time\ntime.monotonic()"),
    (clocks.no_real_waiting, "tests.payments.test_pace", "import time\ntime.sleep(0.01)"),
    (clocks.no_real_waiting, "tests.browser.test_site", "page.wait_for_timeout(500)"),
    (arrows.one_gateway, "billing.payments.charge", "import stripe"),
    (arrows.one_gateway, "billing.web.pages", "from stripe import StripeClient"),
    (arrows.one_gateway, "billing.dev.sandbox.app", "import stripe.error"),
    (arrows.apart, "billing.dev.sandbox.cards", "from billing.rules.money import Money"),
    (arrows.apart, "billing.dev.sandbox.cards", "from ..rules import money"),
    (arrows.apart, "billing.cli", "from billing.dev.sandbox.app import create_sandbox"),
    (arrows.apart, "billing.cli", "from billing.dev import sandbox"),
    (arrows.apart, "emails.render", "from billing.rules.money import Money"),
    (arrows.wiring, "billing.payments.charge", "gateway = StripeGateway(key='k')"),
    (
        arrows.wiring,
        "billing.mail.deliver",
        "import billing.mail.smtp as s\ns.SmtpTransport('smtp://x')",
    ),
    (
        arrows.wiring,
        "billing.reports.doctor",
        "from sqlalchemy import create_engine\ncreate_engine('x')",
    ),
    (arrows.wiring, "billing.platform.db", "StripeGateway()"),
    (files.own_names, "calendar", ""),
    (files.short, "billing.web.staff", "x = 1\n" * (LONGEST_FILE + 1)),
]


@pytest.mark.parametrize(("check", "module", "text"), FAULTS)
def test_each_check_can_fail(check: Check, module: str, text: str) -> None:
    assert list(check(Source(module, text)))


FINE: list[tuple[Check, str, str]] = [
    (
        arrows.arrows,
        "billing.cli",
        "from billing.app import create_app\nfrom billing.dev.demo import launch",
    ),
    (
        arrows.arrows,
        "billing.billing_run.run",
        "from billing.payments.charge import charge\nimport billing.rules.money",
    ),
    (
        arrows.arrows,
        "billing.payments.charge",
        "from . import models\nfrom billing.platform import ids",
    ),
    (arrows.arrows, "billing.app", "from billing.web_app import assemble"),
    (
        arrows.pure_rules,
        "billing.rules.trial",
        "from datetime import date\nimport math\nfrom .money import Money",
    ),
    (arrows.pure_rules, "billing.web.pages", "import os\nopen('x')"),
    (clocks.one_clock, "billing.platform.clock", "from datetime import datetime, UTC\ndatetime.now(UTC)"),
    (clocks.one_clock, "billing.dev.sandbox.clock", "import time\ntime.time()"),
    (
        clocks.one_clock,
        "billing.payments.charge",
        "def f(clock):\n    'Not now().'\n    return clock.now()",
    ),
    (clocks.one_clock, "billing.payments.charge", "import time\ntime.monotonic()\nx = 'Update now'"),
    (clocks.no_real_waiting, "billing.platform.monotonic", "import time\ntime.sleep(1)"),
    (clocks.no_real_waiting, "billing.dev.simulate.run", "import time\ntime.monotonic()"),
    (clocks.no_real_waiting, "tests.bench.access", "from time import perf_counter"),
    (clocks.no_real_waiting, "billing.acquirer.rate_limit", "self.monotonic.sleep(self.monotonic.seconds())"),
    (clocks.no_real_waiting, "billing.platform.logs", "import time\nconverter = time.gmtime"),
    (clocks.no_real_waiting, "tests.access_cache.test_memory", "import asyncio\nasyncio.sleep(0)"),
    (arrows.one_gateway, "billing.acquirer.stripe.gateway", "import stripe"),
    (arrows.one_gateway, "billing.payments.charge", "from billing.payments import stripe_words"),
    (
        arrows.apart,
        "billing.dev.sandbox.app",
        "from billing.dev.sandbox.cards import find\nfrom . import store",
    ),
    (arrows.wiring, "billing.app", "StripeGateway()\nSmtpTransport()"),
    (arrows.wiring, "billing.platform.db", "create_engine('x')"),
    (files.own_names, "billing.rules.periods", ""),
    (files.short, "billing.web.staff", "x = 1\n" * LONGEST_FILE),
]


@pytest.mark.parametrize(("check", "module", "text"), FINE)
def test_what_is_allowed_passes(check: Check, module: str, text: str) -> None:
    assert not list(check(Source(module, text)))


def test_a_circle_is_found() -> None:
    around = [
        Source("billing.platform.db", "from billing.platform.claims import claimer"),
        Source("billing.platform.claims", "from billing.platform import site"),
        Source("billing.platform.site", "import billing.platform.db"),
    ]
    assert len(list(circles(around))) == 1
    assert not list(circles(around[:2]))
