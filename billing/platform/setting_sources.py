"""Where settings come from: environment variables, and the files that variables ending in `_FILE` name."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path

PREFIX = "BILLING_"
FILE = "_FILE"


def variable_of(setting: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + setting.upper()


def given_settings(environ: Mapping[str, str], settings: Collection[str]) -> tuple[dict[str, str], list[str]]:
    """The values that the environment gives, by setting, and what is wrong with how they are given, in words.

    No value is repeated, because it may be a secret."""
    values, faults = {}, _misspelt(environ, settings)
    for setting in settings:
        name = variable_of(setting)
        value, path = environ.get(name), environ.get(name + FILE)
        if value is not None and path is not None:
            faults.append(f"{name} and {name}{FILE} are both given: remove one")
        elif path is not None:
            value, fault = _read(path)
            faults += [f"{name}{FILE} {fault}"] if fault else []
        if value is not None:
            values[setting] = value
    return values, faults


def _read(path: str) -> tuple[str, str | None]:
    """The file's text without its trailing line break, or what is wrong with it."""
    if not path.startswith("/"):  # the words of the secret itself may have been put here
        return "", "isn't the absolute path of a file"
    try:
        text = Path(path).read_text("utf-8")
    except OSError as error:
        return "", f"names {path}, which can't be read ({error.strerror})"
    except ValueError:
        return "", f"names {path}, which isn't text in UTF-8"
    return text.removesuffix("\n").removesuffix("\r"), None


def _misspelt(environ: Mapping[str, str], settings: Collection[str]) -> list[str]:
    names = [variable_of(setting) for setting in settings]
    known = {*names, *(name + FILE for name in names)}
    return [
        f"{name} is no setting{_meant(name, names)}"
        for name in sorted(environ)
        if name.startswith(PREFIX) and name not in known
    ]


def _meant(name: str, names: list[str]) -> str:
    """Which setting was probably meant, and whether a file of it."""
    is_file = name.endswith(FILE)
    found = get_close_matches(name.removesuffix(FILE), names, n=1, cutoff=0.75)
    return f": did you mean {found[0]}{FILE if is_file else ''}?" if found else ""
