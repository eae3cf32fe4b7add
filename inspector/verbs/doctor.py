"""`doctor`: what this machine has and lacks. Speaks also where the runtime's own packages cannot be imported."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from inspector.cli import add_folders
from inspector.doctor.examination import Folders, examine
from inspector.doctor.report import Diagnosis


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.add_argument("--log-dir", type=Path, default=Path("logs"), metavar="DIR", help="default: logs/")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    add_folders(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Examine and print; returns 2 when something is missing that the line needs."""
    folders = Folders(arguments.model_dir, arguments.config_dir, arguments.log_dir)
    report = _examine(folders)
    if arguments.json:
        print(json.dumps(report.as_dict(), indent=2))
    else:
        print(*report.lines(), sep="\n")
    return 0 if report.ok else 2


def _examine(folders: Folders) -> Diagnosis:
    try:
        from inspector.cameras.device import find_devices  # noqa: PLC0415
        from inspector.detector import session_providers, usable_providers  # noqa: PLC0415
    except ImportError:  # a broken installation is what the doctor is there to explain
        return examine([], [], folders)
    return examine(usable_providers(), find_devices(), folders, session_providers)
