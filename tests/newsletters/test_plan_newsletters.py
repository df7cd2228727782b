"""A newsletter as a feature of plans: only subscribers whose plan names it receive it."""

import json
from datetime import timedelta

import sqlalchemy as sa

from billing.newsletters.send import send
from billing.newsletters.start import start_due
from billing.platform.actors import WORKER
from billing.readers.register import register
from billing.rules.features import newsletter_feature
from billing.subscriptions.plans import open_features
from tests.support.newsroom import Newsroom
from tests.support.starting_points import Subscriber, fast_forward
from tests.support.world import World, local

MONTHLY, YEARLY = "monthly", "yearly"
LIST = "from-the-newsroom"


def name_it(newsroom: Newsroom, *plans: str) -> None:
    """Let these plans name the newsletter, and the others not."""
    with newsroom.world.services.database.transaction() as session:
        for plan in (MONTHLY, YEARLY):
            named = [newsletter_feature(LIST)] if plan in plans else []
            open_features(session, plan, ["listen", *named])


def received(newsroom: Newsroom) -> set[str]:
    """Who the next issue reaches."""
    issue_id = newsroom.send(newsletter=LIST)
    rows = newsroom.world.rows(
        "SELECT address FROM delivery WHERE issue_id = :i AND state = 'sent'", i=issue_id
    )
    return {row["address"].partition("@")[0] for row in rows}


def test_plans_that_name_it_are_the_ones_that_receive_it(newsroom: Newsroom) -> None:
    world = newsroom.world
    for number, name in enumerate(("month", "year"), start=1):
        world.start_trial(f"{name}@example.com", f"pm_card_visa__{number}")
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        for name in ("gift", "more"):
            register(ctx, f"{name}@example.com")
        ctx.session.execute(
            sa.text(
                "UPDATE subscription SET plan_id = 'yearly' WHERE reader_id = (SELECT id FROM reader WHERE email = 'year@example.com')"
            )
        )
        ctx.session.execute(
            sa.text(
                "INSERT INTO complimentary_grant (id, reader_id, given_at, until, features, actor_kind, actor_id, reason)"
                " SELECT 'grt_' || email, id, :at, :until, CASE WHEN email LIKE 'more%' THEN CAST(:named AS jsonb)"
                " ELSE '[]' END, 'command', 'test', 'test' FROM reader WHERE email LIKE 'gift%' OR email LIKE 'more%'"
            ),
            {
                "at": world.now,
                "until": world.now + timedelta(days=90),
                "named": json.dumps([newsletter_feature(LIST)]),
            },
        )
    for name in ("month", "year", "gift", "more"):
        newsroom.join(f"{name}@example.com", LIST)
    assert received(newsroom) == {"month", "year", "gift", "more"}, "where no plan names it, every subscriber"
    name_it(newsroom, YEARLY)
    assert received(newsroom) == {"year", "more"}, "a plan that names it, and days given that include it"
    name_it(newsroom, MONTHLY, YEARLY)
    assert received(newsroom) == {"month", "year", "more"}


def test_a_reader_whose_pause_is_over_receives_it_in_the_words_for_subscribers(
    world: World, paid: Subscriber
) -> None:
    """From midnight on, like access, even if the worker ends the pause late."""
    fast_forward(world, local(2027, 4, 15, 12))
    newsroom = Newsroom(world, LIST)
    newsroom.join(paid.email)
    with world.browse() as browser:
        browser.sign_in(paid.email)
        browser.get("/account/pause")
        browser.post("/account/pause", months="1")
    world.advance_to(local(2027, 4, 16, 12))
    world.skip_to(local(2027, 5, 7, 12))  # before the notices of the next charge
    world.advance_to(local(2027, 5, 15, 6))
    assert received(newsroom) == set(), "the pause still runs"
    world.skip_to(local(2027, 5, 16, 6))
    newsroom.schedule(newsroom.draft(newsletter=LIST))
    start_due(world.services.newsletter_sender, world.now)
    send(world.services.newsletter_sender, world.services.clock)
    assert world.rows("SELECT state FROM subscription") == [{"state": "paused"}]
    assert len(newsroom.arrived_for(paid.email)) == 1
    assert world.rows("SELECT state, variant FROM delivery") == [{"state": "sent", "variant": "subscriber"}]
