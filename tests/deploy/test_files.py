"""The files for operators, by their own linters and schemas; what they name exists; what they promise is in them."""

import os
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import click
import kubernetes_validate
import pytest
import yaml

from billing.cli import billing
from billing.platform.setting_sources import FILE, variable_of
from billing.platform.settings import Settings
from tests.deploy.containerfile import ROOT, Containerfile
from tests.deploy.written_commands import (
    DEPLOY,
    KUBERNETES,
    SYSTEMD,
    Written,
    commands,
    compose,
    containers,
    linter,
    ours,
    secrets,
    settings,
)
from tests.support.documented import documented

KUBERNETES_VERSIONS = ("1.34", "1.37")
KUSTOMIZE, ANALYZE, DCLINT = shutil.which("kustomize"), shutil.which("systemd-analyze"), linter("dclint")
MOST_EXPOSED = 2.0
"""Of 10, as `systemd-analyze security` counts; a unit without any bound has 9.6."""
UNITS = sorted(unit.name for unit in (*SYSTEMD.glob("*.service"), *SYSTEMD.glob("*.timer")))


def run(*words: str | Path, **variables: str) -> str:
    """Run a linter; return all that it says. Its exit status must be 0."""
    done = subprocess.run(words, env=os.environ | variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_hadolint_finds_nothing_in_the_containerfile() -> None:
    assert run(Path(sys.executable).parent / "hadolint", ROOT / "Containerfile") == ""


@pytest.mark.skipif(DCLINT is None, reason="dclint is not installed (npm; see .ci/run)")
def test_compose_fits_its_schema() -> None:
    assert DCLINT is not None
    run(DCLINT, ROOT / "compose.yaml", "--quiet", "--disable-rule", "no-unbound-port-interfaces")


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, with a program that is there."""
    folder = tmp_path / "units"
    shutil.copytree(SYSTEMD, folder)
    for unit in folder.glob("*.service"):
        unit.write_text(unit.read_text().replace("/opt/masthead/bin", str(Path(sys.executable).parent)))
    return folder


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("name", UNITS)
def test_systemd_takes_each_unit_and_finds_it_hardened(name: str, units: Path) -> None:
    assert ANALYZE is not None
    path = {"SYSTEMD_UNIT_PATH": f"{units}:"}
    assert run(ANALYZE, "verify", "--man=no", units / name, **path) == ""
    if name.endswith(".service"):
        instance = units / name.replace("@.", "@8000.")
        said = run(ANALYZE, "security", "--offline=yes", "--no-pager", instance, **path)
        exposed = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
        assert exposed
        assert float(exposed[1]) < MOST_EXPOSED, said


def test_each_timer_has_its_service() -> None:
    for timer in SYSTEMD.glob("*.timer"):
        assert timer.with_suffix(".service").exists()


@pytest.mark.skipif(KUSTOMIZE is None, reason="kustomize is not installed")
@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
def test_what_kustomize_builds_fits_the_schemas_of_kubernetes(version: str) -> None:
    assert KUSTOMIZE is not None
    built = list(yaml.safe_load_all(run(KUSTOMIZE, "build", KUBERNETES)))
    for document in built:
        kubernetes_validate.validate(document, version, strict=True)
    kinds = [document["kind"] for document in built]
    assert {"Deployment", "StatefulSet", "Job", "Service", "NetworkPolicy", "PodDisruptionBudget"} <= set(
        kinds
    )
    pods = [container for document in built for container in containers(document)]
    assert [pod["args"] for pod in pods] == [["serve"], ["worker"], ["migrate"]]
    for pod in pods:
        bounds = pod["securityContext"]
        assert (bounds["readOnlyRootFilesystem"], bounds["allowPrivilegeEscalation"]) == (True, False)
        assert {each["configMapRef"]["name"] for each in pod["envFrom"]} == {"masthead-settings"}
        assert {each["name"] for each in pod["env"]} >= {
            "BILLING_DATABASE_URL_FILE",
            "BILLING_SECRET_KEY_FILE",
        }


@pytest.mark.skipif(KUSTOMIZE is None, reason="kustomize is not installed")
def test_the_overlay_of_the_docs_builds(tmp_path: Path) -> None:
    assert KUSTOMIZE is not None
    (written,) = documented("operate.md", "On Kubernetes")
    shutil.copytree(KUBERNETES, tmp_path / "base")
    shutil.copy(DEPLOY / "masthead.env", tmp_path)
    (tmp_path / "kustomization.yaml").write_text(written)
    for name in yaml.safe_load(written)["secretGenerator"][0]["files"]:
        (tmp_path / name).write_text("secret\n")
    built = list(yaml.safe_load_all(run(KUSTOMIZE, "build", tmp_path)))
    assert {document["metadata"]["namespace"] for document in built} == {"masthead"}
    made = {document["metadata"]["name"] for document in built if document["kind"] in ("ConfigMap", "Secret")}
    pods = [document["spec"]["template"]["spec"] for document in built if containers(document)]
    for pod in pods:
        (container,) = pod["containers"]
        assert container["image"] == "your-registry/masthead:2026.12.0"
        settings_of, secrets_of = container["envFrom"][0]["configMapRef"]["name"], pod["volumes"]
        assert {
            settings_of,
            *(each["secret"]["secretName"] for each in secrets_of if "secret" in each),
        } == made


def parse(words: tuple[str, ...]) -> None:
    """Parse a command's words as `billing` does, without running it. Raises KeyError, UsageError."""
    found: click.Command = billing
    rest = list(words)
    while isinstance(found, click.Group):
        found = found.commands[rest.pop(0)]
    # A command remembers the first context's flags for help: without `billing` above it, it would never know -h again.
    found.make_context("billing", rest, parent=click.Context(billing, **billing.context_settings))


@pytest.mark.parametrize("written", list(commands()), ids=lambda written: written.source)
def test_each_command_is_one_of_billing(written: Written) -> None:
    parse(written.words)


def test_a_command_that_is_none_is_found() -> None:
    for words in (("serves",), ("serve", "now"), ("backup",), ("backup", "/x", "--keep", "0")):
        with pytest.raises((KeyError, click.UsageError)):
            parse(words)


def test_each_way_has_all_processes() -> None:
    found: dict[str, set[str]] = {}
    for source, words in commands():
        found.setdefault(source.partition(",")[0].rpartition(".")[2], set()).add(words[0])
    assert found["yaml"] >= {"serve", "worker", "migrate", "backup"}
    assert found["service"] == {"serve", "worker", "migrate", "backup"}


def test_each_setting_named_exists() -> None:
    known = {variable_of(name) for name in Settings.model_fields}
    known |= {name + FILE for name in known}
    found = settings()
    assert len(found) > 10
    assert {path: names - known for path, names in found.items() if names - known} == {}


def test_secrets_are_files_everywhere_and_in_no_file_for_operators() -> None:
    usual = {"secret_key", "stripe_secret_key", "stripe_webhook_secrets", "smtp_url"}
    here = compose()
    assert secrets((ROOT / "compose.yaml").read_text()) == usual == set(here["secrets"])
    for service in ours().values():
        assert set(service["secrets"]) == usual
    for path in (SYSTEMD / "masthead-.service.d" / "common.conf", KUBERNETES / "pod.yaml"):
        assert secrets(path.read_text()) == usual | {"database_url"}, path
    sample = (DEPLOY / "masthead.env").read_text()
    assert not [line for line in sample.splitlines() if re.search(r"SECRET|SMTP|DATABASE", line)]


def test_compose_keeps_each_process_small_and_the_database_inside() -> None:
    for name, service in ours().items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "ports" not in service, name
    db, proxy = (compose()["services"][name] for name in ("db", "proxy"))
    assert db["network_mode"] == "none"
    assert "ports" not in db
    assert proxy["ports"] == ["80:80", "443:443", "443:443/udp"]
    assert (ROOT / proxy["volumes"][0].partition(":")[0]).is_file()


def test_the_image_names_no_registry_and_runs_as_an_ordinary_user() -> None:
    read = Containerfile.read()
    images = {words.partition(" ")[0] for words in read.all("FROM")}
    images |= {service["image"] for service in compose()["services"].values()}
    assert not [image for image in images if "/" in image]
    assert read.last("USER") == "10001"
    assert read.entrypoint == ["billing"]


def test_what_the_image_is_built_from_is_not_ignored() -> None:
    lines = [
        line for line in (ROOT / ".containerignore").read_text().splitlines() if line[:1] not in ("#", "")
    ]
    assert lines[0] == "*"
    let_in = [line[1:] for line in lines if line.startswith("!")]
    copied = (
        "requirements.lock",
        "requirements-pdf.lock",
        "requirements-demo.lock",
        "pyproject.toml",
        "setup.py",
    )
    for name in (*copied, "billing", "emails", "alembic", "README.md", "LICENSE"):
        assert any(fnmatch(name, pattern) for pattern in let_in), name
    for name in (".git", ".venv", ".data", "secrets", "masthead.env", "tests", "backups"):
        assert not any(fnmatch(name, pattern) for pattern in let_in), name
