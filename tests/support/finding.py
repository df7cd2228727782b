"""Searches of staff for readers."""

from urllib.parse import urlencode

from tests.support.browser import Answer, Browser


def search(browser: Browser, words: str, **more: str) -> Answer:
    """Send the search form, as a browser does."""
    return browser.get(f"/staff/find?{urlencode({'q': words, **more})}")
