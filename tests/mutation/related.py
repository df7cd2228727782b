"""Find the test files that most likely notice a change to a module."""

import re
from pathlib import Path

NEVER_RUN = ("tests/test_architecture.py", "tests/mutation", "tests/test_mutation.py")
"""Tests of source text rather than behaviour, and the tests of this package."""
WITHOUT_BROWSER = ("-m", "not prove and not browser")


def related_tests(root: Path, path: str) -> list[str]:
    """Test files that mention the module, have its name, or lie in the folder of that name; paths from the root."""
    module = path.removesuffix(".py").replace("/", ".")
    package, _, name = module.rpartition(".")
    folder = package.rpartition(".")[2]
    imported = re.compile(
        rf"\b{re.escape(module)}\b|from {re.escape(package)} import (\([^)]*|[^\n(]*)\b{re.escape(name)}\b"
    )
    rooms = {root / "tests" / folder, root / "tests" / package.partition(".")[0]}
    return [
        file.relative_to(root).as_posix()
        for file in _test_files(root)
        if file.parent in rooms or _carries(file.stem, name) or imported.search(file.read_text())
    ]


def _test_files(root: Path) -> list[Path]:
    files = sorted((root / "tests").rglob("test_*.py"))
    return [file for file in files if not file.relative_to(root).as_posix().startswith(NEVER_RUN)]


def _carries(stem: str, name: str) -> bool:
    """`test_trial_notices` carries `trial` and `notices`."""
    return re.search(rf"_{re.escape(name)}s?(_|$)", stem) is not None
