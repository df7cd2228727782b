"""Builds and runs the Containerfile without a container engine: in an overlay of this machine's own files, which keeps all writes apart.

The overlay takes the place of the base image. Namespaces of the kernel do the rest, so root must run the tests."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from fnmatch import fnmatch
from pathlib import Path

from tests.deploy.containerfile import ROOT, Containerfile
from tests.release.package import copy_sources, sources

BASE_PYTHON = "/image-python"
SYSTEM = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
OVERLAY = """
mount -t tmpfs tmpfs "$1" && cd "$1" && mkdir upper work root volumes
mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root
mount -t proc proc root/proc && mount --rbind /dev root/dev
echo ready && cat
"""
LOOPBACK = "ip link set lo up && echo ready && cat"
SEAL = """
cd "$1" && mkdir -p root/run/secrets root/run/postgresql
mount -o remount,bind,ro root
mount -t tmpfs tmpfs root/tmp && mount -t tmpfs tmpfs root/run/secrets && cp "$3"/* root/run/secrets
mount --bind "$2" root/run/postgresql
"""
VOLUME = 'cd "$1" && cp -a "root$2" volumes && mount --bind "volumes/$(basename "$2")" "root$2"'
UNPRIVILEGED = ("--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all")


def system_python() -> str | None:
    """A Python that every user may run, of the base image's version if there is one; None where there is none with pip."""
    version = Containerfile.read().last("FROM").removeprefix("python:").partition("-")[0]
    for name in (f"python{version}", "python3"):
        found = shutil.which(name, path=SYSTEM)
        if (
            found
            and subprocess.run(
                [found, "-c", "import ensurepip"], check=False, stderr=subprocess.DEVNULL
            ).returncode
            == 0
        ):
            return found
    return None


def lacking() -> str | None:
    """Why this machine can't build it; None where it can."""
    if os.geteuid() != 0:
        return "only root makes namespaces here"
    for program in ("unshare", "nsenter", "setpriv", "ip", "apt-get"):
        if shutil.which(program, path=SYSTEM) is None:
            return f"{program} is not installed"
    if system_python() is None:
        return "every Python here belongs to one user, or lacks pip"
    probe = subprocess.run(["unshare", "--mount", "--net", "true"], capture_output=True, check=False)
    return None if probe.returncode == 0 else "the kernel makes no namespaces here"


class OverlayImage(ExitStack):
    """The image of a Containerfile. `seal` it before a command of it is run as a container runs it."""

    def __init__(self, folder: Path, read: Containerfile) -> None:
        super().__init__()
        self._folder, self._read = folder / "overlay", read
        self._folder.mkdir()
        self._context = folder / "context"
        self._mounts = self._hold("unshare", "--mount", "--propagation", "private", script=OVERLAY)
        self._network = self._hold("unshare", "--net", script=LOOPBACK)

    def build(self) -> None:
        """Follow the instructions of all stages, in one overlay."""
        take_context(self._context)
        self._build(f"{system_python()} -m venv {BASE_PYTHON}", "/")
        folder = "/"
        for name, words in self._read.instructions:
            match name:
                case "WORKDIR":
                    folder = words
                    self._build(f"mkdir -p {folder}", "/")
                case "COPY" if not words.startswith("--from="):  # what another stage made is there already
                    *copied, target = words.split()
                    self._build(f"cp -r {' '.join(copied)} {folder}/{target}", str(self._context))
                case "RUN":
                    self._build(words, folder)

    def seal(self, volumes: tuple[str, ...], secrets: Path, socket: Path) -> None:
        """Make the root read-only. Only /tmp and the volumes, which begin as in the image, can be written to."""
        self._outside(SEAL, str(socket), str(secrets))
        for volume in volumes:
            self._outside(VOLUME, volume)

    def command(self, *words: str, **variables: str) -> list[str]:
        """A command of the image as an unprivileged user, in a network of its own."""
        user = self._read.last("USER")
        environment = self._read.environment | variables
        environment["PATH"] = self._read.environment["PATH"].replace("$PATH", SYSTEM)
        given = [f"{name}={value}" for name, value in environment.items()]
        ids = ["--reuid", user, "--regid", user, *UNPRIVILEGED]
        inside = [f"--net=/proc/{self._network.pid}/ns/net", "chroot", str(self._folder / "root")]
        at_home = ["env", "--ignore-environment", f"--chdir={self._read.last('WORKDIR')}", *given]
        return [*self._enter(), *inside, "setpriv", *ids, *at_home, *words]

    def _build(self, script: str, folder: str) -> None:
        words = ["chroot", str(self._folder / "root"), "sh", "-euc", f"cd {shlex.quote(folder)}\n{script}"]
        run([*self._enter(), *words], os.environ | {"PATH": f"{BASE_PYTHON}/bin:{SYSTEM}"})

    def _outside(self, script: str, *arguments: str) -> None:
        run([*self._enter(), "sh", "-euc", script, "sh", str(self._folder), *arguments], os.environ)

    def _enter(self) -> list[str]:
        return ["nsenter", f"--mount=/proc/{self._mounts.pid}/ns/mnt"]

    def _hold(self, *unshare: str, script: str) -> subprocess.Popen[bytes]:
        """A process that keeps new namespaces, until its input ends with this image."""
        words = [*unshare, "sh", "-euc", script, "sh", str(self._folder)]
        process = self.enter_context(
            subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/")
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        return process


def run(words: list[str], environment: Mapping[str, str]) -> None:
    """Run a command, which must succeed."""
    done = subprocess.run(
        words,
        env=dict(environment),
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{words[-1]}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"


def take_context(folder: Path) -> None:
    """Copy what an engine would send to the build: the files that git knows and .containerignore lets in."""
    lines = (ROOT / ".containerignore").read_text().splitlines()
    let_in = [line[1:] for line in lines if line.startswith("!")]
    sent = {
        name for name in sources(ROOT) if any(fnmatch(Path(name).parts[0], pattern) for pattern in let_in)
    }
    copy_sources(sent, folder)
