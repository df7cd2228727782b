"""Accessibility violations that axe finds on a page in Chromium."""

from collections.abc import Container

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

GRAVE = ("serious", "critical")
ANY = ("minor", "moderate", *GRAVE, None)
"""All impacts that axe reports; some violations have none."""
FIND = "() => axe.run({resultTypes: ['violations'], iframes: false}).then(found => found.violations)"
"""Only violations are returned: transferring the passes costs as much as finding them. Frames (mails) carry no axe; without
`iframes: false` it would wait half a second for each."""


def accessibility_barriers(page: Page, impacts: Container[str | None] = GRAVE) -> list[str]:
    """Return the violations with these impacts, and one line if the page is wider than the window."""
    page.wait_for_load_state()  # text may appear before its style sheet has loaded
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    found = [f"{too_wide} px too wide"] * (too_wide > 0)
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    for violation in page.evaluate(FIND):
        if violation["impact"] in impacts:
            found.append(f"{violation['id']}: {[node['target'] for node in violation['nodes']]}")
    return found
