"""a newsletter's words are lines: its name stands in subjects and headers

Revision: 0018
Follows: 0011
"""

from alembic import op

revision = "0018"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_check_constraint(
        "words_are_lines",
        "newsletter",
        "name <> '' AND name || description || rhythm !~ '[\\u0001-\\u001f\\u007f-\\u009f\\u2028\\u2029]'",
    )


def downgrade() -> None:
    op.drop_constraint("words_are_lines", "newsletter", type_="check")
