"""paying an open invoice on a hosted page, a second payment that goes back by itself, cards that end

Revision: 0007
Follows: 0006
"""

import sqlalchemy as sa
import sqlmodel

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

LAST_DAY = "(make_date(m.exp_year, m.exp_month, 1) + interval '1 month' - interval '1 day')::date"


def upgrade() -> None:
    op.add_column("attempt", sa.Column("by_page", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("attempt", sa.Column("page_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=True))
    op.create_unique_constraint(op.f("attempt_page_ref_key"), "attempt", ["page_ref"])
    op.create_check_constraint("page_of_its_own", "attempt", "by_page OR page_ref IS NULL")
    op.add_column("payment", sa.Column("surplus", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.drop_constraint("payment_invoice_id_key", "payment")
    op.create_index(
        "one_payment_an_invoice",
        "payment",
        ["invoice_id"],
        unique=True,
        postgresql_where=sa.text("NOT surplus"),
    )
    op.create_index(op.f("ix_payment_invoice_id"), "payment", ["invoice_id"])
    op.add_column("subscription", sa.Column("card_expires_on", sa.Date(), nullable=True))
    op.add_column("subscription", sa.Column("card_notice_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        f"UPDATE subscription s SET card_expires_on = {LAST_DAY} FROM payment_method m"  # noqa: S608 our own words
        " WHERE m.id = s.payment_method_id AND s.state <> 'ended'"
    )
    # mails that wait say the same with the link that they have
    op.execute(
        "UPDATE message SET fields = fields || jsonb_build_object('pay_url', fields -> 'card_url', 'confirm', false)"
        " WHERE kind = 'payment_failed' AND state = 'queued'"
    )


def downgrade() -> None:
    op.drop_column("subscription", "card_notice_at")
    op.drop_column("subscription", "card_expires_on")
    op.drop_index(op.f("ix_payment_invoice_id"), "payment")
    op.drop_index("one_payment_an_invoice", "payment")
    op.create_unique_constraint("payment_invoice_id_key", "payment", ["invoice_id"])
    op.drop_column("payment", "surplus")
    op.drop_constraint("page_of_its_own", "attempt")
    op.drop_constraint("attempt_page_ref_key", "attempt")
    op.drop_column("attempt", "page_ref")
    op.drop_column("attempt", "by_page")
