"""Rows that are too old go while their hours go on counting them; a part's region; PostgreSQL's TRUNCATE is refused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TRUNCATE = (  # which no trigger for rows sees
    "CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit_entries "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()"
)


def upgrade() -> None:
    """Add the columns."""
    op.add_column("parts", sa.Column("region", sa.String(), nullable=True))
    op.add_column("hour_tallies", sa.Column("kept", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute("UPDATE hour_tallies SET kept = parts")
    if op.get_bind().dialect.name == "postgresql":
        op.execute(TRUNCATE)
