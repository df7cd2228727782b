"""What `make` offers is told by `make help`, and the lock says exactly what is installed, and from nowhere in particular."""

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCK = (ROOT / "requirements.lock").read_text()
HASH = r"--hash=sha256:[0-9a-f]{64}"


def make(*words: str) -> str:
    # The tests are run by make, and what it hands down makes an inner make say where it is.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        ["make", *words],
        cwd=ROOT,
        env=kept,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    return done.stdout


def targets() -> set[str]:
    """Those that are commands for people: declared phony together, at the top."""
    declared = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert declared
    return set(declared[1].split())


def test_help_lists_every_public_target_with_what_it_does() -> None:
    told = dict(re.findall(r"^  make (\S+) +(\S.*)$", make("help"), re.MULTILINE))
    assert set(told) == targets()
    assert {"demo", "test", "prove", "bench"} <= set(told), "the public surface names these"
    assert make() == make("help"), "who types only `make` is told as well"


def test_demo_is_the_command_that_the_tests_start() -> None:
    last = make("-n", "demo", "PORT=0", "DATA=elsewhere").splitlines()[-1]
    assert last.endswith("-m billing.cli demo --port '0' --data 'elsewhere'")


def test_every_package_of_the_lock_has_its_version_and_hashes() -> None:
    packages = re.split(r"\n(?=\S)", LOCK.strip())
    assert len(packages) > 40
    for package in packages:
        assert re.fullmatch(rf"[a-z0-9-]+==[^\s;]+( ; [^\n]*?)?( \\\n    {HASH})+", package), package[:200]


def test_the_lock_names_no_host() -> None:
    for words in ("http", "--index-url", "--extra-index-url", "--find-links", " @ ", "://"):
        found = [
            line for line in LOCK.splitlines() if words in line and not re.match(r"http[a-z0-9-]*==", line)
        ]
        assert not found, words
