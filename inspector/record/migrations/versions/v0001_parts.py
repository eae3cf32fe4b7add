"""Runs, parts, hours, judgements, thresholds, alarms."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _only(condition: sa.TextClause) -> dict[str, Any]:
    return {"sqlite_where": condition, "postgresql_where": condition}


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "alarms",
        sa.Column("id", ID, nullable=False),
        sa.Column("utc", sa.BigInteger(), nullable=False),
        sa.Column("camera", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("ended_utc", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarms")),
    )
    op.create_index(op.f("ix_alarms_utc"), "alarms", ["utc"])
    op.create_table(
        "hour_tallies",
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("camera", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("parts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "hour", "product", "camera", "verdict", "cause", "run_id", name=op.f("pk_hour_tallies")
        ),
    )
    op.create_table(
        "log_files",
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("read_bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("host", "path", name=op.f("pk_log_files")),
    )
    op.create_table(
        "model_looks",
        sa.Column("camera", sa.String(), nullable=False),
        sa.Column("model_hash", sa.String(), nullable=False),
        sa.Column("looks", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("camera", "model_hash", name=op.f("pk_model_looks")),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("started_utc", sa.BigInteger(), nullable=False),
        sa.Column("ended_utc", sa.BigInteger(), nullable=True),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("command", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
    )
    op.create_index(op.f("ix_runs_started_utc"), "runs", ["started_utc"])
    op.create_table(
        "threshold_changes",
        sa.Column("id", ID, nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("old", sa.Double(), nullable=False),
        sa.Column("new", sa.Double(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("utc", sa.BigInteger(), nullable=False),
        sa.Column("recipe_hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_threshold_changes")),
    )
    op.create_index(op.f("ix_threshold_changes_product"), "threshold_changes", ["product"])
    op.create_table(
        "parts",
        sa.Column("id", ID, nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("camera", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("captured_utc", sa.BigInteger(), nullable=False),
        sa.Column("captured_ns", sa.BigInteger(), nullable=True),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("recipe_hash", sa.String(), nullable=False),
        sa.Column("model_hash", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("part", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=True),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("percentile", sa.Double(), nullable=True),
        sa.Column("cause", sa.String(), nullable=True),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("worst_row", sa.Integer(), nullable=True),
        sa.Column("worst_col", sa.Integer(), nullable=True),
        sa.Column("worst_x", sa.Double(), nullable=True),
        sa.Column("worst_y", sa.Double(), nullable=True),
        sa.Column("anomalous_patches", sa.Integer(), nullable=True),
        sa.Column("latency_ms", sa.Double(), nullable=True),
        sa.Column("wait_ms", sa.Double(), nullable=True),
        sa.Column("judge_ms", sa.Double(), nullable=True),
        sa.Column("image_path", sa.String(), nullable=True),
        sa.Column("overlay_path", sa.String(), nullable=True),
        sa.Column("brightness", sa.Double(), nullable=True),
        sa.Column("focus", sa.Double(), nullable=True),
        sa.Column("colour_a", sa.Double(), nullable=True),
        sa.Column("colour_b", sa.Double(), nullable=True),
        sa.Column("position_x", sa.Double(), nullable=True),
        sa.Column("position_y", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_parts_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parts")),
        sa.UniqueConstraint("run_id", "camera", "number", name=op.f("uq_parts_run_id_camera_number")),
    )
    op.create_index("ix_parts_archived", "parts", ["captured_utc", "id"], **_only(sa.text("image_path IS NOT NULL")))
    op.create_index("ix_parts_camera", "parts", ["camera", "captured_utc", "id"])
    op.create_index("ix_parts_captured", "parts", ["captured_utc", "id"])
    op.create_index("ix_parts_cause", "parts", ["cause", "captured_utc", "id"], **_only(sa.text("cause IS NOT NULL")))
    op.create_index("ix_parts_part", "parts", ["part", "captured_utc", "id"], **_only(sa.text("part <> ''")))
    op.create_index(
        "ix_parts_places",
        "parts",
        ["captured_utc", "product", "camera", "worst_x", "worst_y"],
        **_only(sa.text("verdict = 'fail'")),
    )
    op.create_index("ix_parts_product", "parts", ["product", "captured_utc", "id"])
    op.create_index(
        "ix_parts_rejects", "parts", ["captured_utc", "id", "verdict"], **_only(sa.text("verdict <> 'pass'"))
    )
    op.create_table(
        "judgements",
        sa.Column("id", ID, nullable=False),
        sa.Column("part_id", ID, nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("utc", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["part_id"], ["parts.id"], name=op.f("fk_judgements_part_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judgements")),
    )
    op.create_index(op.f("ix_judgements_part_id"), "judgements", ["part_id"])
