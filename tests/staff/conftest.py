"""A member of support, for the tests that need no other role."""

import pytest

from tests.support.browser import Browser
from tests.support.staff_members import SignIn


@pytest.fixture
def support(staff: SignIn) -> Browser:
    """A browser in which a member of support is signed in."""
    return staff("support")
