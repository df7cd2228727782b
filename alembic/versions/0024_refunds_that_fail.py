"""a refund may wait for balance, be asked again after it failed, and be paid by bank transfer with its credit note

Revision: 0024
Follows: 0023
"""

import sqlalchemy as sa
import sqlmodel

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

GIVEN = "(state <> 'failed' OR credit_note_number IS NOT NULL)"
GIVEN_BEFORE = "(state <> 'failed' OR bounced_at IS NOT NULL)"
NOTED = "(state = 'succeeded' OR bounced_at IS NOT NULL OR paid_back_at IS NOT NULL) = (credit_note_number IS NOT NULL)"
NOTED_BEFORE = "(state = 'succeeded' OR bounced_at IS NOT NULL) = (credit_note_number IS NOT NULL)"


def upgrade() -> None:
    op.add_column(
        "refund", sa.Column("awaiting_balance_since", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True)
    )
    op.add_column("refund", sa.Column("not_owed", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("refund", sa.Column("mail_key", sqlmodel.sql.sqltypes.AutoString(), nullable=True))
    op.create_index(op.f("ix_refund_mail_key"), "refund", ["mail_key"])
    op.create_check_constraint(
        "awaits_balance_while_open",
        "refund",
        "awaiting_balance_since IS NULL OR state IN ('intended', 'pending')",
    )
    op.drop_constraint("refund_cause_key", "refund", type_="unique")
    op.create_index("one_refund_a_cause", "refund", ["cause"], unique=True, postgresql_where=sa.text(GIVEN))
    op.drop_constraint("noted_when_returned", "refund", type_="check")
    op.create_check_constraint("noted_when_returned", "refund", NOTED)
    op.drop_constraint("paid_back_after_bouncing", "refund", type_="check")
    op.create_check_constraint(
        "paid_back_after_failing",
        "refund",
        "paid_back_at IS NULL OR (state = 'failed' AND paid_back_ref IS NOT NULL)",
    )
    _count_refunds(GIVEN)
    # a mail about refunds may carry any number of documents
    op.execute(
        "UPDATE message SET fields = jsonb_build_object('reason', fields->'reason', 'returns', '[]'::jsonb,"
        " 'invoices', '[]'::jsonb, 'notes', jsonb_build_array(fields)) WHERE kind = 'refunded'"
    )


def downgrade() -> None:
    op.execute("UPDATE message SET fields = (fields->'notes'->0) - 'transfer' WHERE kind = 'refunded'")
    _count_refunds(GIVEN_BEFORE)
    op.drop_constraint("paid_back_after_failing", "refund", type_="check")
    op.create_check_constraint(
        "paid_back_after_bouncing",
        "refund",
        "paid_back_at IS NULL OR (bounced_at IS NOT NULL AND paid_back_ref IS NOT NULL)",
    )
    op.drop_constraint("noted_when_returned", "refund", type_="check")
    op.create_check_constraint("noted_when_returned", "refund", NOTED_BEFORE)
    op.drop_index("one_refund_a_cause", "refund")
    op.create_unique_constraint("refund_cause_key", "refund", ["cause"])
    op.drop_constraint("awaits_balance_while_open", "refund", type_="check")
    op.drop_index(op.f("ix_refund_mail_key"), table_name="refund")
    op.drop_column("refund", "mail_key")
    op.drop_column("refund", "not_owed")
    op.drop_column("refund", "awaiting_balance_since")


def _count_refunds(which: str) -> None:
    op.execute(
        f"""
        CREATE OR REPLACE FUNCTION refuse_excess_refund() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF (SELECT sum(amount) FROM refund WHERE payment_id = NEW.payment_id AND {which})
                > (SELECT amount FROM payment WHERE id = NEW.payment_id) THEN
                RAISE EXCEPTION 'refunds of % exceed the payment', NEW.payment_id USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        END $$
        """  # noqa: S608 - the conditions above
    )
