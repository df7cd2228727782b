"""Which tests stay in one worker of xdist: those of a file, because they share what it starts (a house, a demo, a Chromium)."""

from xdist.scheduler.loadscope import LoadScopeScheduling

SPREAD = (
    "tests/proofs/test_any_story.py",
    "tests/proofs/test_cancel_races.py",
    "tests/proofs/test_fault_matrix.py",
    "tests/proofs/test_killed_workers.py",
    "tests/proofs/test_races.py",
    "tests/security/test_commit_first.py",
)
"""Long ones that share nothing: any worker takes the next."""


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist tells no types
    """A file at a time, the one with most tests first."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return nodeid if file in SPREAD else file
