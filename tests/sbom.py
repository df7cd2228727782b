"""`make sbom`: write a software bill of materials of production in CycloneDX JSON.

Run as `python -m tests.sbom FILE`. `cyclonedx-py` reads packages and hashes from the locks of production, the printer of PDFs among
them, and licences and dependencies from this environment; neither has both. What only the demo and tests install isn't included."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).parent.parent
LOCKS = (ROOT / "requirements.lock", ROOT / "requirements-pdf.lock")

Bom = dict[str, Any]


def generate(*words: str) -> Bom:
    """Run `cyclonedx-py`; its output is reproducible. Raises CalledProcessError."""
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
        # It would warn that nothing is validated, and that a list of requirements has no dependency graph.
        quiet = [sys.executable, "-W", "ignore", "-m", "cyclonedx_py"]
        subprocess.run([*quiet, *words, *how], check=True, stdin=subprocess.DEVNULL, capture_output=True)
        bom: Bom = json.loads(found.read_bytes())
    return bom


def combine(locked: Bom, installed: Bom) -> Bom:
    """Merge: the components of `locked` with the details of `installed`, and the dependencies among them."""
    known = {component["purl"]: component for component in installed["components"]}
    components = [join(component, known.get(component["purl"])) for component in locked["components"]]
    names = {component["bom-ref"] for component in components} | {"root-component"}
    dependencies = [narrow(entry, names) for entry in installed["dependencies"] if entry["ref"] in names]
    return {**installed, "components": components, "dependencies": dependencies}


def narrow(entry: Bom, names: set[str]) -> Bom:
    """A component's dependencies, limited to `names`."""
    return {"ref": entry["ref"], "dependsOn": [name for name in entry.get("dependsOn", []) if name in names]}


def join(locked: Bom, installed: Bom | None) -> Bom:
    """Merge one component. A package for another platform isn't installed here: only its name, version and hashes are known."""
    hashes = locked["externalReferences"]
    if installed is None:
        return {name: value for name, value in locked.items() if name != "description"}
    return {**installed, "externalReferences": [*installed.get("externalReferences", []), *hashes]}


def bill_of_materials() -> Bom:
    """The bill of materials of the present locks."""
    with tempfile.NamedTemporaryFile("w", suffix=".lock") as together:
        together.write("".join(lock.read_text() for lock in LOCKS))
        together.flush()
        return combine(generate("requirements", together.name), generate("environment", sys.executable))


def fault_of(bom: Bom) -> str | None:
    """The first violation of CycloneDX's schema in one line, or None."""
    found = JsonStrictValidator(SchemaVersion.from_version(bom["specVersion"])).validate_str(json.dumps(bom))
    return str(found).splitlines()[0] if found else None


def main(arguments: list[str]) -> int:
    """Write the bill to the given file. An invalid one isn't written: exit status 1."""
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
