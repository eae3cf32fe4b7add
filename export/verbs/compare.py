"""`compare`: put results of `evaluate --json` side by side."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from export.evaluate.comparison import Row, as_html, as_json, as_markdown, rows
from export.evaluate.results import load_result

FORMATS: Mapping[str, Callable[[Sequence[Row]], str]] = {"markdown": as_markdown, "html": as_html, "json": as_json}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb understands."""
    parser.add_argument(
        "results", type=Path, nargs="+", metavar="FILE", help="what `evaluate --json` printed, one file per evaluation"
    )
    parser.add_argument("--format", choices=tuple(FORMATS), default="markdown", help="default: markdown")


def execute(arguments: argparse.Namespace) -> int:
    """Print the table. Seeds of one product and one kind of model are taken together."""
    print(FORMATS[arguments.format](rows({path: load_result(path) for path in arguments.results})))
    return 0
