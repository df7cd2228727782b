"""The languages that an installation offers, and which one a browser wants."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emails.languages.catalogue import BadCatalogue, read, translations
from emails.languages.language import ENGLISH, Language

OWN_FOLDER = Path(__file__).parent


class UnknownLanguage(ValueError):
    """No catalogue has this code; the message names the folders that were searched."""


@dataclass(frozen=True, slots=True)
class Languages:
    """The languages on offer; the first is for people who ask for none of them."""

    all: tuple[Language, ...]

    @property
    def default(self) -> Language:
        """The publication's own."""
        return self.all[0]

    def by_code(self, code: str | None) -> Language | None:
        """The language on offer with this code."""
        return next((language for language in self.all if language.code == code), None)

    def of(self, code: str | None) -> Language:
        """The same, or the default where it isn't on offer, or no longer."""
        return self.by_code(code) or self.default

    def wanted(self, accept_language: str) -> Language | None:
        """The one that a browser's `Accept-Language` wants most (RFC 9110 section 12.5.4); None if it wants none of them."""
        for tag in _in_order(accept_language):
            found = self.by_code(tag.split("-")[0])
            if found is not None:
                return found
        return None


def _in_order(accept_language: str) -> Sequence[str]:
    weighted = []
    for place, entry in enumerate(accept_language[:500].lower().split(",")):
        tag, _, parameters = entry.partition(";")
        try:
            weight = float(parameters.strip().removeprefix("q=") or 1)
        except ValueError:
            weight = 0
        if weight > 0:
            weighted.append((-weight, place, tag.strip()))
    return [tag for _, _, tag in sorted(weighted)]


def offered(codes: Sequence[str], folder: Path | None = None) -> Languages:
    """Load the languages with these codes, in this order; a catalogue in `folder` takes the place of ours.

    Raises UnknownLanguage, BadCatalogue."""
    folders = [OWN_FOLDER] if folder is None else [folder, OWN_FOLDER]
    return Languages(tuple(_load(code, folders) for code in codes))


def _load(code: str, folders: Sequence[Path]) -> Language:
    if code == ENGLISH.code:
        return ENGLISH
    path = next((path for path in (folder / f"{code}.po" for folder in folders) if path.is_file()), None)
    if path is None:
        searched = " or ".join(str(folder) for folder in folders)
        raise UnknownLanguage(f"there is no {code}.po in {searched}")
    catalogue = read(path)
    try:
        name = catalogue.metadata["X-Language-Name"]
    except KeyError:
        raise BadCatalogue(f"{path.name} needs a header X-Language-Name: the language's own name") from None
    tag = catalogue.metadata.get("Language", code).replace("_", "-")
    return Language(code, name, tag, translations(catalogue, path.name))


def english_alone() -> Languages:
    """English and nothing else."""
    return Languages((ENGLISH,))
