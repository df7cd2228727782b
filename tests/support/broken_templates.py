"""A mail's template that is broken, as a bad release would have it."""

from collections.abc import Iterator
from contextlib import contextmanager

from jinja2 import ChoiceLoader, DictLoader, Environment

from emails import compose


@contextmanager
def broken_template(kind: str, source: str) -> Iterator[None]:
    """The template of this kind of mail is this instead."""
    environments: list[Environment] = [
        compose.template("sign_in_link", tongue).environment for tongue in ("plain", "html")
    ]
    before = [each.loader for each in environments]
    for each in environments:
        assert each.loader is not None
        each.loader = ChoiceLoader([DictLoader({f"{kind}.j2": source}), each.loader])
        _forget(each)
    try:
        yield
    finally:
        for each, loader in zip(environments, before, strict=True):
            each.loader = loader
            _forget(each)


def _forget(environment: Environment) -> None:
    compose.template.cache_clear()
    if environment.cache is not None:
        environment.cache.clear()
