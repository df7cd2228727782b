"""Errors in Stripe's format and wording."""

from typing import Any

DOCS = "https://docs.stripe.com/error-codes/"


class StripeError(Exception):
    """An error answer: a status, and the body that Stripe would send."""

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
    """400: the request is invalid."""
    return StripeError(400, message, param=param, code=code, **more)


def unknown_parameter(param: str) -> StripeError:
    """400: this API version doesn't have the parameter."""
    return invalid(f"Received unknown parameter: {param}", param=param, code="parameter_unknown")


def missing_parameter(param: str) -> StripeError:
    """400: a required parameter is missing."""
    return invalid(f"Missing required param: {param}.", param=param, code="parameter_missing")


def missing(noun: str, identifier: str, *, param: str = "id", in_path: bool = False) -> StripeError:
    """No such object: 404 for an id in the path, 400 for one in a parameter.

    For an id in the path Stripe's `param` isn't always `id` (`intent` in
    https://github.com/stripe/stripe-terminal-js-demo/issues/72), so the product must not depend on it."""
    status = 404 if in_path else 400
    return StripeError(status, f"No such {noun}: '{identifier}'", param=param, code="resource_missing")


def unauthorized(message: str) -> StripeError:
    """401: no key, or not one for this sandbox."""
    return StripeError(401, message)


def rate_limited() -> StripeError:
    """429: too many requests."""
    return StripeError(
        429,
        "Request rate limit exceeded. You can learn more about rate limits here https://docs.stripe.com/rate-limits.",
        code="rate_limit",
    )


def server_error() -> StripeError:
    """500: an error of Stripe's."""
    return StripeError(500, "An unknown error occurred", kind="api_error")
