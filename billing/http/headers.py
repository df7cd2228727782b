"""Security headers of answers to browsers and to programs (SEC-5)."""

from collections.abc import Mapping

from billing.http.at_once import Header
from billing.platform.settings import Settings


def security_headers(settings: Settings, card_page: str) -> dict[str, str]:
    """The headers of answers to browsers. A form may lead to the acquirer's `card_page`."""
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; font-src 'self'; "
        f"connect-src 'self'; manifest-src 'self'; frame-src 'self'; form-action 'self' {card_page}; frame-ancestors 'none'; "
        "base-uri 'none'; object-src 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    } | _https(settings)


def machine_headers(settings: Settings) -> dict[str, str]:
    """The headers of answers to programs. A browser that opens one runs nothing in it and can't embed it."""
    return {
        "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    } | _https(settings)


def framed_headers(images: str, *, allowed: str = "") -> dict[str, str]:
    """The headers of a page for a sandboxed frame of ours: nothing in it runs, or leads away, but what the sandbox is `allowed`.

    `images`: where its pictures may come from, as in a Content-Security-Policy."""
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src {images}; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors 'self'; sandbox {allowed}"
    )
    return {"Content-Security-Policy": policy.strip()}


def read_only_headers() -> dict[str, str]:
    """The headers of a page that only shows: no script runs in it, and no form of it is sent."""
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; manifest-src 'self'"
    )
    return {
        "Content-Security-Policy": f"{policy}; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
        "X-Robots-Tag": "noindex",
    }


def raw_headers(headers: Mapping[str, str]) -> tuple[Header, ...]:
    """The same as ASGI has them: bytes, names in lower case."""
    return tuple((name.lower().encode(), value.encode()) for name, value in headers.items())


def _https(settings: Settings) -> dict[str, str]:
    return {"Strict-Transport-Security": "max-age=63072000; includeSubDomains"} if settings.secure else {}
