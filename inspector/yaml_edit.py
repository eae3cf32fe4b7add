"""Changing a YAML file without a touch to what is around: comments, order and spacing stay."""

from __future__ import annotations

import re
from collections.abc import Sequence

import yaml

from inspector.yaml_file import END, scalar


def without(text: str, key: str) -> str:
    """Return the text without a top-level key and all that is below it. Raises yaml.YAMLError."""
    found = _entry(_root(text), key)
    if found is None:
        return text
    name, value = found
    start, end = name.start_mark.index, value.end_mark.index
    if end > start and text[end - 1 : end] != "\n":
        end = text.find("\n", end) + 1 or len(text)  # with a comment behind it
    below = text[start:end]
    kept = re.search(r"(?:^(?:#[^\n]*)?\n)+\Z", below, flags=re.MULTILINE)  # comments on what follows
    return text[:start] + (kept[0] if kept else "") + text[end:]


def with_nested(text: str, keys: Sequence[str], value: str | float | None) -> str:
    """Return the text with a key below others changed, or added as the first there. Raises yaml.YAMLError, and KeyError
    where one of those above is not there.
    """
    above, last, written = _root(text), keys[-1], "null" if value is None else scalar(value)
    for key in keys[:-1]:
        found = _entry(above, key)
        if found is None:
            raise KeyError(key)
        above = found[1]
    present = _entry(above, last)
    if present is not None:
        start, end = present[1].start_mark.index, present[1].end_mark.index
        return f"{text[:start]}{'' if end > start else ' '}{written}{text[end:]}"
    if not isinstance(above, yaml.MappingNode):
        raise KeyError(last)
    first, column = above.start_mark.index, above.start_mark.column
    if above.flow_style:
        return f"{text[: first + 1]}{last}: {written}, {text[first + 1 :]}"
    return f"{text[:first]}{last}: {written}\n{' ' * column}{text[first:]}"


def with_added(text: str, lines: str) -> str:
    """Return the text with lines behind all others, before the mark of its end."""
    body, end, rest = text.rstrip().partition(f"\n{END}")
    return f"{body}\n{lines.rstrip()}\n{end[1:]}{rest}".rstrip() + "\n"


def _root(text: str) -> yaml.Node | None:
    root: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    return root


def _entry(node: yaml.Node | None, key: str) -> tuple[yaml.Node, yaml.Node] | None:
    """Return a key of a mapping and its value; None where it has none of that name."""
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((pair for pair in node.value if pair[0].value == key), None)
