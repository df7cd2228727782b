"""The table of number series."""

from sqlmodel import Field, SQLModel


class NumberSeries(SQLModel, table=True):
    """The last number of a series. Taken in the transaction that uses it, so none is skipped (VAT-9)."""

    __tablename__ = "number_series"

    name: str = Field(primary_key=True)
    last: int
