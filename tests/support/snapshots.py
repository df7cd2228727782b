"""One installation for many stories: it goes back, in a few milliseconds, to a moment that was kept."""

import threading
from dataclasses import dataclass, field
from typing import Any

import psycopg

from billing import stop_points, tables
from tests.support.fake_smtp import Received
from tests.support.world import World

KEPT_APART = {"installation"}
"""Says which database this is; it never changes."""
NOT_A_PROCESS = ("tests.", "clock.", "installation.")
"""Points that only look: passing them changes nothing, so dying there tells nothing."""


class Town:
    """A world, and the moments it can go back to: the database's rows, what the sandbox remembers, the mails that arrived."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._line = psycopg.connect(world.url_of_database, autocommit=True)
        self._tables = [name for name in tables.metadata.tables if name not in KEPT_APART]
        self._letters: dict[str, list[Received]] = {}
        self._back: dict[str, bytes] = {}

    def close(self) -> None:
        """Let go of the database."""
        self._line.close()

    def keep(self, moment: str) -> None:
        """Remember how everything is now."""
        self._do(f'CREATE SCHEMA "{moment}"')
        full = [name for name in self._tables if self._holds_rows(name)]
        for name in full:
            self._do(f'CREATE TABLE "{moment}"."{name}" AS TABLE public."{name}"')
        self._back[moment] = self._way_back(moment, full)
        self._letters[moment] = list(self.world.smtp.received)
        self.world.sandbox.keep(moment)

    def recall(self, moment: str) -> None:
        """Let everything be as it was then."""
        self.world.sandbox.recall(moment)
        self._line.execute(self._back[moment])
        self.world.smtp.clear()
        self.world.smtp.received.extend(self._letters[moment])
        self.world.sandbox.exchanges.clear()

    def _way_back(self, moment: str, full: list[str]) -> bytes:
        """Triggers rest meanwhile: the books may be emptied by nobody else."""
        emptied = [f'DELETE FROM public."{name}"' for name in self._tables]
        filled = [
            f'INSERT INTO public."{name}" ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM "{moment}"."{name}"'
            for name in full
            for columns in [self._columns(name)]
        ]
        resting = "SET session_replication_role = replica"
        return "; ".join(
            ["BEGIN", resting, *emptied, *filled, "RESET session_replication_role", "COMMIT"]
        ).encode()

    def _holds_rows(self, name: str) -> bool:
        return self._line.execute(f'SELECT 1 FROM public."{name}" LIMIT 1'.encode()).fetchone() is not None

    def _columns(self, name: str) -> str:
        found = self._line.execute(
            "SELECT quote_ident(column_name) FROM information_schema.columns WHERE table_schema = 'public'"
            " AND table_name = %s AND is_generated = 'NEVER' ORDER BY ordinal_position",
            [name],
        ).fetchall()
        return ", ".join(row[0] for row in found)

    def _do(self, statement: str) -> None:
        self._line.execute(statement.encode())


class PowerCut(BaseException):
    """The process is gone. No `except Exception` of ours may hear of it, as none hears of a kill."""


@dataclass
class Power:
    """Cuts the power of everything that runs here, at the so-manieth stop point from now: what is not committed is lost, and
    locks are free. Then nothing passes a point until it is back."""

    died_at: str | None = None
    _left: int = 0
    _lock: Any = field(default_factory=threading.Lock)

    def cut_after(self, points: int) -> None:
        """So many points are passed; at the last of them it is over."""
        self.died_at, self._left = None, points
        stop_points.listen(self._pass)

    def back(self) -> str | None:
        """Power again; where it was cut, if it was."""
        died_at, self.died_at = self.died_at, None
        if died_at is not None:
            stop_points.listen(None)
        return died_at

    def never(self) -> None:
        """No cut is to come any more."""
        stop_points.listen(None)
        self.died_at = None

    def _pass(self, name: str) -> None:
        if name.startswith(NOT_A_PROCESS):
            return
        with self._lock:
            if self.died_at is None:
                self._left -= 1
                if self._left > 0:
                    return
                self.died_at = name
        raise PowerCut(name)
