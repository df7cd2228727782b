"""Runs migrations on the database that `billing migrate` hands over, or writes their SQL for `billing migrate --plan`."""

from alembic import context
from billing.platform.partitions import is_partition
from billing.tables import metadata

offline = context.is_offline_mode()
context.configure(
    connection=None if offline else context.config.attributes["connection"],
    dialect_name="postgresql" if offline else None,
    literal_binds=offline,
    target_metadata=metadata,
    compare_type=True,
    include_name=lambda name, kind, _: kind != "table" or not is_partition(name or ""),
    transaction_per_migration=True,  # a lock is held for one migration, and what is through stays
    on_version_apply=context.config.attributes.get("applied"),
)
with context.begin_transaction():
    context.run_migrations()
