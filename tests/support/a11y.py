"""What keeps somebody from using a page, as Chromium shows it."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def accessibility_barriers(page: Page) -> list[str]:
    """Wider than the window, or grave in the eyes of axe."""
    page.wait_for_load_state()  # words may stand there before their style does
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    found = [f"{too_wide} px too wide"] * (too_wide > 0)
    for violation in Axe().run(page).response["violations"]:
        if violation["impact"] in ("serious", "critical"):
            found.append(f"{violation['id']}: {[node['target'] for node in violation['nodes']]}")
    return found
