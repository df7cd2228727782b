"""`make release`: builds the version in pyproject.toml into `dist/`, checks it, and tags the commit. It publishes nothing."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

from tests import sbom
from tests.release.package import (
    CALENDAR_VERSION,
    HEADINGS,
    PAGES,
    ROOT,
    build,
    git,
    listed,
    migrations,
    page,
    version,
)


def faults(root: Path, today: date) -> list[str]:
    """What forbids a release of the sources at `root`, in words."""
    ours, found = version(root), []
    form = CALENDAR_VERSION.fullmatch(ours)
    if form is None:
        found.append(f"The version {ours} isn't year.month.number.")
    elif (int(form[1]), int(form[2])) != (today.year, today.month):
        found.append(f"The version {ours} is of another month; this is {today:%Y}.{today.month}.")
    found += page_faults(root, ours)
    if git(root, "status", "--porcelain"):
        found.append("There are changes that aren't committed.")
    if git(root, "tag", "--list", tag(ours)):
        found.append(f"The tag {tag(ours)} exists. A release is never made twice.")
    return found


def page_faults(root: Path, ours: str) -> list[str]:
    """What the page of the version lacks, in words."""
    versions, said = listed(root), page(ours, root)
    found = []
    if versions[:1] != [ours]:
        found.append(f"CHANGELOG.md doesn't begin with {ours}, a link to its page, and a sentence.")
    if list(said) != list(HEADINGS) or not all(said.values()):
        found.append(f"{PAGES}/{ours}.md must say, in this order: {', '.join(HEADINGS)}.")
    written = " ".join(page(each, root).get("Migrations", "") for each in {ours, *versions})
    found += [
        f"No page tells of migration {each} and its locks."
        for each in sorted(migrations(root))
        if each not in written
    ]
    return found


def tag(ours: str) -> str:
    """The tag of a version."""
    return f"v{ours}"


def check(wheel: Path, ours: str) -> None:
    """Install the wheel beside the packages of this environment, and ask for its version. Raises CalledProcessError, ValueError.

    Nothing is compiled ahead: that takes most of an installation, and one command needs few of the modules."""
    with tempfile.TemporaryDirectory() as folder:
        install = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--no-compile",
            "--target",
            folder,
        ]
        subprocess.run([*install, str(wheel)], check=True, capture_output=True)
        asked = [sys.executable, "-c", "from billing.cli import main; main()", "--version"]
        said = subprocess.run(
            asked, cwd=folder, env={"PYTHONPATH": folder}, check=True, capture_output=True, text=True
        ).stdout
    if not said.endswith(f" {ours}\n"):
        raise ValueError(f"The wheel says {said!r}, and not {ours}.")


def make(root: Path, into: Path) -> list[Path]:
    """Build all files of a release into the new folder `into`, the sums last. Raises CalledProcessError, ValueError."""
    ours = version(root)
    into.mkdir(parents=True)
    package = build(into, root)
    check(package.wheel, ours)
    bill = into / f"masthead-{ours}.cdx.json"
    if sbom.main([str(bill)]):
        raise ValueError("The bill of materials breaks its schema.")
    shutil.copy(root / PAGES / f"{ours}.md", into / "notes.md")
    for lock in ("requirements.lock", "requirements-pdf.lock"):
        shutil.copy(root / lock, into)
    made = sorted(into.iterdir())
    sums = into / "SHA256SUMS"
    sums.write_text(
        "".join(f"{hashlib.sha256(each.read_bytes()).hexdigest()}  {each.name}\n" for each in made)
    )
    return [*made, sums]


def main() -> int:
    """Make the release, or say what forbids it: exit status 1."""
    if found := faults(ROOT, datetime.now(UTC).date()):
        sys.stderr.write("\n".join(found) + "\n")
        return 1
    ours = version()
    into = ROOT / "dist" / ours
    shutil.rmtree(into, ignore_errors=True)
    made = make(ROOT, into)
    git(ROOT, "tag", "--annotate", tag(ours), "--message", f"Masthead {ours}\n\n{page(ours)['What is new']}")
    sys.stdout.write("".join(f"{each.relative_to(ROOT)}\n" for each in made))
    sys.stdout.write(
        f"The commit is tagged {tag(ours)}. Nothing is published: push the tag, and upload the files.\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
