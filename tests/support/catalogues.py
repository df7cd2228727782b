"""The messages of the code, and the catalogues that translate them.

`python -m tests.support.catalogues update` writes new messages into each catalogue, and drops those that are gone.
`python -m tests.support.catalogues missing af [PLACE]` prints as JSON what isn't translated, of files whose path has PLACE.
`python -m tests.support.catalogues fill af FILE` takes translations from such JSON: {"message": "translation", …}. A message that
two contexts translate otherwise is named with its context: "short month|May"."""

import importlib
import json
import pkgutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import polib
from babel.messages import extract

import billing
from billing.platform.errors import Refusal
from billing.web.kit.apostrophes import typographic
from emails.languages.offered import OWN_FOLDER

ROOT = Path(billing.__file__).parent.parent
CODES = ("af", "zu")
KEYWORDS: dict[str, object] = {
    "_": None,
    "say": None,
    "gettext": None,
    "ngettext": (1, 2),
    "named": ((1, "c"), 2),
}
OF_STAFF = (
    "billing/web/templates/staff/",
    "billing/web/templates/_staff",
    "billing/personal_data/templates/",
)
"""Templates that only staff see, and the archive of one's data, whose words are names of tables."""
NOT_FOR_READERS = (
    *("billing.cli", "billing.dev", "billing.staff", "billing.web.staff", "billing.web.api", "billing.edges"),
    *("billing.preflight", "billing.backups", "billing.reports", "billing.reconcile", "billing.webhooks"),
    # what only staff do, in their pages or by a command
    *("billing.brand.", "billing.cases.", "billing.disputes.", "billing.mail.", "billing.ledger.closing"),
    *("billing.payments.vat_rates", "billing.platform.typed", "billing.refunds.grace"),
    *(
        "billing.access.explain",
        "billing.access.grants",
        "billing.access.policies",
        "billing.access.public_windows",
    ),
    *("billing.changes.announce_price", "billing.changes.extend", "billing.changes.give_back"),
    *(
        "billing.newsletters.add",
        "billing.newsletters.compare",
        "billing.newsletters.compose",
        "billing.newsletters.issues",
        "billing.newsletters.retire",
    ),
    *("billing.refunds.enter", "billing.refunds.pay_back", "billing.refunds.refund"),
    # what only programs and workers meet
    *("billing.access.edge_tokens", "billing.acquirer.signals", "billing.billing_run.settle"),
    *("billing.platform.claims", "billing.platform.clock"),
)
"""Rooms, and parts of rooms, whose refusals no page of a reader shows."""
YET_FOR_READERS = (
    "billing.staff.cancellations",
    "billing.staff.confirm_request",
    "billing.staff.requests",
    "billing.staff.threads",
    "billing.staff.withdrawals",
)
"""What readers send to staff, or do as staff do, is refused on readers' pages."""
SKIPPED = ("billing/dev/sandbox", "billing/dev/simulate", "billing/dev/previews", "billing/cli")
JINJA = {"newstyle_gettext": "true", "trimmed": "true", "silent": "false"}


@dataclass
class Found:
    """A message: English, with its plural or context if it has one, and where it stands."""

    message: str
    plural: str = ""
    context: str = ""
    places: list[str] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str]:
        """What a catalogue knows it by."""
        return self.context, self.message


@cache
def messages() -> dict[tuple[str, str], Found]:
    """All messages of the code. Reading it takes seconds, so that is done once."""
    found: dict[tuple[str, str], Found] = {}
    for one in (*_of_files(), *_of_refusals()):
        known = found.setdefault(one.key, one)
        if known is not one:
            known.places += one.places
            known.plural = known.plural or one.plural
    return found


def _of_files() -> Iterator[Found]:
    for pattern, method in (
        ("*.html", "jinja2.ext:babel_extract"),
        ("*.j2", "jinja2.ext:babel_extract"),
        ("*.py", "python"),
    ):
        for top in ("billing", "emails"):
            for path in sorted((ROOT / top).rglob(pattern)):
                place = path.relative_to(ROOT).as_posix()
                if place.startswith((*OF_STAFF, *SKIPPED)) or "__pycache__" in place:
                    continue
                yield from _of_file(path, place, method)


def _of_file(path: Path, place: str, method: str) -> Iterator[Found]:
    options = JINJA if method != "python" else {}
    with path.open("rb") as file:
        for _, message, _, context in extract.extract(method, file, keywords=KEYWORDS, options=options):  # type: ignore[arg-type]
            one, many = message if isinstance(message, tuple) else (message, "")
            if one:
                yield Found(one, many or "", context or "", [place])


def _of_refusals() -> Iterator[Found]:
    for module in pkgutil.walk_packages(billing.__path__, "billing."):
        if not module.name.startswith(("billing.dev", "billing.cli", "billing.migrations")):
            importlib.import_module(module.name)
    for kind in _below(Refusal):
        if kind.__module__.startswith(NOT_FOR_READERS) and kind.__module__ not in YET_FOR_READERS:
            continue
        place = kind.__module__.replace(".", "/") + ".py"
        for words in (kind.title, " ".join((kind.__doc__ or "").split())):
            if words:
                yield Found(typographic(words), places=[place])


def _below(kind: type[Refusal]) -> Iterator[type[Refusal]]:
    yield kind
    for child in sorted(kind.__subclasses__(), key=lambda one: (one.__module__, one.__name__)):
        yield from _below(child)


def catalogue(code: str) -> polib.POFile:
    """The catalogue of a language."""
    return polib.pofile(str(OWN_FOLDER / f"{code}.po"), encoding="utf-8", wrapwidth=120)


def update(code: str) -> None:
    """Bring a catalogue up to the code: its messages, in order, with where they stand."""
    before = catalogue(code)
    known = {(entry.msgctxt or "", entry.msgid): entry for entry in before}
    renewed = polib.POFile(wrapwidth=120)
    renewed.metadata = before.metadata
    for key, found in sorted(messages().items()):
        entry = known.get(key) or polib.POEntry(msgid=found.message, msgctxt=found.context or None)
        if entry.msgid_plural != found.plural:
            one = entry.msgstr_plural.get(0, entry.msgstr)
            forms = {"msgstr_plural": {0: one, 1: ""}} if found.plural else {"msgstr": one}
            entry = polib.POEntry(msgid=found.message, msgid_plural=found.plural, **forms)
        entry.occurrences = [(place, "") for place in sorted(set(found.places))]
        renewed.append(entry)
    renewed.save(str(OWN_FOLDER / f"{code}.po"))


def missing(code: str, place: str = "") -> dict[str, str]:
    """Messages without a translation, of files whose path has `place`."""
    done = {(entry.msgctxt or "", entry.msgid) for entry in catalogue(code).translated_entries()}
    return {
        found.message: found.plural
        for key, found in sorted(messages().items())
        if key not in done and any(place in one for one in found.places)
    }


def fill(code: str, given: dict[str, str | list[str]]) -> list[str]:
    """Put translations into a catalogue; a list is one for each plural form. Returns those that no message waits for."""
    update(code)
    renewed, unknown = catalogue(code), set(given)
    for entry in renewed:
        with_context = f"{entry.msgctxt}|{entry.msgid}"
        key = with_context if with_context in given else entry.msgid
        translation = given.get(key)
        if translation is None:
            continue
        unknown.discard(key)
        if entry.msgid_plural:
            entry.msgstr_plural = dict(enumerate(translation))
        else:
            entry.msgstr = str(translation)
    renewed.save(str(OWN_FOLDER / f"{code}.po"))
    return sorted(unknown)


def main(arguments: list[str]) -> int:
    """Do what the first argument says."""
    match arguments:
        case ["update"]:
            for code in CODES:
                update(code)
        case ["missing", code, *place]:
            sys.stdout.write(json.dumps(missing(code, *place), ensure_ascii=False, indent=1) + "\n")
        case ["fill", code, file]:
            unknown = fill(code, json.loads(Path(file).read_text("utf-8")))
            sys.stdout.write("".join(f"no such message: {message}\n" for message in unknown))
        case _:
            sys.stderr.write(f"{__doc__}\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
