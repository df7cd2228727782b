"""Replace a mail's template by a broken one, as a bad release would."""

from collections.abc import Iterator
from contextlib import contextmanager

from jinja2 import ChoiceLoader, DictLoader, Environment

from emails import compose


@contextmanager
def broken_template(kind: str, source: str) -> Iterator[None]:
    """Replace the template of this kind of mail by `source`."""
    environments: list[Environment] = [
        compose.template("sign_in_link", format_).environment for format_ in ("plain", "html")
    ]
    before = [environment.loader for environment in environments]
    for environment in environments:
        assert environment.loader is not None
        environment.loader = ChoiceLoader([DictLoader({f"{kind}.j2": source}), environment.loader])
        _clear_caches(environment)
    try:
        yield
    finally:
        for environment, loader in zip(environments, before, strict=True):
            environment.loader = loader
            _clear_caches(environment)


def _clear_caches(environment: Environment) -> None:
    compose.template.cache_clear()
    if environment.cache is not None:
        environment.cache.clear()
