"""The image that the Containerfile describes: built, sealed, and run by the words of compose.yaml."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from billing.dev.postgres import Embedded
from tests.deploy.containerfile import Containerfile
from tests.deploy.overlay_image import OverlayImage, lacking
from tests.deploy.written_commands import ours
from tests.support.installation import SECRET_KEY
from tests.support.polling import until
from tests.support.processes import ending_in_order
from tests.support.sandbox import KEY

pytestmark = [pytest.mark.prove, pytest.mark.timeout(600)]
SECRETS = {
    "secret_key": SECRET_KEY,
    "stripe_secret_key": KEY,
    "stripe_webhook_secrets": "whsec_first_one",
    "smtp_url": "smtps://paper:password@relay.example",
}
VOLUMES = ("/var/lib/masthead/journal", "/var/backups/masthead")
HOST = "accounts.paper.example"
STATE = "import urllib.request as web; print(web.urlopen('http://127.0.0.1:8000/readyz', timeout=9).read().decode())"


@pytest.fixture
def image(tmp_path: Path) -> Iterator[OverlayImage]:
    """The image, not yet built."""
    if reason := lacking():
        pytest.skip(f"no image can be built: {reason}")
    with OverlayImage(tmp_path, Containerfile.read()) as found:
        yield found


@pytest.fixture
def socket(tmp_path: Path) -> Iterator[Path]:
    """The folder of the socket of a PostgreSQL with the database that compose.yaml makes."""
    with Embedded.start(tmp_path / "postgres", durable=False) as server:
        with psycopg.connect(server.url(), autocommit=True) as admin:
            admin.execute("CREATE ROLE masthead LOGIN SUPERUSER")
            admin.execute("CREATE DATABASE masthead OWNER masthead")
            (folder,) = admin.execute("SHOW unix_socket_directories").fetchone() or ("",)
        found = Path(folder.strip('"'))
        found.chmod(0o711)
        for each in found.glob(".s.*"):
            each.chmod(0o777)
        yield found


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    folder = tmp_path / "secrets"
    folder.mkdir()
    for name, value in SECRETS.items():
        (folder / name).write_text(f"{value}\n")
    return folder


def variables(service: str) -> dict[str, str]:
    """The variables of a service of compose.yaml, in a test installation."""
    given = {name: value.partition("${")[0] for name, value in ours()[service]["environment"].items()}
    given["BILLING_PUBLIC_URL"] += HOST
    return {**given, "BILLING_ENVIRONMENT": "test"}


def words_of(image: OverlayImage, service: str) -> list[str]:
    return image.command("billing", *ours()[service]["command"], **variables(service))


def says(image: OverlayImage, *words: str) -> str:
    """What a command of the image prints; empty if it fails."""
    done = subprocess.run(image.command(*words), capture_output=True, text=True, check=False, cwd="/")
    return done.stdout if done.returncode == 0 else ""


@contextmanager
def running(image: OverlayImage, service: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A service that ends with the block, in order."""
    with log.open("wb") as lines:
        process = subprocess.Popen(words_of(image, service), stdout=lines, stderr=lines, cwd="/")
    with ending_in_order(process, log):
        yield process


def test_the_image_is_built_migrates_serves_and_works(
    image: OverlayImage, tmp_path: Path, socket: Path, secrets: Path
) -> None:
    image.build()
    image.seal(VOLUMES, secrets, socket)
    assert says(image, "id", "--user").strip() == Containerfile.read().last("USER")
    assert says(image, "pg_dump", "--version").startswith("pg_dump (PostgreSQL) ")
    for folder in ("/", "/opt/masthead", "/var/lib/masthead", "/etc"):
        assert says(image, "sh", "-c", f"touch {folder}/x && echo written") == "", folder
    for folder in ("/tmp", *VOLUMES):
        assert says(image, "sh", "-c", f"touch {folder}/x && echo written"), folder
    done = subprocess.run(words_of(image, "migrate"), capture_output=True, text=True, check=False, cwd="/")
    assert (done.returncode, done.stdout) == (0, "The database is up to date.\n"), done.stderr
    healthy = image.command(*Containerfile.read().health_check)
    assert subprocess.run(healthy, capture_output=True, cwd="/").returncode == 1, "nothing serves yet"
    with ExitStack() as processes:
        web = processes.enter_context(running(image, "web", tmp_path / "web.log"))
        processes.enter_context(running(image, "worker", tmp_path / "worker.log"))
        until(lambda: web.poll() is not None or not subprocess.call(healthy, cwd="/"), "the health check")
        until(lambda: worker_state(image) == "seen", "the web process to see the worker")


def worker_state(image: OverlayImage) -> str:
    """What `/readyz` says of the worker."""
    said = says(image, "python", "-c", STATE)
    return str(json.loads(said)["worker"]["state"]) if said else ""
