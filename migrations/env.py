"""Alembic's entry: the connection is handed in by contracts_app.core.database.migrations."""

from alembic import context

import contracts_app.models  # noqa: F401  (registers every table)
from contracts_app.core.database.migrations import include_name
from contracts_app.core.db import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    include_name=include_name,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
