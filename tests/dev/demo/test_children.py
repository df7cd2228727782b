"""The demo's child processes, with stand-ins that answer, die, ignore signals, or linger."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from billing.dev.demo.children import AskedToStop, Child, ChildEnded, Children
from billing.dev.process_guard import ProcessGuard
from tests.support.polling import eventually
from tests.support.processes import has_ended

STAYS = "import time; print('here', flush=True); time.sleep(600)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
HAS_ITS_OWN = (
    "import subprocess, sys, time; own = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
    "print(own.pid, flush=True); time.sleep(600)"
)


class Family:
    """Children under test, and what we need to look at them."""

    def __init__(self, logs: Path, guard: ProcessGuard) -> None:
        self.logs = logs
        self.stop = Event()
        self.children = Children(logs, guard, self.stop.is_set)

    def start(self, name: str, script: str) -> None:
        self.children.start(self.child(name, script))

    def child(self, name: str, script: str) -> Child:
        return Child(name, [sys.executable, "-c", script], dict(os.environ))

    def wrote(self, name: str) -> str:
        log = self.logs / f"{name}.log"
        assert eventually(lambda: log.read_text().endswith("\n"))
        return log.read_text().strip()


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Family]:
    with ProcessGuard() as guard:
        family = Family(tmp_path, guard)
        yield family
        family.children.stop()


def pid_of(family: Family, name: str) -> int:
    return family.children._running[name].pid


def run_until_the_end(family: Family) -> str:
    output: list[ChildEnded] = []

    def a_moment_later() -> bool:
        try:
            family.children.tick()
        except ChildEnded as end:
            output.append(end)
        return bool(output)

    assert eventually(a_moment_later)
    return str(output[0])


def test_a_child_that_dies_is_named_with_its_last_words(family: Family) -> None:
    family.start("web", STAYS)
    family.start("worker", "for n in range(9): print('line', n)\nraise SystemExit(3)")
    output = run_until_the_end(family)
    assert output.startswith("worker ended with status 3.")
    assert "line 8" in output
    assert "line 3" not in output


def test_a_killed_child_is_named_with_the_signal(family: Family) -> None:
    family.start("web", STAYS)
    family.wrote("web")
    os.kill(pid_of(family, "web"), signal.SIGKILL)
    assert "web was killed by SIGKILL" in run_until_the_end(family)


def test_stop_ends_the_deaf_and_the_grandchildren(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("billing.dev.demo.children.GRACE_SECONDS", 0.2)
    family.start("deaf", DEAF)
    family.start("parent", HAS_ITS_OWN)
    assert family.wrote("deaf") == "deaf"
    pids = [pid_of(family, "deaf"), pid_of(family, "parent"), int(family.wrote("parent"))]
    family.children.stop()
    assert all(eventually(lambda pid=pid: has_ended(pid)) for pid in pids)  # type: ignore[misc] # default argument


def test_stop_can_end_some_before_others(family: Family) -> None:
    family.start("web", STAYS)
    family.start("mailbox", STAYS)
    web, mailbox = pid_of(family, "web"), pid_of(family, "mailbox")
    family.children.stop("web")
    assert has_ended(web)
    assert not has_ended(mailbox)


def test_each_child_has_its_own_session_so_that_ctrl_c_reaches_only_us(family: Family) -> None:
    family.start("web", STAYS)
    assert os.getsid(pid_of(family, "web")) == pid_of(family, "web")


def test_run_gives_back_the_answer_and_keeps_the_noise_in_the_log(family: Family) -> None:
    talks = family.child("seed", "import sys; print('x' * 200_000); print('noise', file=sys.stderr)")
    assert family.children.run(talks).strip() == "x" * 200_000
    assert family.wrote("seed") == "noise"


def test_run_fails_in_one_line(family: Family) -> None:
    with pytest.raises(ChildEnded) as caught:
        family.children.run(family.child("migrate", "print('fine'); raise ValueError('the table is gone')"))
    assert "migrate ended with status 1: ValueError: the table is gone" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_death_interrupts_whoever_waits(family: Family) -> None:
    family.start("sandbox", "raise SystemExit('no such file')")
    with pytest.raises(ChildEnded, match="sandbox ended with status 1"):
        family.children.run(family.child("seed", STAYS))


def test_waiting_ends_when_all_answer(family: Family) -> None:
    family.start("web", STAYS)
    log = family.logs / "web.log"
    family.children.await_ready({"web": lambda: log.read_text() == "here\n"})
    assert log.read_text() == "here\n"


def test_silence_is_reported(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("billing.dev.demo.children.READY_SECONDS", 0.1)
    with pytest.raises(ChildEnded, match="web did not answer within"):
        family.children.await_ready({"web": lambda: False, "mailbox": lambda: True})


def test_the_bell_is_heard_while_waiting(family: Family) -> None:
    family.stop.set()
    with pytest.raises(AskedToStop):
        family.children.await_ready({"web": lambda: False})


def test_the_log_before_this_one_is_kept(family: Family) -> None:
    for word in ("first", "second"):
        family.children.run(family.child("seed", f"import sys; print({word!r}, file=sys.stderr)"))
    assert family.wrote("seed") == "second"
    assert (family.logs / "seed.old.log").read_text() == "first\n"


LAUNCHER = """
import os, signal, sys, time
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # these tests may themselves be run under nohup
from pathlib import Path
from billing.dev.demo.stop_signal import StopSignal
from billing.dev.demo.children import AskedToStop, Child, Children
from billing.dev.process_guard import ProcessGuard
stop = StopSignal(); stop.listen()
logs = Path(sys.argv[1])
with ProcessGuard() as guard:
    children = Children(logs, guard, lambda: stop.received)
    guard.remove_on_exit(logs / "card")
    (logs / "card").write_text("ready")
    for name, script in zip(sys.argv[2::2], sys.argv[3::2]):
        children.start(Child(name, [sys.executable, "-c", script], dict(os.environ)))
    print(*(running.pid for running in children._running.values()), flush=True)
    try:
        while True:
            children.tick()
    except AskedToStop:
        children.stop()
        print("stopped")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_whatever_ends_the_launcher_ends_the_children(number: signal.Signals, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-c",
        LAUNCHER,
        str(tmp_path),
        "web",
        STAYS,
        "worker",
        STAYS,
        "parent",
        HAS_ITS_OWN,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as launcher:
        assert launcher.stdout is not None
        pids = [int(pid) for pid in launcher.stdout.readline().split()]
        own = tmp_path / "parent.log"
        assert eventually(lambda: own.read_text().endswith("\n"))
        launcher.send_signal(number)
        assert launcher.stdout.read() == ("" if number is signal.SIGKILL else "stopped\n")
        assert launcher.wait() == (-9 if number is signal.SIGKILL else 0)
    for pid in [*pids, int(own.read_text())]:
        assert eventually(lambda pid=pid: has_ended(pid))  # type: ignore[misc] # default argument
    assert eventually(lambda: not (tmp_path / "card").exists())


def test_started_by_make_it_ends_with_make(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LAUNCHER, str(tmp_path), "web", STAYS]
    make = "import subprocess, sys, time; subprocess.Popen(sys.argv[1:]); time.sleep(600)"
    with subprocess.Popen(
        [sys.executable, "-c", make, *command],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"MAKELEVEL": "1"},
    ) as parent:
        assert parent.stdout is not None
        web = int(parent.stdout.readline())
        parent.kill()
        assert parent.stdout.read() == "stopped\n"
    assert eventually(lambda: has_ended(web))
