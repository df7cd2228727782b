"""The addresses of access checks, answered by the access cache or by the framework behind it."""

ONE, MANY = "/v1/access/", "/v1/access"
EVALUATION, EVALUATIONS = "/access/v1/evaluation", "/access/v1/evaluations"
GATE = "/v1/gate/"
TOKEN = "/v1/access-token"  # noqa: S105 - an address
PREFETCH = "prefetch"
"""The gate's reason for a browser that prefetches a metered article: the click asks again."""
WHY = "X-Access-Reason"
"""The header with the gate's reason."""


def is_check(path: str) -> bool:
    """Whether an access check has this path."""
    return path in (MANY, EVALUATION, EVALUATIONS) or path.startswith((ONE, GATE))
