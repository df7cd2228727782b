"""How xdist's workers share the tests.

The tests of a file stay in one worker, because they share what it starts: an installation, a demo, Chromium. The longest files
begin first, so that none is left for the end while other workers idle."""

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
"""Long files whose tests share nothing: any worker takes the next test."""
TOGETHER = {
    "tests/browser/staff/": "a demo of staff",
    "tests/browser/": "a demo",
    "tests/dev/demo/test_demo.py": "a demo",
    "tests/preflight/test_check_command.py": "a demo",
    "tests/web/test_light_pages.py": "a demo",
    "tests/reports/numbers/test_names.py": "a season of numbers",
    "tests/reports/numbers/test_numbers.py": "a season of numbers",
    "tests/reports/numbers/test_same_everywhere.py": "a season of numbers",
    "tests/staff/test_numbers_page.py": "a season of numbers",
}
"""Files that stay in one worker together, by how their paths begin: a demo takes fifteen seconds of CPU to start, and so does the
season that the numbers tell of. The first that fits counts."""
LONG = (
    "tests/billing_run/test_no_notice_no_charge.py",
    "tests/proofs/test_crash_matrix.py",
    "tests/browser/test_story.py",
    "tests/browser/staff/test_finance_story.py",
    "tests/dev/simulate/test_lives.py",
    "tests/access_cache/test_under_load.py",
    "tests/access_cache/test_same_as_slow.py",
    "tests/proofs/test_any_story.py",
    "tests/proofs/test_many_trials.py",
    "tests/changes/test_end_of_a_year.py",
    "tests/security/test_fuzzed.py",
    "tests/billing_run/test_dunning_calendar.py",
)
"""The slowest files, the slowest first. One that is in TOGETHER brings the others along."""


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist tells no types
    """Schedules whole files in the order of collection. Files that are in TOGETHER count as one."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        file = _file(nodeid)
        for beginning, shared in TOGETHER.items():
            if file.startswith(beginning):
                return shared
        return nodeid if file in SPREAD else file


def put_in_order(items: list[pytest.Item]) -> None:
    """Sort the tests: files of LONG first, the others in their order."""

    def place(item: pytest.Item) -> int:
        file = _file(item.nodeid)
        return LONG.index(file) if file in LONG else len(LONG)

    items.sort(key=place)


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]
