"""The `billing` commands and the settings that the files for operators name."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.deploy.containerfile import ROOT, Containerfile

DEPLOY = ROOT / "billing" / "deploy"
SYSTEMD, KUBERNETES = DEPLOY / "systemd", DEPLOY / "kubernetes"


class Written(NamedTuple):
    """One command with the file that has it."""

    source: str
    words: tuple[str, ...]
    """What follows `billing`."""


def commands() -> Iterator[Written]:
    """Every `billing` command of the files."""
    yield Written("Containerfile", tuple(yaml.safe_load(Containerfile.read().last("CMD"))))
    for name, service in ours().items():
        yield Written(f"compose.yaml, {name}", tuple(service["command"]))
    for unit in sorted(SYSTEMD.glob("*.service")):
        for line in re.findall(r"^ExecStart=(.*)$", unit.read_text(), re.MULTILINE):
            program, *words = shlex.split(line)
            assert program == "/opt/masthead/bin/billing", "where the Containerfile puts it too"
            yield Written(unit.name, tuple(words))
    for path in sorted(KUBERNETES.glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            for container in containers(document):
                if "args" in container:
                    yield Written(path.name, tuple(container["args"]))


@cache
def compose() -> dict[str, Any]:
    """compose.yaml."""
    return dict(yaml.safe_load((ROOT / "compose.yaml").read_text()))


def ours() -> dict[str, dict[str, Any]]:
    """The services of compose.yaml that run the image."""
    return {name: each for name, each in compose()["services"].items() if each["image"] == "masthead"}


def containers(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The containers of a workload; none of any other object."""
    spec = document.get("spec", {}).get("template", {}).get("spec", {})
    return list(spec.get("containers", []))


def settings() -> dict[str, set[str]]:
    """The settings that each file names, in the form of a variable."""
    files = [ROOT / "Containerfile", ROOT / "compose.yaml"]
    files += [path for path in DEPLOY.rglob("*") if path.is_file()]
    return {
        str(path.relative_to(ROOT)): set(re.findall(r"\bBILLING_[A-Z_]+[A-Z]\b", path.read_text()))
        for path in files
    }


def secrets(text: str) -> set[str]:
    """The files of secrets that a text names in variables ending in `_FILE`."""
    return {
        Path(found).name for found in re.findall(r"BILLING_[A-Z_]+_FILE\W+(?:value: )?([%/][\w/]+)", text)
    }


@cache
def linter(name: str) -> str | None:
    """A linter from npm that CI installs; None where it is missing."""
    path: Path = ROOT / ".linters" / "node_modules" / ".bin" / name
    return str(path) if path.exists() else None
