"""HTML pages that need nothing but themselves: no network, no other file, no script."""

from __future__ import annotations

import base64
from pathlib import Path

import cv2
from jinja2 import Environment, PackageLoader, StrictUndefined

from inspector.errors import DataError
from inspector.files import replacing
from inspector.records import Image
from inspector.text import number, told_apart

JPEG_QUALITY = 88
NOTHING = "\u2013"  # a dash, where there is no figure


def render(template: str, **values: object) -> str:
    """Write a page from `templates/`; whatever comes from names of files and products is escaped."""
    pages = Environment(
        loader=PackageLoader("export.evaluate"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {"figure": figure, "percent": percent, "number": number, "told_apart": told_apart}
    return pages.get_template(template).render(**values)


def write_page(path: Path, page: str) -> None:
    """Write a page, whole or not at all. Raises DataError where it cannot be written."""
    try:
        with replacing(path) as part:
            part.write_text(page, encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror}") from None


def figure(value: float | None, digits: int = 3) -> str:
    """Return a figure as text, a dash where there is none. One that is not quite 1 is not shown as 1."""
    if value is None:
        return NOTHING
    text = f"{value:.{digits}f}"
    return text if value > 1 - 1e-9 or float(text) < 1 else f"{1 - 10**-digits:.{digits}f}"


def percent(value: float | None) -> str:
    """Return a share in percent, with a decimal where it matters."""
    if value is None:
        return NOTHING
    hundred = 100 * value
    return f"{hundred:.0f} %" if hundred == round(hundred) or hundred >= 10 else f"{hundred:.2g} %"


def jpeg_uri(image: Image) -> str:
    """Return a picture as an address that holds the picture itself."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}"


def svg_uri(svg: bytes) -> str:
    """Return a drawing likewise."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"
