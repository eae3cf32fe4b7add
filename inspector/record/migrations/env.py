"""Runs the migrations on the connection that `schema.migrate` hands over, in its transaction."""

from __future__ import annotations

from alembic import context

from inspector.record.tables import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
context.run_migrations()
