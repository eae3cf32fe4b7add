"""`bench`: how fast a product is judged on this machine."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import cv2

from inspector.bench import Report, bench
from inspector.cli import add_folders, whole_number
from inspector.images import read_image
from inspector.inspection import load_inspector
from inspector.model_info import ModelInfo
from inspector.records import Image
from inspector.rehearsal import photo_like
from inspector.text import finite


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb understands."""
    parser.add_argument("--product", required=True)
    parser.add_argument(
        "--image", type=Path, metavar="FILE", help="a good part as the camera sees it (default: drawn, one megapixel)"
    )
    parser.add_argument(
        "--frames", type=whole_number(20), default=200, metavar="N", help="parts of each run (default: 200)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout, and nothing else")
    add_folders(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Measure and print."""
    inspector = load_inspector(arguments.product, arguments.config_dir, arguments.model_dir)
    image = read_image(arguments.image) if arguments.image else photo_like()
    report = bench(inspector, image, arguments.frames)
    speedup, reason = _over_plain_loop(image, inspector.detector.info, report)
    if arguments.json:
        facts: dict[str, Any] = report.as_dict() | {"speedup_over_plain_loop": speedup}
        facts |= {"speedup_over_plain_loop_reason": reason} if reason else {}
        print(json.dumps(_without_nan(facts), indent=2, allow_nan=False))
        return 0
    compared = f"{speedup:.0f} x a plain loop of imread, PyTorch and a set of colours" if speedup else f"- ({reason})"
    print(*report.lines(), f"speedup  {compared}", sep="\n")
    return 0


def _over_plain_loop(image: Image, info: ModelInfo, report: Report) -> tuple[float | None, str]:
    """Return the line's speed over that of a plain loop, or why there is none."""
    try:
        from export.evaluate.plain_loop import ms_per_part  # noqa: PLC0415  (PyTorch: a station that only inspects has none)
    except ModuleNotFoundError as error:
        return None, f"{error.name} is not installed"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "part.png"
        path.write_bytes(cv2.imencode(".png", image)[1].tobytes())
        return ms_per_part(path, info) * report.parts_per_second / 1e3, ""


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(one) for key, one in value.items()}
    return finite(value) if isinstance(value, float) else value
