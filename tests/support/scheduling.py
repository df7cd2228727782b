"""Which tests stay in one worker of xdist: those of a file, because they share what it starts (a house, a demo, a Chromium);
and which begin first, lest one that takes minutes be left for the end, when the other workers have nothing to do."""

import pytest
from xdist.remote import Producer
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
SHARE_A_DEMO = ("tests/browser/", "tests/dev/demo/test_demo.py")
"""These stay in one worker together: a demo takes fifteen seconds of CPU to start."""
LONG = (
    "tests/billing_run/test_no_notice_no_charge.py",
    "tests/proofs/test_crash_matrix.py",
    "tests/browser/test_story.py",
    "tests/dev/simulate/test_lives.py",
    "tests/access_cache/test_under_load.py",
    "tests/access_cache/test_same_as_slow.py",
    "tests/proofs/test_any_story.py",
    "tests/proofs/test_many_trials.py",
    "tests/changes/test_end_of_a_year.py",
    "tests/security/test_fuzzed.py",
    "tests/billing_run/test_dunning_calendar.py",
)
"""Those that take longest, the longest first."""


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist tells no types
    """A file at a time, in the order in which they were collected; those that share a demo as if they were one."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        file = _file(nodeid)
        if file.startswith(SHARE_A_DEMO):
            return "a demo"
        return nodeid if file in SPREAD else file


def put_in_order(items: list[pytest.Item]) -> None:
    """The long files first; the others as they were drawn."""

    def place(item: pytest.Item) -> int:
        file = _file(item.nodeid)
        return LONG.index(file) if file in LONG else len(LONG)

    items.sort(key=place)


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]
