"""The column type of an enum: text and a CHECK."""

from enum import StrEnum

import sqlalchemy as sa


def enum_type(values: type[StrEnum], check: str) -> sa.Enum:
    """Text with a CHECK of this name, because a native type can't be altered in a transaction."""
    return sa.Enum(
        values,
        native_enum=False,
        create_constraint=True,
        length=32,
        name=check,
        values_callable=lambda members: [member.value for member in members],
    )
