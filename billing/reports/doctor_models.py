"""When the doctor came."""

from datetime import datetime

from sqlmodel import Field, SQLModel


class DoctorVisit(SQLModel, table=True):
    """One examination of the whole database, by the worker each night."""

    __tablename__ = "doctor_visit"

    at: datetime = Field(primary_key=True)
    broken: int
    """How many promises were broken."""
    found: int
    """How many things broke them."""
    next_at: datetime
