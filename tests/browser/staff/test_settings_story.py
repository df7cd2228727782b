"""An admin looks at the settings on the demo, and runs the checks."""

import pytest
from playwright.sync_api import expect

from tests.support.staff_member import Enter

pytestmark = [pytest.mark.browser, pytest.mark.prove]


def test_an_admin_reads_the_settings_and_checks_them(enter: Enter) -> None:
    admin = enter("admin")
    admin.page.locator(".at-desk summary", has_text="Set-up").click()
    admin.click("^Settings$", "link")
    expect(admin.page.get_by_role("heading", level=1)).to_have_text("Settings")
    admin.person.see("BILLING_DATABASE_URL", "Nothing is changed here")
    admin.can_use()
    admin.click("^Check now$")
    admin.person.see("schema", "as this code needs", "Check again")
    admin.can_use()
    admin.page.get_by_text("Mail and newsletters").click()
    expect(admin.page.get_by_text("BILLING_SMTP_URL", exact=True)).to_be_visible()
