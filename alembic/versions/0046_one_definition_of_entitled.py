"""one definition of entitled, for pages, the access cache and newsletters

Revision: 0046
Follows: 0045
"""

from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

# a copy of `billing.access.entitled.DEFINITION`, as a migration must stay what it was
DEFINITION = """
    SELECT s.reader_id::text,
           CASE s.state WHEN 'trialing' THEN 'trial' WHEN 'past_due' THEN 'grace' ELSE 'subscription' END,
           CASE WHEN s.state = 'paused' THEN s.resumes_on::timestamp AT TIME ZONE zone ELSE '-infinity' END,
           CASE WHEN s.state = 'paused' THEN s.resumes_on::timestamp AT TIME ZONE zone
                ELSE coalesce(s.cancels_at, s.access_until) END,
           s.state = 'paused' OR s.cancels_at IS NULL,
           (SELECT p.features FROM plan p WHERE p.id = s.plan_id)
    FROM subscription s
    WHERE s.state <> 'ended'
    UNION ALL
    SELECT g.reader_id::text, 'complimentary', g.given_at, g.until, false, g.features
    FROM complimentary_grant g
"""


def upgrade() -> None:
    op.execute(
        "CREATE FUNCTION entitlement(zone text) RETURNS TABLE (reader_id text, reason text, begins_at timestamptz,"
        " until timestamptz, renews boolean, features jsonb)"
        # neither STRICT nor SET: the planner then inlines it, and an index finds one reader's rows
        f" LANGUAGE sql STABLE AS $${DEFINITION}$$"
    )


def downgrade() -> None:
    op.execute("DROP FUNCTION entitlement(text)")
