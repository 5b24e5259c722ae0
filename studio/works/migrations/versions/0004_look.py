"""A work keeps how it looks, so that it can be found by a copy that lost its recipe."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("works", sa.Column("look", sa.String(64), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("works") as works:
        works.drop_column("look")
