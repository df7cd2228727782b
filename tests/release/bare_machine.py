"""A machine without the repository: a Python, an ordinary user, and a folder with a release and the packages that it needs."""

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.release.package import ROOT

USER = "nobody"
FROM_VENV = frozenset({"pip", "setuptools", "pkg_resources"})
"""What `python3 -m venv` installs; since Python 3.12 pip alone."""
LOCKS = ("requirements.lock", "requirements-pdf.lock", "requirements-demo.lock")


def as_user() -> dict[str, Any]:
    """Arguments of subprocess that run a command as an ordinary user, where the tests run as root."""
    return {"user": USER, "group": pwd.getpwnam(USER).pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}


def python_of(minor: int) -> str | None:
    """A Python 3.`minor` that an ordinary user may run, and which makes environments; None where there is none."""
    name = f"python3.{minor}"
    for found in (f"/usr/bin/{name}", shutil.which(name)):
        if found is None or not Path(found).exists():
            continue
        probe = [found, "-c", "import ensurepip, sys, venv; assert sys.prefix == sys.base_prefix"]
        try:
            done = subprocess.run(probe, check=False, capture_output=True, cwd="/", **as_user())
        except PermissionError:
            continue
        if done.returncode == 0:
            return found
    return None


class BareMachine:
    """Runs commands in `folder`, where `python3` is this Python and pip finds packages without a registry."""

    def __init__(self, folder: Path, minor: int, python: str) -> None:
        self.folder, self._minor = folder, minor
        self._programs = folder / "programs"
        self._programs.mkdir()
        (self._programs / "python3").symlink_to(python)
        self._own(folder)

    def fetch(self, release: Sequence[Path]) -> None:
        """Put a release there, with the packages of the locks for this Python, checked by their hashes."""
        for file in release:
            shutil.copy(file, self.folder)
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
        kind = ["--dest", str(self.folder), "--python-version", f"3.{self._minor}", "--only-binary=:all:"]
        locks = [word for lock in LOCKS for word in ("-r", str(ROOT / lock))]
        subprocess.run([*download, *kind, *locks], check=True)
        self._own(*self.folder.glob("*.*"))

    def run(self, *words: str, **variables: str) -> str:
        """Run a command to its end. Returns its output; fails on another exit status than 0."""
        done = subprocess.run(words, check=False, capture_output=True, text=True, **self._where(variables))
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return str(done.stdout)

    def type(self, lines: str) -> str:
        """Type lines into a shell, up to the first that fails. Returns what they print."""
        return self.run("sh", "-e", "-c", lines)

    def start(self, log: str, *words: str, **variables: str) -> subprocess.Popen[bytes]:
        """Start a command. Its output goes to a file of this name."""
        with (self.folder / log).open("wb") as lines:
            return subprocess.Popen(words, stdout=lines, stderr=lines, **self._where(variables))

    def _where(self, variables: Mapping[str, str]) -> dict[str, Any]:
        """As the ordinary user, with its own variables and nothing of ours."""
        env = {
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "PATH": f"{self._programs}:/usr/bin:/bin",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_FIND_LINKS": str(self.folder),
            "PIP_NO_INDEX": "1",
            **variables,
        }
        return {"cwd": self.folder, "env": env, "stdin": subprocess.DEVNULL, **as_user()}

    def _own(self, *paths: Path) -> None:
        if os.geteuid() == 0:
            for path in paths:
                shutil.chown(path, USER, pwd.getpwnam(USER).pw_gid)


def megabytes(environment: Path) -> float:
    """The size of all files in an environment, but for what `venv` puts there."""
    files = (path for path in environment.rglob("*") if path.is_file() and FROM_VENV.isdisjoint(path.parts))
    return sum(path.lstat().st_size for path in files) / 1e6
