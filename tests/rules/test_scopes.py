"""The scopes of an API key."""

import pytest

from billing.rules.scopes import CANCEL, MONEY, PARTS, READERS, SCOPES, grants


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_grants_itself(scope: str) -> None:
    assert grants([scope], scope)
    assert not grants([], scope)


def test_a_whole_grants_its_parts_and_all_parts_are_the_whole() -> None:
    for whole, parts in PARTS.items():
        assert all(grants([whole], part) for part in parts)
        assert grants(parts, whole)
        for part in parts:
            assert not grants([part], whole)
            assert not any(grants([part], other) for other in parts if other != part)


def test_money_is_in_no_whole() -> None:
    assert not grants([scope for scope in SCOPES if scope != MONEY], MONEY)
    assert not grants([MONEY], READERS)
    assert not grants([MONEY], CANCEL)
