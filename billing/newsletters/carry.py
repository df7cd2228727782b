"""Links that say which newsletter issue they stand in. They name no recipient: all readers of an issue get the same."""

import re
from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit

from billing.newsletters.compose import IssueContent

ISSUE = "issue"
"""The name of the parameter. Masthead's doors and the sample paper's articles take it."""
_WITHIN = r"[^\s()<>\[\]\"`]"
_LAST = r"[^\s()<>\[\]\"`'*_.,;:!?]"
"""What an address in Markdown ends with: neither the sentence's mark after it, nor that of emphasis around it."""


def carrying(words: IssueContent, issue_id: str, public_url: str) -> IssueContent:
    """The same words, with the issue's id in the links of article cards, and in links of the prose to Masthead's own pages."""
    # what follows must not lengthen the host: `https://ours.example.evil` begins like `https://ours.example`
    ours = re.compile(rf"{re.escape(public_url)}(?![\w.:-])(?:{_WITHIN}*{_LAST})?")
    cards = {name: replace(card, url=with_issue(card.url, issue_id)) for name, card in words.cards.items()}
    source = ours.sub(lambda found: with_issue(found.group(), issue_id), words.source)
    return replace(words, cards=cards, source=source)


def with_issue(url: str, issue_id: str) -> str:
    """The address with the issue's id; as it is if it can't be read."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    query = f"{parts.query}&{ISSUE}={issue_id}" if parts.query else f"{ISSUE}={issue_id}"
    return urlunsplit(parts._replace(path=parts.path or "/", query=query))
