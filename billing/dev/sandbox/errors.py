"""Refusals in Stripe's words and shape."""

from typing import Any

DOCS = "https://docs.stripe.com/error-codes/"


class StripeError(Exception):
    """An answer that says no: a status and the body Stripe would send."""

    def __init__(
        self, status: int, message: str, *, kind: str = "invalid_request_error", **more: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error: dict[str, Any] = {"message": message, "type": kind}
        self.error |= {key: value for key, value in more.items() if value is not None}
        if code := more.get("code"):
            self.error["doc_url"] = DOCS + str(code).replace("_", "-")

    def body(self, request_id: str) -> dict[str, Any]:
        """The JSON body, with a link that names the request."""
        link = f"https://dashboard.stripe.com/test/logs/{request_id}"
        return {"error": dict(sorted((self.error | {"request_log_url": link}).items()))}


def invalid(message: str, *, param: str | None = None, code: str | None = None, **more: Any) -> StripeError:
    """400: the request makes no sense as it stands."""
    return StripeError(400, message, param=param, code=code, **more)


def unknown_parameter(param: str) -> StripeError:
    """400: a parameter this API version does not have."""
    return invalid(f"Received unknown parameter: {param}", param=param, code="parameter_unknown")


def missing_parameter(param: str) -> StripeError:
    """400: a required parameter was left out."""
    return invalid(f"Missing required param: {param}.", param=param, code="parameter_missing")


def missing(noun: str, identifier: str, *, param: str = "id", in_path: bool = False) -> StripeError:
    """No such object: 404 when the path names it, 400 when a parameter does. Of one in the path the `param` isn't always `id` at Stripe
    (`intent` in https://github.com/stripe/stripe-terminal-js-demo/issues/72), so the product may not depend on it."""
    status = 404 if in_path else 400
    return StripeError(status, f"No such {noun}: '{identifier}'", param=param, code="resource_missing")


def unauthorized(message: str) -> StripeError:
    """401: no key, or one that is not for this sandbox."""
    return StripeError(401, message)


def rate_limited() -> StripeError:
    """429: too many requests at once."""
    return StripeError(
        429,
        "Request rate limit exceeded. You can learn more about rate limits here https://docs.stripe.com/rate-limits.",
        code="rate_limit",
    )


def server_error() -> StripeError:
    """500: Stripe's own failure."""
    return StripeError(500, "An unknown error occurred", kind="api_error")
