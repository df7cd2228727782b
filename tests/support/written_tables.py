"""Tables in `billing/docs` that are generated from the code. `python -m tests.support.written_tables` writes them."""

from collections.abc import Callable
from pathlib import Path

from pydantic.fields import FieldInfo

from billing.personal_data.personal_table import PersonalTable
from billing.personal_data.register import TABLES as PERSONAL_TABLES
from billing.platform.setting_sources import variable_of
from billing.platform.setting_words import value_words
from billing.platform.settings import Settings
from billing.rules.lifecycle import as_table
from billing.tables import metadata
from tests.support.distribution import distribution_table

DOCS = Path(__file__).parent.parent.parent / "billing" / "docs"
END = "<!-- /written -->"


def settings_table() -> str:
    """A row for each setting, in the order of the class Settings."""
    rows = [
        f"| `{variable_of(name)}` | {_default(field)} | {_bounds(field)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| setting | default | bounds | meaning |", "|---|---|---|---|", *rows]) + "\n"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    words = value_words(field.get_default())
    return words if words == "none" else f"`{words}`"


def _bounds(field: FieldInfo) -> str:
    words = {"ge": "from", "gt": "above", "le": "to"}
    bounds = {
        name: getattr(bound, name, None) for bound in field.metadata for name in words if hasattr(bound, name)
    }
    return " ".join(f"{words[name]} {bounds[name]}" for name in words if name in bounds)


def personal_table() -> str:
    """A row for each table with rows of readers: what an erasure does to it."""
    rows = [
        f"| `{one.table}` | {one.what} | {_erased(one)} | {' '.join(dict.fromkeys(one.keep.values()))} |"
        for one in PERSONAL_TABLES
    ]
    return "\n".join(["| table | holds | erased | what stays |", "|---|---|---|---|", *rows]) + "\n"


def _erased(one: PersonalTable) -> str:
    if one.delete:
        return "the rows"
    return ", ".join(f"`{column}`" for column in one.blank) or "nothing"


TABLES: dict[str, Callable[[], str]] = {
    "lifecycle.md": as_table,
    "personal-data.md": personal_table,
    "scale.md": lambda: distribution_table(metadata),
    "settings.md": settings_table,
}


def rewritten(page: str) -> str:
    """The page with its table generated anew, between the two markers."""
    text = (DOCS / page).read_text()
    before, begin, rest = text.partition("<!-- written from ")
    marker, _, tail = rest.partition("\n")
    _, end, after = tail.partition(END)
    assert begin, page
    assert end, page
    return f"{before}{begin}{marker}\n{TABLES[page]()}{end}{after}"


if __name__ == "__main__":
    for name in TABLES:
        (DOCS / name).write_text(rewritten(name))
