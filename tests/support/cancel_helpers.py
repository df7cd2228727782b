"""Cancel by the API or by a mailed link; and forge a token."""

from typing import Any

from tests.support.browser import Browser
from tests.support.world import World


def cancel(world: World, subscription_id: str, **body: object) -> dict[str, Any]:
    """Cancel by the API, which must succeed; return the answer."""
    answer = world.api.post(f"/v1/subscriptions/{subscription_id}/cancel", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def refused(world: World, subscription_id: str, what: str = "cancel", **body: object) -> tuple[int, str]:
    """Call the API, which must refuse; return the refusal's status and code."""
    answer = world.api.post(f"/v1/subscriptions/{subscription_id}/{what}", json=body)
    return answer.status_code, answer.json()["code"]


def cancel_signed_out(world: World, link: str) -> Browser:
    """Follow a mailed link in a fresh browser without cookies."""
    browser = world.browser()
    page = browser.get(link)
    assert page.path == "/cancel", "the token is out of the address bar"
    assert page.status == 200
    return browser


def damaged(token: str) -> str:
    """The token with another last letter, so that its signature is wrong."""
    return token[:-1] + ("B" if token.endswith("A") else "A")
