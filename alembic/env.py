"""Runs migrations on the database that `billing migrate` hands over."""

from alembic import context
from billing.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    compare_type=True,
    transaction_per_migration=True,  # a lock is held for one migration, and what is through stays
    on_version_apply=context.config.attributes.get("applied"),
)
with context.begin_transaction():
    context.run_migrations()
