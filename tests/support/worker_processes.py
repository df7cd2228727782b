"""Real worker processes on the world's database and held clock, to be killed or left running."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Self

import psutil
from pydantic import SecretStr

from billing.platform.setting_sources import PREFIX
from billing.platform.settings import Settings
from tests.support.polling import PATIENCE_SECONDS, until
from tests.support.snapshots import WORKER
from tests.support.world import World

ROOT = Path(__file__).parents[2]


def variables_of(settings: Settings) -> dict[str, str]:
    """The settings as environment variables."""
    return {
        PREFIX + name.upper(): _plain(getattr(settings, name))
        for name in Settings.model_fields
        if getattr(settings, name) is not None
    }


def _plain(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, tuple):
        return ",".join(_plain(part).replace(",", "%2C") for part in value)
    return str(value)


class Worker:
    """A `billing worker` process. `more` are environment variables."""

    def __init__(self, world: World, log: Path, *, tick: float = 0.05, **more: str) -> None:
        self.log = log
        variables = (
            variables_of(world.settings) | {"BILLING_TICK_SECONDS": str(tick), "PGAPPNAME": WORKER} | more
        )
        kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        with log.open("wb") as lines:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "billing.cli", "worker"],
                env=kept | variables,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=lines,
                stderr=lines,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def listening(self) -> list[int]:
        """The ports on which it accepts connections."""
        found = psutil.Process(self._process.pid).net_connections()
        return [each.laddr.port for each in found if each.status == psutil.CONN_LISTEN]

    @property
    def words(self) -> str:
        """Its log so far."""
        return self.log.read_text("utf-8", "replace")

    def ready(self) -> Self:
        """Return when it has begun to look for work. It may have died of that already."""
        until(lambda: "the worker looks every" in self.words or not self.alive, "the worker to start")
        assert "the worker looks every" in self.words, self.words
        return self

    def kill(self) -> None:
        """`kill -9`."""
        if self.alive:
            self._process.kill()
        self._process.wait(PATIENCE_SECONDS)

    def stop(self) -> None:
        """Send SIGTERM; it must exit with 0."""
        self._process.terminate()
        code = self._process.wait(PATIENCE_SECONDS)
        assert code == 0, self.words


def quiet(world: World) -> bool:
    """Whether no work is due now, whether a worker has claimed it or not."""
    return not world.rows(
        "SELECT 1 FROM subscription WHERE next_action_at <= :now"
        " UNION ALL SELECT 1 FROM attempt WHERE state = 'open' AND next_poll_at <= :now"
        " UNION ALL SELECT 1 FROM refund WHERE state = 'intended' AND next_poll_at <= :now"
        " UNION ALL SELECT 1 FROM message WHERE state = 'queued' AND next_attempt_at <= :now"
        " UNION ALL SELECT 1 FROM inbound_event WHERE settled_at IS NULL AND next_attempt_at <= :now LIMIT 1",
        now=world.now,
    )


StartWorker = Callable[[World], Worker]
"""`start_worker(world)` starts a worker process on a world. All are ended with the test."""
