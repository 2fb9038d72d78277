"""Where Alembic starts. The connection comes from the caller; there is no configuration file."""

from alembic import context

from matrix.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
