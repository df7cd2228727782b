"""`make sbom` lists every package that production installs, and no other."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests import sbom

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def bom() -> sbom.Bom:
    return sbom.bill_of_materials()


def locked() -> dict[str, set[str]]:
    """The packages of production's locks, `name@version`, each with its hashes."""
    packages = [
        package
        for lock in ("requirements.lock", "requirements-pdf.lock")
        for package in re.split(r"\n(?=\S)", (ROOT / lock).read_text().strip())
    ]
    return {
        re.split(r"[\s;]", package)[0].replace("==", "@"): set(re.findall(r"sha256:(\w+)", package))
        for package in packages
    }


def hashes(component: dict[str, Any]) -> set[str]:
    return {
        found["content"]
        for reference in component["externalReferences"]
        for found in reference.get("hashes", [])
    }


def test_it_names_what_production_installs_with_every_hash_and_nothing_else(bom: sbom.Bom) -> None:
    assert {
        component["purl"].removeprefix("pkg:pypi/"): hashes(component) for component in bom["components"]
    } == locked()


def installed(bom: sbom.Bom) -> list[dict[str, Any]]:
    """The components that this machine installs; a lock for all platforms may hold others."""
    return [component for component in bom["components"] if "==" in component["bom-ref"]]


def test_each_package_has_its_licence(bom: sbom.Bom) -> None:
    assert len(installed(bom)) > 50
    assert [component["name"] for component in installed(bom) if not component.get("licenses")] == []


def test_who_needs_whom_leads_from_the_product_to_every_package_and_to_nothing_else(bom: sbom.Bom) -> None:
    needs = {entry["ref"]: set(entry["dependsOn"]) for entry in bom["dependencies"]}
    reached, ahead = set[str](), {"root-component"}
    while ahead:
        reached |= ahead
        ahead = set[str]().union(*(needs[name] for name in ahead)) - reached
    assert reached - {"root-component"} == {component["bom-ref"] for component in installed(bom)}


def test_it_keeps_to_the_schema_and_what_does_not_is_told_in_a_line(bom: sbom.Bom) -> None:
    few = {**bom, "components": bom["components"][:5], "dependencies": []}
    assert sbom.fault_of(few) is None
    assert sbom.fault_of({**few, "licences": []}) == (
        "Additional properties are not allowed ('licences' was unexpected)"
    )
