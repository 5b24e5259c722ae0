"""A job belongs to a session, waits in a lane, and has a turn there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("owner", sa.String(64), nullable=False, server_default=""))
    op.add_column("jobs", sa.Column("lane", sa.String(16), nullable=False, server_default=""))
    op.add_column("jobs", sa.Column("turn", sa.Float(), nullable=False, server_default="0"))


def downgrade() -> None:
    with op.batch_alter_table("jobs") as jobs:
        for name in ("turn", "lane", "owner"):
            jobs.drop_column(name)
