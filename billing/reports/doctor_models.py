"""The table of the doctor's visits."""

from datetime import datetime

from sqlmodel import Field, SQLModel


class DoctorVisit(SQLModel, table=True):
    """One nightly examination of the whole database."""

    __tablename__ = "doctor_visit"

    at: datetime = Field(primary_key=True)
    broken: int
    """How many promises were broken."""
    found: int
    """How many things broke these."""
    next_at: datetime
