"""Who acts: a type each, stored as two columns. Code compares types; the text of an actor is for people and the log."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel, col

from billing.platform.enum_types import enum_type


class ActorKind(StrEnum):
    """The type of an actor, as a column."""

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
    """A scheduled job; `job` is empty for the billing run."""

    job: str = ""

    def __str__(self) -> str:
        return self.job or "worker"


@dataclass(frozen=True, slots=True)
class Acquirer:
    """An acquirer, or a bank through it."""

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
    """The id of a member of staff."""
    return actor.staff_id if isinstance(actor, StaffActor) else None


def key_id_of(actor: Actor) -> str | None:
    """The id of a program's API key."""
    return actor.key_id if isinstance(actor, ApiActor) else None


def ip_of(actor: Actor) -> str:
    """The network address; empty where none is known."""
    return actor.ip if isinstance(actor, StaffActor | ApiActor) else ""


_TYPES: dict[ActorKind, type[Actor]] = {
    ActorKind.READER: ReaderActor,
    ActorKind.WORKER: Worker,
    ActorKind.ACQUIRER: Acquirer,
    ActorKind.STAFF: StaffActor,
    ActorKind.API: ApiActor,
    ActorKind.COMMAND: Command,
}
_KINDS = {actor_type: kind for kind, actor_type in _TYPES.items()}


def columns(actor: Actor) -> tuple[ActorKind, str]:
    """Kind and id. Staff and programs are stored by their name at the time: history must read the same after a rename."""
    match actor:
        case (
            ReaderActor(name)
            | Worker(name)
            | Acquirer(name)
            | StaffActor(name)
            | ApiActor(name)
            | Command(name)
        ):
            return _KINDS[type(actor)], name


def actor_name(actor: Actor) -> str:
    """A member's address, the name of a key or an acquirer, a reader's id."""
    return columns(actor)[1]


def actor_of(kind: ActorKind, actor_id: str) -> Actor:
    """The actor of two columns."""
    return _TYPES[kind](actor_id)


def acted_by(actor: Actor) -> dict[str, Any]:
    """The columns of `ActedBy`."""
    kind, actor_id = columns(actor)
    return {"actor_kind": kind, "actor_id": actor_id}


class ActedBy(SQLModel):
    """Who wrote this row."""

    actor_kind: ActorKind = Field(sa_type=enum_type(ActorKind, "actor_kind"))
    actor_id: str

    @property
    def actor(self) -> Actor:
        """The actor as its type."""
        return actor_of(self.actor_kind, self.actor_id)

    @property
    def by(self) -> str:
        """The actor's text for people."""
        return str(self.actor)


def is_actor(model: type[ActedBy], actor: Actor) -> tuple[sa.ColumnElement[bool], ...]:
    """SQL conditions: this actor wrote the row."""
    kind, actor_id = columns(actor)
    return col(model.actor_kind) == kind, col(model.actor_id) == actor_id


class SentBy(SQLModel):
    """Who sent what this row is about, once it is sent."""

    sent_by_kind: ActorKind | None = Field(default=None, sa_type=enum_type(ActorKind, "sent_by_kind"))
    sent_by_id: str | None = None

    @property
    def sent_by(self) -> Actor | None:
        """The actor as its type."""
        if self.sent_by_kind is None or self.sent_by_id is None:
            return None
        return actor_of(self.sent_by_kind, self.sent_by_id)

    def note_sent_by(self, actor: Actor) -> None:
        """Record who sends it."""
        self.sent_by_kind, self.sent_by_id = columns(actor)


class ClosedBy(SQLModel):
    """Who closed this row, once it is closed."""

    closed_by_kind: ActorKind | None = Field(default=None, sa_type=enum_type(ActorKind, "closed_by_kind"))
    closed_by_id: str | None = None

    @property
    def closed_by(self) -> str | None:
        """Its text for people."""
        if self.closed_by_kind is None or self.closed_by_id is None:
            return None
        return str(actor_of(self.closed_by_kind, self.closed_by_id))

    def note_closed_by(self, actor: Actor) -> None:
        """Record who closes it."""
        self.closed_by_kind, self.closed_by_id = columns(actor)
