"""The schema's versions: an older database is brought up to date when it is opened, a newer one is refused."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, inspect, text

from inspector.errors import StoreError
from inspector.record.engine import WRITES
from inspector.record.tables import Base

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK = 6_914_240_517  # any number: who migrates a PostgreSQL database holds it


def migrate(engine: Engine, name: str) -> None:
    """Bring the database up to date. Raises StoreError where it is newer than this program."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    with engine.connect() as connection:
        if _version(connection) == scripts.get_current_head():
            return
    with engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        version = _version(connection)  # another program may have been quicker
        _refuse_newer(scripts, version, name)
        if version is None and (taken := set(inspect(connection).get_table_names()) & set(Base.metadata.tables)):
            raise StoreError(f"{name}: belongs to another program (it has a table {min(taken)}): give another database")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _version(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _refuse_newer(scripts: ScriptDirectory, version: str | None, name: str) -> None:
    try:
        if version is not None:
            scripts.get_revision(version)
    except CommandError:
        raise StoreError(
            f"{name}: the record was written by a newer program (schema {version}, this one knows "
            f"{scripts.get_current_head()}): update this program"
        ) from None
