"""Strict reading of YAML files: one line for each mistake, which names the file and the key."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Hashable
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from inspector.errors import RecipeError
from inspector.text import shortened

Model = TypeVar("Model", bound=BaseModel)

MOST_CHARACTERS = 65536  # a file of 16 cameras has 4,000; reading takes a second at most
MOST_TOLD = 300  # characters of a message
BEGIN, END = "---", "..."  # YAML's own marks of a document


def read_text(path: Path) -> str:
    """Return a file's text. Raises RecipeError where it cannot be read, FileNotFoundError where it is not there."""
    try:
        with path.open(encoding="utf-8-sig") as file:  # some editors on Windows write a byte order mark
            text = file.read(MOST_CHARACTERS + 1)
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot be read: {error}") from None
    if len(text) > MOST_CHARACTERS:
        raise RecipeError(f"{path}: has more than {MOST_CHARACTERS} characters: is it the right file?")
    return text


def parse(model: type[Model], text: str, name: str) -> Model:
    """Parse `text` as a `model`. Raises RecipeError that begins with `name`, the file's."""
    if is_marked(text) and _lines(text)[-1] != END:
        raise RecipeError(
            f"{name}: looks half-written: it begins with a line {BEGIN} and does not end with a line {END}"
        )
    try:
        data = load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # the last two: a date of month 13, a thousand [
        raise RecipeError(f"{name}: not valid YAML: {shortened(_where(error), MOST_TOLD)}") from None
    if not isinstance(data, dict):
        raise RecipeError(f"{name}: wants `key: value` lines, got {type(data).__name__}")
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise RecipeError(f"{name}: {complaint(error, in_yaml=True)}") from None


def is_marked(text: str) -> bool:
    """Return whether the text begins with a line ---, and so must end with a line ... to be whole."""
    return _lines(text)[:1] == [BEGIN]


def load(text: str) -> Any:
    """Return what YAML text stands for. Raises yaml.YAMLError, also for a key given twice, and ValueError."""
    return yaml.load(text, Loader=_UniqueKeys)


def scalar(value: str | float) -> str:
    """Return a value as YAML reads it back: the product "12" or the hash "1234e5678901" would come back as a number."""
    if not isinstance(value, str):
        return str(value)
    try:
        plain = load(value) == value
    except (yaml.YAMLError, ValueError):
        plain = False
    return value if plain else "'" + value.replace("'", "''") + "'"


OR_AUTO = {"threshold": "above 0", "false_rejects": "above 0 and below 1"}  # keys that are a number or auto


def complaint(error: ValidationError, *, in_yaml: bool = False) -> str:
    """Say what is wrong, in a line that is not too long: which key, what was given and what was wanted.

    Every strict model's mistakes are told by it: recipes, the station, a model's metadata, saved results.
    """
    return shortened(_complaint(error, in_yaml), MOST_TOLD)


def _complaint(error: ValidationError, in_yaml: bool) -> str:
    first = error.errors()[0]
    where = first["loc"]
    where = where[:-1] if len(where) > 1 and where[-2] in OR_AUTO else where  # which of the two it was to be is no key
    key = ".".join(str(part) for part in where)
    if first["type"] == "string_type" and where[-1] == "[key]":
        parent = ".".join(str(part) for part in where[:-2])
        return f"{parent}: a name in it is {_shown(first['input'])} to YAML: put it in quotes"
    if first["type"] == "extra_forbidden":
        return f"unknown key {key}"
    if first["type"] == "missing":
        return f"key {key} is missing"
    if where and where[-1] in OR_AUTO:
        return f"{key}: wants auto or a number {OR_AUTO[str(where[-1])]}, got {_shown(first['input'])}"
    message = first["msg"].removeprefix("Value error, ")
    given = "" if isinstance(first["input"], dict) else f", got {_shown(first['input'])}"
    if (
        in_yaml
        and first["type"] in ("string_type", "invalid_key")
        and isinstance(first["input"], (bool, int, float, date))
    ):
        given += ": put it in quotes"  # YAML reads no, on, 007, 1e5 and 2024-01-31 as something else
    return f"{key}: {message}{given}" if key else message


def _shown(value: object) -> str:
    """Return what was given, cut short before all of it is written out: it may be very much."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = short.maxlong = 80
    return short.repr(value)


class _UniqueKeys(yaml.SafeLoader):
    """A SafeLoader for which a key given twice is an error: PyYAML silently keeps the last.

    So are aliases: a few lines of them stand for more than any computer can hold.
    """

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "an alias (*) is not read: write it out", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                continue  # refused by PyYAML itself
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"duplicate key {key}", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


# Numbers as in YAML 1.2. In 1.1, which PyYAML reads, 1e-05 is a string, 0x3 is 3, 010 is 8 and 1:30 is 90.
_INT, _FLOAT = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"
_UniqueKeys.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in (_INT, _FLOAT)]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_UniqueKeys.add_implicit_resolver(_INT, re.compile(r"[-+]?(0|[1-9][0-9]*)$"), list("-+0123456789"))
_UniqueKeys.add_implicit_resolver(
    _FLOAT,
    re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?$|[-+]?\.inf$|\.nan$"),
    list("-+.0123456789"),
)


def _lines(text: str) -> list[str]:
    """Return the lines that are not empty and no comments."""
    lines = (line.rstrip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _where(error: Exception) -> str:
    if not isinstance(error, yaml.MarkedYAMLError):
        return str(error).splitlines()[0]
    mark = error.problem_mark or error.context_mark
    return f"line {mark.line + 1}: {error.problem}" if mark else str(error.problem)
