"""What Alembic runs: the migrations, inside the transaction of the connection it was given."""

from __future__ import annotations

from alembic import context

from studio.works.database import VERSION_TABLE
from studio.works.tables import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    # SQLite can roll back changes of tables, too, so a migration that is killed leaves nothing behind.
    transactional_ddl=True,
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
