"""Staff at work, as in tests/staff."""

from tests.staff.conftest import staff

__all__ = ["staff"]
