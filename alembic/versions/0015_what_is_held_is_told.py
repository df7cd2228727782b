"""what readers hold, sessions, keys: told when they change, to whoever keeps them in memory

Revision: 0015
Follows: 0018
"""

from alembic import op

revision = "0015"
down_revision = "0018"
branch_labels = None
depends_on = None

TOLD = (
    # the table, when, what it is told as, and which of it
    ("article", ("insert", "update", "delete"), "article", "id"),
    ("section_policy", ("insert", "update", "delete"), "section_policy", "section"),
    ("opening", ("insert", "update", "delete"), "opening", "subject"),
    ("subscription", ("insert", "update", "delete"), "standing", "reader_id"),
    ("complimentary_grant", ("insert", "update", "delete"), "standing", "reader_id"),
    ("gift_reading", ("insert",), "standing", "visitor"),
    ("reader", ("insert", "update", "delete"), "standing", "id"),
    ("reader", ("insert", "update", "before", "delete"), "external", "external_id"),
    ("plan", ("insert", "update", "delete"), "plan", "id"),
    ("reader_session", ("update", "delete"), "session", "id || ' ' || left(token_hash, 32)"),
    ("api_key", ("update", "delete"), "api_key", "left(key_hash, 32)"),
)
WHEN = {
    "insert": ("INSERT", "NEW"),
    "update": ("UPDATE", "NEW"),
    "before": ("UPDATE", "OLD"),  # what it was called before
    "delete": ("DELETE", "OLD"),
}
BEFORE = {"article": "id", "section_policy": "section", "opening": "subject"}


def upgrade() -> None:
    for table in BEFORE:
        for happens in ("insert", "update", "delete"):
            op.execute(f"DROP TRIGGER tell_{happens} ON {table}")
    op.execute("DROP FUNCTION tell_access()")
    # A statement tells once, after the commit: the kind and the names, divided by the unit separator; as many in one
    # notification as fit into 8000 bytes. The kind alone when they are too many, or one of them could not be told apart.
    op.execute(
        """
        CREATE FUNCTION tell_access() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE names text[]; longest int; at_once int; unit CONSTANT text := chr(31);
        BEGIN
            EXECUTE format('SELECT array_agg(DISTINCT name), max(octet_length(name)) FROM (SELECT %s AS name FROM changed)'
                ' AS told WHERE name IS NOT NULL', TG_ARGV[1]) INTO names, longest;
            IF names IS NULL THEN
                RETURN NULL;
            ELSIF cardinality(names) > 20000 OR longest > 2000 OR position(unit IN array_to_string(names, '')) > 0 THEN
                PERFORM pg_notify('access', TG_ARGV[0]);
                RETURN NULL;
            END IF;
            at_once := 7000 / (longest + 1);
            FOR place IN 1 .. cardinality(names) BY at_once LOOP
                PERFORM pg_notify('access', TG_ARGV[0] || unit || array_to_string(names[place : place + at_once - 1], unit));
            END LOOP;
            RETURN NULL;
        END $$
        """
    )
    for table, moments, kind, name in TOLD:
        for moment in moments:
            happens, rows = WHEN[moment]
            quoted = name.replace("'", "''")
            op.execute(
                f"CREATE TRIGGER tell_{kind}_{moment} AFTER {happens} ON {table} REFERENCING {rows} TABLE AS changed"
                f" FOR EACH STATEMENT EXECUTE FUNCTION tell_access('{kind}', '{quoted}')"
            )


def downgrade() -> None:
    for table, moments, kind, _ in TOLD:
        for moment in moments:
            op.execute(f"DROP TRIGGER tell_{kind}_{moment} ON {table}")
    op.execute("DROP FUNCTION tell_access()")
    op.execute(
        """
        CREATE FUNCTION tell_access() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE names text[]; name text;
        BEGIN
            EXECUTE format('SELECT array_agg(DISTINCT %I::text) FROM changed', TG_ARGV[0]) INTO names;
            IF cardinality(names) > 100 THEN
                PERFORM pg_notify('access', TG_TABLE_NAME);
            ELSIF names IS NOT NULL THEN
                FOREACH name IN ARRAY names LOOP
                    PERFORM pg_notify('access', TG_TABLE_NAME || ' ' || name);
                END LOOP;
            END IF;
            RETURN NULL;
        END $$
        """
    )
    for table, column in BEFORE.items():
        for moment in ("insert", "update", "delete"):
            happens, rows = WHEN[moment]
            op.execute(
                f"CREATE TRIGGER tell_{moment} AFTER {happens} ON {table}"
                f" REFERENCING {rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tell_access('{column}')"
            )
