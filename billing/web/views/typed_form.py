"""A page of staff with several forms: the one that was refused comes again with what was typed."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedForm:
    """What was typed into one of a page's forms, and what is wrong with it. `of` is the id of what the form changes, such as a plan;
    empty where it adds one."""

    of: str
    name: str
    values: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOfForms:
    """`typed`: the form that was sent."""

    typed: TypedForm | None = None

    def typed_in(self, of: str, name: str) -> TypedForm:
        """What was typed into this form; empty where another was sent."""
        typed = self.typed
        if typed is not None and (typed.of, typed.name) == (of, name):
            return typed
        return TypedForm(of=of, name=name)
