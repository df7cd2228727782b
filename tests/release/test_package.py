"""The wheel and the source archive hold what the product needs, and say what they are."""

import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

from tests.release.__main__ import page_faults
from tests.release.package import CALENDAR_VERSION, ROOT, Package, build_wheel, listed, page, sources, version


def test_the_wheel_holds_every_file_of_the_product_and_its_migrations(package: Package) -> None:
    """Templates, texts, styles, edges for other sites: a kind of file that package-data forgets would be missing there."""
    expected = {
        name.replace("alembic/", "billing/migrations/")
        for name in sources(ROOT, "billing", "emails", "alembic")
    }
    held = {name for name in zipfile.ZipFile(package.wheel).namelist() if ".dist-info/" not in name}
    assert held == expected


def test_the_source_archive_holds_what_builds_the_same_wheel(package: Package, tmp_path: Path) -> None:
    with tarfile.open(package.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = sources(ROOT, "billing", "emails", "alembic") | {
        "LICENSE",
        "CHANGELOG.md",
        "SECURITY.md",
        "requirements.lock",
    }
    assert wanted <= names
    assert not {name for name in names if name.startswith("tests/")}


def test_the_same_commit_gives_the_same_bytes(package: Package, tmp_path: Path) -> None:
    """The second time without the source archive, of which the first wheel was made."""
    assert build_wheel(tmp_path).read_bytes() == package.wheel.read_bytes()


def test_it_says_its_version_its_licence_and_its_extras(package: Package) -> None:
    archive = zipfile.ZipFile(package.wheel)
    folder = f"masthead-{version()}.dist-info"
    metadata = message_from_bytes(archive.read(f"{folder}/METADATA"))
    assert metadata["Version"] == version()
    assert CALENDAR_VERSION.fullmatch(version())
    assert metadata["License-Expression"] == "Apache-2.0"
    assert {"pdf", "otel", "demo"} <= set(metadata.get_all("Provides-Extra", []))
    assert archive.read(f"{folder}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()


def test_this_version_and_each_before_it_has_its_page() -> None:
    assert page_faults(ROOT, version()) == []
    assert [each for each in listed() if not page(each)] == []
