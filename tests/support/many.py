"""Several readers at once, and acts of staff on all of them."""

from typing import Any

from billing.staff import audit
from billing.staff.bulk import choose, decide
from billing.staff.bulk.terms import Terms
from billing.staff.models import StaffMember
from tests.support.browser import Answer, Browser
from tests.support.world import World, local

ROOM = "/staff/many"
AFTER_THE_CHARGE = local(2027, 3, 16, 12)


def addresses(number: int) -> list[str]:
    """The addresses of so many readers."""
    return [f"reader-{each}@example.com" for each in range(number)]


def trials(world: World, number: int) -> list[str]:
    """Start so many trials; their readers' ids."""
    for each, email in enumerate(addresses(number)):
        world.start_trial(email, f"pm_card_visa__{each}")
    return reader_ids(world)


def payers(world: World, number: int) -> list[str]:
    """So many readers at noon on the day of their first charge; their ids."""
    trials(world, number)
    world.advance_to(AFTER_THE_CHARGE)
    return reader_ids(world)


def reader_ids(world: World) -> list[str]:
    """All readers by the age of their account."""
    return [row["id"] for row in world.rows("SELECT id FROM reader ORDER BY email")]


def prepare(browser: Browser, kind: str, who: list[str], **fields: str) -> Answer:
    """Fill the form in; the page that follows."""
    browser.get(f"{ROOM}/new?kind={kind}")
    return browser.post(f"{ROOM}/new", who="\n".join(who), **fields)


def begin(browser: Browser, reason: str = "The site was away.") -> Answer:
    """Press the button of the preview that the browser shows."""
    return browser.post(f"{browser.page.path}/start", reason=reason, agreed="yes")


def send_again(browser: Browser, path: str, **fields: str) -> int:
    """A form that the page doesn't have any more; the status of the answer."""
    token = browser.get("/contact").text.partition('name="csrf" value="')[2].partition('"')[0]
    headers = {"sec-fetch-site": "same-origin"}
    return browser.http.post(path, data={"csrf": token, **fields}, headers=headers).status_code


def made_by(world: World, member: StaffMember, terms: Terms, readers: list[str]) -> str:
    """An act on these readers, previewed by the worker; its id."""
    services = world.services
    with services.database.begin(services.site, world.now, audit.of(member, "127.0.0.1")) as ctx:
        action = decide.make(ctx, terms, {"by": choose.ChosenBy.LIST.value}, readers)
    world.settle()
    return action.id


def begun_by(world: World, member: StaffMember, terms: Terms, readers: list[str]) -> str:
    """The same, begun; nothing is done yet."""
    action_id = made_by(world, member, terms, readers)
    services = world.services
    with services.database.begin(services.site, world.now, audit.of(member, "127.0.0.1")) as ctx:
        decide.begin(ctx, action_id, reason="The site was away.")
    return action_id


def states(world: World, action_id: str) -> tuple[str, dict[str, int]]:
    """The act's state, and how many lines are in each state."""
    (action,) = world.rows("SELECT state FROM bulk_action WHERE id = :id", id=action_id)
    lines = world.rows(
        "SELECT state, count(*) AS lines FROM bulk_line WHERE action_id = :id GROUP BY state", id=action_id
    )
    return action["state"], {row["state"]: row["lines"] for row in lines}


def only(world: World) -> dict[str, Any]:
    """The single act on many."""
    (action,) = world.rows("SELECT * FROM bulk_action")
    return action
