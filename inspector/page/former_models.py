"""Models that were in use before: which of them may go, so that the models' folder does not grow for ever.

Each model that is taken over has a file of its own, PRODUCT-HASH.onnx, and the recipe names it. The one before is still
needed where a line is just loading it, or where somebody puts the recipe back; and `rejudge --model` may judge archived
pictures by any that there is. So the last few stay, and each as long as there may be pictures that it judged.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Collection, Iterator
from itertools import pairwise
from pathlib import Path

from inspector.errors import InspectorError
from inspector.model_info import file_hash
from inspector.recipe import load_recipe, products
from inspector.station import load_station

_logger = logging.getLogger(__name__)
KEPT = 5  # former models of a product that stay in any case
DAY_S = 86_400.0


def remove_former(product: str, config_dir: Path, model_dir: Path, before: str) -> None:
    """Remove the product's former models that nothing needs any more; `before` is the file that was in use until now.

    What goes is logged. It never raises: a model is in use now, whatever becomes of the old ones.
    """
    try:
        named = {Path(load_recipe(config_dir, each).model_file).name for each in products(config_dir)}
        days = load_station(config_dir).record.picture_days + 1  # pictures go by whole days
        for file in _superfluous(product, model_dir, {*named, before}, time.time() - days * DAY_S):
            file.unlink()
            _logger.info(
                "%s: removed: %d newer former models of %s stay, and no picture is that old", file, KEPT, product
            )
    except (InspectorError, OSError) as error:
        _logger.warning("former models of %s stay: %s", product, error)


def _superfluous(product: str, model_dir: Path, needed: Collection[str], oldest_s: float) -> Iterator[Path]:
    """Those that went out of use before `oldest_s` (s since 1970), newest first. A model's file has the time of its
    take-over; the model was in use until the next one.
    """
    name = re.compile(rf"{re.escape(product)}-([0-9a-f]{{12}})\.onnx")
    known = [(path.stat().st_mtime, path) for path in model_dir.iterdir() if name.fullmatch(path.name)]
    former = [(path, until_s) for (until_s, _), (_, path) in pairwise(sorted(known, reverse=True))]
    for path, until_s in [each for each in former if each[0].name not in needed][KEPT:]:
        # A file that somebody put there under such a name, or a product that is called so, is none of them.
        if until_s < oldest_s and path.stem == f"{product}-{file_hash(path)}":
            yield path
