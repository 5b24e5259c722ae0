"""A work can have a star, and wait in the trash before it is gone for good."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("works", sa.Column("starred", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("works", sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("works") as works:
        works.drop_column("removed_at")
        works.drop_column("starred")
