"""The staff page of the brand, and the sample in its frames."""

from dataclasses import dataclass
from typing import ClassVar, Self

from billing.brand.rules import BrandField


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandFieldRow:
    """A field as it was typed or is stored. `lines`: a textarea, a line each."""

    name: str
    label: str
    hint: str
    value: str
    longest: int
    lines: bool = False
    problem: str | None = None

    @classmethod
    def of(cls, field: BrandField, value: str, problem: str | None = None) -> Self:
        """The row of a field with this value."""
        return cls(
            name=field.name,
            label=field.label,
            hint=field.hint,
            value=value,
            longest=field.longest,
            lines=field.name == "benefits",
            problem=problem,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandLogoRow:
    """A logo that is shown; `path` is empty where there is none."""

    name: str
    label: str
    hint: str
    path: str = ""
    width: int = 0
    adapts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffBrandPage:
    """`settings` are (setting, value), which this page doesn't change. `samples` are (words, address) of the frames."""

    template: ClassVar[str] = "staff/brand.html"
    fields: tuple[BrandFieldRow, ...]
    logos: tuple[BrandLogoRow, ...]
    settings: tuple[tuple[str, str], ...]
    samples: tuple[tuple[str, str], ...]
    version: int
    reason: str = ""
    error: str | None = None
    is_draft: bool = False
    """Whether the sample shows what is typed and not yet saved."""
    logo_reason: str = ""
    logo_error: str | None = None
