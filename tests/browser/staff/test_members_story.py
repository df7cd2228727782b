"""An admin invites somebody by mail, ends their session, and makes them an admin with the nod of another one."""

import pytest
from playwright.sync_api import expect

from tests.support.demo import Demo
from tests.support.person import LAPTOP, Arrive
from tests.support.staff_member import Enter, Member

# behind the sample members of the demo, of whom other stories take the first of a role
NEW, SECOND = "zodwa@paper.example", "zwelethu@paper.example"
WHY = "She looks after the machines from Monday."

pytestmark = [pytest.mark.browser, pytest.mark.prove]


def test_an_invited_member_signs_in_is_signed_out_and_becomes_an_admin_by_two(
    demo: Demo, arrive: Arrive, enter: Enter
) -> None:
    demo.command("staff", "add", SECOND, "--role", "admin")
    admin = enter("admin")
    admin.person.open("/staff/members")
    admin.type("Email address", NEW)
    admin.page.get_by_label("Role", exact=True).select_option("support")
    admin.click("^Save$")
    row = admin.page.get_by_role("row").filter(has_text=NEW)
    expect(row).to_contain_text("has yet to sign in")
    admin.can_use()

    new = Member.join(arrive(LAPTOP), NEW)
    new.person.see("Today")
    admin.click("See where members are signed in", "link")
    admin.can_use()
    admin.click(f"Sign out {NEW}")
    expect(admin.page.get_by_role("main")).not_to_contain_text(NEW)
    new.page.reload()
    new.person.see("Staff sign-in")

    admin.click("Who works here", "link")
    expect(row).to_contain_text("has an authenticator")
    admin.page.get_by_label(f"Role of {NEW}").select_option("admin")
    admin.page.get_by_label(f"Why {NEW} gets another role").fill(WHY)
    admin.click(f"Change the role of {NEW}")
    admin.person.see("Waits for a second admin", f"{NEW} may do everything here")
    expect(admin.page.get_by_label(f"Role of {NEW}")).to_have_value("support")
    admin.can_use()
    admin.click("See who asked", "link")
    admin.person.see(WHY, "Somebody else must approve this")
    expect(admin.page.get_by_role("button", name="Approve and do it")).to_have_count(0)

    second = Member.join(arrive(LAPTOP), SECOND)
    second.person.open("/staff/approvals")
    second.person.see(WHY)
    second.can_use()
    second.click("Approve and do it")
    second.person.see("Decided", "Nothing waits for a second member.")
    admin.person.open("/staff/members")
    expect(admin.page.get_by_label(f"Role of {NEW}")).to_have_value("admin")
