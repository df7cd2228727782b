"""All crash cases, in the order of their modules."""

from tests.proofs import crash_cases_of_people, crash_cases_of_staff, crash_cases_of_workers
from tests.proofs.crash_case import CRASH_CASES, CrashCase

__all__ = [
    "CRASH_CASES",
    "CrashCase",
    "crash_cases_of_people",
    "crash_cases_of_staff",
    "crash_cases_of_workers",
]
