"""Every crash case there is, in the order in which they are told."""

from tests.proofs import crash_cases_of_people, crash_cases_of_workers
from tests.proofs.crash_case import CRASH_CASES, CrashCase

__all__ = ["CRASH_CASES", "CrashCase", "crash_cases_of_people", "crash_cases_of_workers"]
