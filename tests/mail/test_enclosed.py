"""A setting decides whether mails carry their documents."""

from collections.abc import Callable

import pytest

from tests.support.starting_points import subscriber
from tests.support.world import World, local


@pytest.mark.parametrize(("papers", "enclosed"), [(True, ["tax-invoice-INV-000001.pdf"]), (False, [])])
def test_a_house_may_leave_the_papers_out_of_its_mails(
    make_world: Callable[..., World], papers: bool, enclosed: list[str]
) -> None:
    world = make_world(mail_papers=papers)
    reader = subscriber(world, "notified")
    world.advance_to(local(2027, 3, 16, 9))
    mail = world.letter(reader.email, "Tax invoice INV-000001")
    assert [each.name for each in mail.enclosures] == enclosed
    assert "INV-000001" in mail.text
