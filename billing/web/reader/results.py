"""What a form did, on a page of its own. Its address holds the result, signed, so that a reload sends no form again."""

from datetime import UTC, datetime

from billing.web.kit.visit import Visit


def result_token(visit: Visit, purpose: str, *facts: str | int) -> str:
    """The token of a result, for this browser: nobody can show others a page of ours that says something untrue."""
    subject = "-".join([*map(str, facts), visit.browser_hash[:32]])
    return visit.services.site.tokens.token(purpose, subject)


def result_of(visit: Visit, purpose: str, token: str) -> list[str] | None:
    """The facts of a token; None for a forged one, or one of another browser."""
    subject = visit.services.site.tokens.subject_of(purpose, token)
    if subject is None:
        return None
    *facts, browser = subject.split("-")
    return facts if browser in [digest[:32] for digest in visit.browser_hashes] else None


def stamp(at: datetime) -> int:
    """An instant as a fact, in whole seconds."""
    return int(at.timestamp())


def instant(fact: str) -> datetime:
    """The instant of such a fact."""
    return datetime.fromtimestamp(int(fact), UTC)
