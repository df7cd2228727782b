"""Who acts: a type each, stored as two columns. Code asks what type an actor is; its text is for people and for the log."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel, col


class ActorKind(StrEnum):
    """The column that says which type an actor is."""

    READER = "reader"
    WORKER = "worker"
    ACQUIRER = "acquirer"
    STAFF = "staff"
    API = "api"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class ReaderActor:
    """A reader, on our pages or by a mailed link."""

    reader_id: str

    def __str__(self) -> str:
        return "reader"


@dataclass(frozen=True, slots=True)
class Worker:
    """A scheduled job; `job` where it isn't the billing run's own."""

    job: str = ""

    def __str__(self) -> str:
        return self.job or "worker"


@dataclass(frozen=True, slots=True)
class Acquirer:
    """What an acquirer tells us, or a bank through it."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class StaffActor:
    """A member of staff."""

    email: str
    staff_id: str | None = field(default=None, compare=False)
    ip: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"staff:{self.email}"


@dataclass(frozen=True, slots=True)
class ApiActor:
    """A program, by its key's name."""

    name: str
    key_id: str | None = field(default=None, compare=False)
    ip: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"api:{self.name}"


@dataclass(frozen=True, slots=True)
class Command:
    """An operator on the machine."""

    detail: str = ""

    def __str__(self) -> str:
        return f"command: {self.detail}" if self.detail else "command"


Actor = ReaderActor | Worker | Acquirer | StaffActor | ApiActor | Command
WORKER = Worker()


def staff_id_of(actor: Actor) -> str | None:
    """The member of staff, by id."""
    return actor.staff_id if isinstance(actor, StaffActor) else None


def key_id_of(actor: Actor) -> str | None:
    """The API key of a program, by id."""
    return actor.key_id if isinstance(actor, ApiActor) else None


def ip_of(actor: Actor) -> str:
    """From which network address; empty where none is known."""
    return actor.ip if isinstance(actor, StaffActor | ApiActor) else ""


def columns(actor: Actor) -> tuple[ActorKind, str]:
    """Kind and id. Staff and programs are stored by name, as they were called then: history must read the same after a rename."""
    match actor:
        case ReaderActor(reader_id):
            return ActorKind.READER, reader_id
        case Worker(job):
            return ActorKind.WORKER, job
        case Acquirer(name):
            return ActorKind.ACQUIRER, name
        case StaffActor(email):
            return ActorKind.STAFF, email
        case ApiActor(name):
            return ActorKind.API, name
        case Command(detail):
            return ActorKind.COMMAND, detail


_TYPES: dict[ActorKind, type[Actor]] = {
    ActorKind.READER: ReaderActor,
    ActorKind.WORKER: Worker,
    ActorKind.ACQUIRER: Acquirer,
    ActorKind.STAFF: StaffActor,
    ActorKind.API: ApiActor,
    ActorKind.COMMAND: Command,
}


def actor_name(actor: Actor) -> str:
    """A member's address, a key's name, an acquirer's."""
    return columns(actor)[1]


def actor_of(kind: ActorKind, actor_id: str) -> Actor:
    """The actor of two columns."""
    return _TYPES[kind](actor_id)


def acted_by(actor: Actor) -> dict[str, Any]:
    """The columns of `ActedBy`."""
    kind, actor_id = columns(actor)
    return {"actor_kind": kind, "actor_id": actor_id}


def _kind(column: str) -> Any:
    """A type for a column of several tables: `enum_column` makes one for a single table."""
    return sa.Enum(
        ActorKind,
        native_enum=False,
        create_constraint=True,
        length=32,
        name=column,
        values_callable=lambda members: [member.value for member in members],
    )


class ActedBy(SQLModel):
    """Who wrote this row."""

    actor_kind: ActorKind = Field(sa_type=_kind("actor_kind"))
    actor_id: str

    @property
    def actor(self) -> Actor:
        """As a type."""
        return actor_of(self.actor_kind, self.actor_id)

    @property
    def by(self) -> str:
        """For people."""
        return str(self.actor)


def is_actor(model: type[ActedBy], actor: Actor) -> tuple[sa.ColumnElement[bool], ...]:
    """Conditions: the row was written by this actor."""
    kind, actor_id = columns(actor)
    return col(model.actor_kind) == kind, col(model.actor_id) == actor_id


class ClosedBy(SQLModel):
    """Who closed this row, once it is closed."""

    closed_by_kind: ActorKind | None = Field(default=None, sa_type=_kind("closed_by_kind"))
    closed_by_id: str | None = None

    @property
    def closed_by(self) -> str | None:
        """For people."""
        if self.closed_by_kind is None or self.closed_by_id is None:
            return None
        return str(actor_of(self.closed_by_kind, self.closed_by_id))

    def note_closed_by(self, actor: Actor) -> None:
        """Write down who closes it."""
        self.closed_by_kind, self.closed_by_id = columns(actor)
