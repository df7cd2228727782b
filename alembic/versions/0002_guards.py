"""guards: refunds never exceed the payment, history is append-only

Revision: 0002
Follows: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE FUNCTION refuse_excess_refund() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF (SELECT sum(amount) FROM refund WHERE payment_id = NEW.payment_id AND state <> 'failed')
               > (SELECT amount FROM payment WHERE id = NEW.payment_id) THEN
                RAISE EXCEPTION 'refunds of % exceed the payment', NEW.payment_id USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        """
        CREATE CONSTRAINT TRIGGER refunds_within_payment AFTER INSERT OR UPDATE ON refund
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_excess_refund()
        """
    )
    op.execute(
        """
        CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'check_violation';
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON subscription_change
        FOR EACH ROW EXECUTE FUNCTION refuse_rewriting()
        """
    )
    op.execute(
        """
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON consent
        FOR EACH ROW WHEN (OLD.reader_id IS NOT NULL) EXECUTE FUNCTION refuse_rewriting()
        """
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER append_only ON consent")
    op.execute("DROP TRIGGER append_only ON subscription_change")
    op.execute("DROP FUNCTION refuse_rewriting()")
    op.execute("DROP TRIGGER refunds_within_payment ON refund")
    op.execute("DROP FUNCTION refuse_excess_refund()")
