"""What keeps somebody from using a page, as Chromium shows it."""

from collections.abc import Container

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

GRAVE = ("serious", "critical")
ANY = ("minor", "moderate", *GRAVE, None)
"""All impacts that axe reports; some violations have none."""
FIND = "() => axe.run({resultTypes: ['violations'], iframes: false}).then(found => found.violations)"
"""What passes stays in the browser: carrying it over costs as much as finding it. axe isn't in frames (mails), and would wait half a
second for each to answer."""


def accessibility_barriers(page: Page, impacts: Container[str | None] = GRAVE) -> list[str]:
    """Whether the page is wider than the window, and the violations with these impacts that axe finds on it."""
    page.wait_for_load_state()  # words may stand there before their style does
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    found = [f"{too_wide} px too wide"] * (too_wide > 0)
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    for violation in page.evaluate(FIND):
        if violation["impact"] in impacts:
            found.append(f"{violation['id']}: {[node['target'] for node in violation['nodes']]}")
    return found
