"""Which addresses in an editor's Markdown name the issue, and where each ends."""

import pytest

from billing.newsletters.carry import carrying
from billing.newsletters.compose import IssueContent

OURS = "https://accounts.example"
SAME = "?issue=iss_1"
SOURCES = [
    (f"[All]({OURS}/subscribe)", f"[All]({OURS}/subscribe{SAME})"),
    (f'[All]({OURS}/ "Now")', f'[All]({OURS}/{SAME} "Now")'),
    (f"[The dam]({OURS}/?article=the_dam)", f"[The dam]({OURS}/?article=the_dam&issue=iss_1)"),
    (f"<{OURS}/subscribe?plan=yearly#prices>", f"<{OURS}/subscribe?plan=yearly&issue=iss_1#prices>"),
    (f"Choose on {OURS}/subscribe. Or not.", f"Choose on {OURS}/subscribe{SAME}. Or not."),
    (f"_Choose: {OURS}/a_b_, **{OURS}/c**!", f"_Choose: {OURS}/a_b{SAME}_, **{OURS}/c{SAME}**!"),
    (f"{OURS}", f"{OURS}/{SAME}"),
    (f"{OURS}.example/subscribe", f"{OURS}.example/subscribe"),
    ("https://example.com/the_dam", "https://example.com/the_dam"),
]


@pytest.mark.parametrize(("typed", "sent"), SOURCES)
def test_our_own_addresses_name_the_issue(typed: str, sent: str) -> None:
    words = IssueContent("First Light", "Water", "And a bridge", typed, {})
    assert carrying(words, "iss_1", OURS).source == sent
