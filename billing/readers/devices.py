"""Turns a browser's user agent into words that its owner recognises."""

from emails.languages import Text, named, say

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
"""The first mark found decides: most browsers also carry the names of those they resemble."""
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "Chromebook"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)
LONGEST = 60


def in_words(device: str) -> Text:
    """`Chrome on Android`. An unknown browser keeps its own name, shortened."""
    browser = next((name for mark, name in _BROWSERS if mark in device), "")
    system = next((name for mark, name in _SYSTEMS if mark in device), "")
    if browser and system:
        return say("%(browser)s on %(system)s", browser=browser, system=system)
    own = browser or device.strip()[:LONGEST]
    return named("device", own) if own else say("an unnamed device")
