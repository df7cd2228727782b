"""What a check finds: one line for an operator."""

from dataclasses import dataclass

from billing.rules.worded import WordedEnum


class Verdict(WordedEnum):
    """As it stands at the beginning of the line."""

    OK = "ok", "in order"
    WARN = "WARN", "readers are served, but somebody should look at it"
    NO = "NO", "don’t go live with it"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One line. Where it isn't `ok`, the words say what to do."""

    verdict: Verdict
    words: str


def ok(words: str) -> CheckResult:
    """In order."""
    return CheckResult(Verdict.OK, words)


def warn(words: str) -> CheckResult:
    """To be looked at."""
    return CheckResult(Verdict.WARN, words)


def no(words: str) -> CheckResult:
    """To be mended first."""
    return CheckResult(Verdict.NO, words)
