"""`train`: learn a product from images of good parts, calibrate, and export."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Literal, get_args

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from export.dataset import all_unreadable_named, distinct_images, good_images, on_stderr
from export.evaluate import known_defects
from export.evaluate.known_defects import Known
from export.learn.backbone import Name
from export.learn.good_quality import copies_named
from export.learn.settings import Effort, Settings
from export.learn.train import Trained, train
from export.verbs import train_recipe, train_report
from export.verbs.calibrate import positive, share
from export.verbs.contact_sheet import save_contact_sheet, sheet_path
from inspector.cli import add_folders, whole_number
from inspector.errors import DependencyError
from inspector.files import check_writable
from inspector.grid import Grid
from inspector.inspection import load_inspector
from inspector.model_info import Kind
from inspector.recipe import Align, Recipe, update_recipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb understands."""
    parser.add_argument("--product", required=True, help="name of the product: letters, digits, - _ .")
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder of good images, or a category in MVTec AD layout",
    )
    parser.add_argument("--model", choices=get_args(Kind), default="feature", help="default: feature")
    parser.add_argument(
        "--grid",
        help="patches per frame, ROWSxCOLS; 8 means 8x8; auto: finer than 1x1 where synthetic defects ask for it "
        "(default: the recipe's, else 1x1)",
    )
    parser.add_argument(
        "--overlap", type=float, help="share of a patch's side that neighbours have in common, 0 to 0.5"
    )
    parser.add_argument(
        "--align",
        choices=get_args(Align),
        help="bring each part into one pose first: by its outline (object), or by what good parts look like, about "
        "the same way (template) or in any turn (any-turn) (default: the recipe's, else auto: decided from the images)",
    )
    parser.add_argument(
        "--effort",
        choices=get_args(Effort),
        default="standard",
        help="quick: fewer pixels and usual settings, a quarter faster; standard: some are chosen by synthetic defects "
        "(default); best: a larger backbone and more pixels as well, which makes the line slower",
    )
    parser.add_argument(
        "--backbone",
        choices=get_args(Name),
        help="EfficientNet-Lite of the feature model; 1 costs about 1.35 times as much as 0, 2 about 1.55 times "
        "(default: lite0, with --effort best lite2)",
    )
    parser.add_argument(
        "--patch-px",
        type=_side,
        metavar="N",
        help="side at which the feature model sees a patch, a multiple of 32; larger finds smaller defects, at a cost "
        "that grows with its square (default: 256, with --effort quick 224, best up to 384; where there are several "
        "patches, no more than they have pixels)",
    )
    parser.add_argument(
        "--drop-suspects",
        action="store_true",
        help="train once more without the good images that stand out, for a folder that may hold defects",
    )
    parser.add_argument(
        "--epochs",
        type=whole_number(1),
        default=30,
        help="of the pixel model (default: 30); the feature model needs none",
    )
    parser.add_argument("--seed", type=whole_number(0), default=0, help="same seed, same model (default: 0)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="default: auto")
    parser.add_argument(
        "--enhance",
        "--colour",
        "--color",
        choices=("none", "overlay", "model"),
        help="colours that no good part shows: ignore them, highlight them in overlays, "
        "or show them to the model too (default: the recipe's, else overlay)",
    )
    parser.add_argument(
        "--false-rejects",
        type=_budget,
        metavar="SHARE|auto",
        help="budget for the threshold: share of good parts that may be rejected; auto: the tightest of 1, 2, 5, "
        "10 and 25 per cent that so many good parts can guarantee with a threshold not far above them "
        "(default: the recipe's, else auto)",
    )
    parser.add_argument(
        "--cost-of-escape",
        type=positive,
        metavar="N",
        help="false rejects that one missed defect is worth: picks the budget by what synthetic defects are caught, "
        "as if one part in a hundred were defective; where no budget is given",
    )
    parser.add_argument(
        "--defects",
        type=Path,
        metavar="DIR",
        help=f"images of known defects, {known_defects.LEAST} or more: never learned from; where no budget is given, a "
        "looser one is taken if it catches clearly more of them",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout, and nothing else")
    parser.add_argument(
        "--progress",
        action="store_true",
        help="tell the progress in lines on stderr, `progress SHARE WHAT`, for programs",
    )
    add_folders(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Train, write the model and, where none exists, the recipe."""
    recipe = train_recipe.wanted(arguments)
    images = distinct_images(good_images(arguments.data))
    defects = known_defects.known_images(arguments.defects) if arguments.defects else []
    for folder in (arguments.model_dir, arguments.config_dir):
        check_writable(folder)  # now, not after minutes of training
    with all_unreadable_named(images), copies_named(images, on_stderr):
        trained = _train(arguments, recipe, images)
    dropped = trained.suspects if arguments.drop_suspects else []
    if dropped:
        images = [path for path in images if str(path) not in dropped]
        trained = _train(arguments, recipe, images)
    changed = train_recipe.keep(arguments, recipe)
    known = _known(arguments, recipe, trained, defects)
    sheet = _sheet(arguments, recipe, trained)
    if arguments.json:
        print(json.dumps(train_report.as_dict(trained, dropped, known)))
        return 0
    print(*train_report.lines(trained, len(images), dropped, known, arguments.effort), sep="\n")
    print(f"wrote {arguments.model_dir / recipe.model_file}", *changed, *sheet, sep="\n")
    print(f"next: line-inspector run --product {recipe.product} --source DIR|FILE|URL|0{_folders(arguments)}")
    return 0


def _sheet(arguments: argparse.Namespace, recipe: Recipe, trained: Trained) -> list[str]:
    """Show the parts to look at as pictures; returns what to tell the user."""
    path = sheet_path(arguments.model_dir / recipe.model_file)
    count = save_contact_sheet(path, train_report.to_look_at(trained))
    return [f"wrote {path}: {count} images to look at"] if count else []


def _known(arguments: argparse.Namespace, recipe: Recipe, trained: Trained, defects: list[Path]) -> Known | None:
    """Say what known defects say; a budget that they are worth goes into the recipe, with its threshold."""
    if not defects:
        return None
    inspector = load_inspector(recipe.product, arguments.config_dir, arguments.model_dir)
    given = recipe.false_rejects != "auto" or arguments.cost_of_escape is not None
    known = known_defects.judge(inspector, defects, trained.threshold, choose=not given)
    chosen = known.worth_it
    if chosen is not known.usual:
        update_recipe(
            arguments.config_dir,
            recipe.product,
            threshold=chosen.value,
            threshold_model=inspector.detector.model_hash,
            false_rejects=chosen.budget,
        )
    return known


def _budget(text: str) -> float | Literal["auto"]:
    return "auto" if text == "auto" else share(text)


def _side(text: str) -> int:
    side = whole_number(32)(text)
    if side % 32:
        raise argparse.ArgumentTypeError(f"wants a multiple of 32, got {text!r}")
    return side


def _device(wanted: str) -> str:
    if wanted == "cuda" and not torch.cuda.is_available():
        raise DependencyError("--device cuda: PyTorch finds no CUDA device here (`doctor` says more); use --device cpu")
    return "cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu"


def _folders(arguments: argparse.Namespace) -> str:
    """Return the folder options, where they are not the default, for a command to copy."""
    given = (("--model-dir", arguments.model_dir, "models"), ("--config-dir", arguments.config_dir, "config"))
    return "".join(f" {option} {folder}" for option, folder, default in given if folder != Path(default))


def _train(arguments: argparse.Namespace, recipe: Recipe, images: list[Path]) -> Trained:
    settings = Settings(
        kind=arguments.model,
        grid=recipe.layout or Grid(1, 1, recipe.overlap),
        finer=recipe.grid == "auto" and not recipe.regions,
        backbone=arguments.backbone,
        patch_px=arguments.patch_px,
        effort=arguments.effort,
        epochs=arguments.epochs,
        seed=arguments.seed,
        device=_device(arguments.device),
        cost_of_escape=arguments.cost_of_escape,
        false_rejects=None if recipe.false_rejects == "auto" else recipe.false_rejects,
        align=recipe.align,
        roi=recipe.roi,
        regions={name: region.area for name, region in recipe.regions.items()},
        enhance=recipe.colour.enhance == "model",
    )
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as bar:
        task = bar.add_task("starting", total=1.0)

        def tell(what: str, share: float) -> None:
            bar.update(task, description=what, completed=share)
            if arguments.progress:
                print(f"progress {share:.3f} {what}", file=sys.stderr, flush=True)

        return train(recipe.product, images, settings, arguments.model_dir / recipe.model_file, tell)
