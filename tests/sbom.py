"""`make sbom`: write what production is made of, as a software bill of materials in CycloneDX's JSON.

Run as `python -m tests.sbom FILE`. `cyclonedx-py` reads `requirements.lock` for the packages and their hashes, and this
environment for licences and who needs whom; neither knows both. Nothing of `requirements-dev.lock` is in it."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements.lock"

Bom = dict[str, Any]


def generate(*words: str) -> Bom:
    """What `cyclonedx-py` says; the same bytes each time. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "bom.json"
        how = [
            "--pyproject",
            str(ROOT / "pyproject.toml"),
            "--output-reproducible",
            "--no-validate",
            "-o",
            str(found),
        ]
        # It warns that nothing is validated yet, and that a list of requirements doesn't say who needs whom.
        quiet = [sys.executable, "-W", "ignore", "-m", "cyclonedx_py"]
        subprocess.run([*quiet, *words, *how], check=True, stdin=subprocess.DEVNULL, capture_output=True)
        bom: Bom = json.loads(found.read_bytes())
    return bom


def combine(locked: Bom, installed: Bom) -> Bom:
    """The components of `locked`, each with what `installed` knows of it besides; dependencies among them alone."""
    known = {component["purl"]: component for component in installed["components"]}
    components = [join(component, known.get(component["purl"])) for component in locked["components"]]
    names = {component["bom-ref"] for component in components} | {"root-component"}
    dependencies = [narrow(entry, names) for entry in installed["dependencies"] if entry["ref"] in names]
    return {**installed, "components": components, "dependencies": dependencies}


def narrow(entry: Bom, names: set[str]) -> Bom:
    """A component and whom it needs, as far as they are among `names`."""
    return {"ref": entry["ref"], "dependsOn": [name for name in entry.get("dependsOn", []) if name in names]}


def join(locked: Bom, installed: Bom | None) -> Bom:
    """One component: of what this machine doesn't install (another platform's) only name, version and hashes are known."""
    hashes = locked["externalReferences"]
    if installed is None:
        return {name: value for name, value in locked.items() if name != "description"}
    return {**installed, "externalReferences": [*installed.get("externalReferences", []), *hashes]}


def bill_of_materials() -> Bom:
    """The whole of it, for `requirements.lock` as it stands."""
    return combine(generate("requirements", str(LOCK)), generate("environment", sys.executable))


def fault_of(bom: Bom) -> str | None:
    """Where it departs from CycloneDX's own schema, in one line; None where it doesn't."""
    found = JsonStrictValidator(SchemaVersion.from_version(bom["specVersion"])).validate_str(json.dumps(bom))
    return str(found).splitlines()[0] if found else None


def main(arguments: list[str]) -> int:
    """Write it to the file named, and say so. What CycloneDX's schema refuses isn't written: exit status 1."""
    (target,) = map(Path, arguments)
    bom = bill_of_materials()
    if fault := fault_of(bom):
        sys.stderr.write(f"{fault}\n")
        return 1
    target.write_text(json.dumps(bom, indent=2, sort_keys=True) + "\n")
    sys.stdout.write(f"{target}: {len(bom['components'])} packages, CycloneDX {bom['specVersion']}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
