"""How a cancellation is asked for: by a program, where it must succeed or is refused; or by a mailed link, signed out.
And how a token looks that isn't one of ours."""

from typing import Any

from tests.support.browser import Browser
from tests.support.world import World


def cancel(world: World, subscription_id: str, **body: object) -> dict[str, Any]:
    """By the API; it must succeed."""
    answer = world.api.post(f"/v1/subscriptions/{subscription_id}/cancel", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def refused(world: World, subscription_id: str, what: str = "cancel", **body: object) -> tuple[int, str]:
    """By the API; status and code of the refusal."""
    answer = world.api.post(f"/v1/subscriptions/{subscription_id}/{what}", json=body)
    return answer.status_code, answer.json()["code"]


def cancel_signed_out(world: World, link: str) -> Browser:
    """Follow a mailed link in a browser that has never been here."""
    browser = world.browser()
    page = browser.get(link)
    assert page.path == "/cancel", "the token is out of the address bar"
    assert page.status == 200
    return browser


def damaged(token: str) -> str:
    """With another last letter."""
    return token[:-1] + ("B" if token.endswith("A") else "A")
