"""A machine without the repository: another Python, a folder, an ordinary user, and a folder of packages to install from."""

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.release.package import ROOT

USER = "nobody"
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
        tried = [found, "-c", "import sys, venv; assert sys.prefix == sys.base_prefix"]
        try:
            done = subprocess.run(tried, check=False, capture_output=True, cwd="/", **as_user())
        except PermissionError:
            continue
        if done.returncode == 0:
            return found
    return None


class BareMachine:
    """Installs from `wheels` alone, with this Python, and runs what it installed. All of it is in `folder`."""

    def __init__(self, folder: Path, python: str) -> None:
        self.folder, self._python = folder, python
        self.wheels = folder / "wheels"
        self.wheels.mkdir()
        self._own(folder, self.wheels)

    def fetch(self, wheel: Path) -> None:
        """Put the product there, with the packages of the locks for this Python, checked by their hashes; and pip."""
        shutil.copy(wheel, self.wheels)
        download = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--dest",
            str(self.wheels),
        ]
        kind = ["--python-version", self._version, "--only-binary=:all:"]
        locks = [word for lock in LOCKS for word in ("-r", str(ROOT / lock))]
        subprocess.run([*download, *kind, "--require-hashes", *locks], check=True)
        subprocess.run([*download, "pip"], check=True)
        self._own(*self.wheels.iterdir())

    def install(self, name: str, package: str, *options: str) -> Path:
        """Install a package into a new environment of this name, with options of pip. Returns the `billing` command there."""
        environment = self.folder / name
        self.run(self._python, "-m", "venv", "--without-pip", str(environment))
        (pip,) = self.wheels.glob("pip-*.whl")
        install = ["install", "--quiet", "--no-index", "--find-links", str(self.wheels)]
        self.run(str(environment / "bin" / "python"), str(pip / "pip"), *install, *options, package)
        return environment / "bin" / "billing"

    def run(self, *words: str, **variables: str) -> str:
        """Run a command to its end, as the ordinary user. Returns its output; fails on another exit status than 0."""
        done = subprocess.run(words, check=False, capture_output=True, text=True, **self._where(variables))
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return str(done.stdout)

    def start(self, log: str, *words: str, **variables: str) -> subprocess.Popen[bytes]:
        """Start a command as the ordinary user. Its output goes to a file of this name."""
        with (self.folder / log).open("wb") as lines:
            return subprocess.Popen(words, stdout=lines, stderr=lines, **self._where(variables))

    @cached_property
    def _version(self) -> str:
        return self.run(self._python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])").strip()

    def _where(self, variables: Mapping[str, str]) -> dict[str, Any]:
        """Its own folder, its own variables and nothing of ours."""
        env = {"HOME": str(self.folder), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **variables}
        return {"cwd": self.folder, "env": env, "stdin": subprocess.DEVNULL, **as_user()}

    def _own(self, *paths: Path) -> None:
        if os.geteuid() == 0:
            for path in paths:
                shutil.chown(path, USER, pwd.getpwnam(USER).pw_gid)


def megabytes(folder: Path) -> float:
    """The size of all files in a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
