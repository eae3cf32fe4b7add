"""The command line: verbs, exit codes, signals.

Exit codes: 0 done, 2 an error that the user can fix (one line on stderr), 130 interrupted before anything ran.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import logging
import os
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import NoReturn

from inspector.console import unblocked
from inspector.errors import InspectorError
from inspector.text import printable


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing the program does. Its module is imported only when the verb is used: it may need packages that
    another verb does not.
    """

    name: str
    help: str
    example: str
    module: str  # has add_arguments(parser) and execute(arguments) -> exit code
    unattended: bool = False  # goes on whether or not its output is read


def main(verbs: Sequence[Verb], argv: Sequence[str] | None = None) -> int:
    """Parse the command line and run one verb; errors made on purpose become one line and exit code 2."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_spell_out)
    for ours in ("inspector", "export"):  # other packages' news is noise on a line
        logging.getLogger(ours).setLevel(logging.INFO)
    with contextlib.ExitStack() as streams:
        return _main(verbs, sys.argv[1:] if argv is None else argv, streams)


def _main(verbs: Sequence[Verb], argv: Sequence[str], streams: contextlib.ExitStack) -> int:
    try:
        arguments = _parse(verbs, argv)
        if arguments.unattended:
            streams.enter_context(unblocked())
        code = int(arguments.execute(arguments))
        sys.stdout.flush()  # here and not at the end of Python, where an error could not be caught
        return code
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (InspectorError, OSError) as error:  # an OSError: a folder that cannot be written, a disk that is full
        print(f"error: {_in_a_line(error)}", file=sys.stderr)
    except ModuleNotFoundError as error:
        print(f"error: {error.name} is not installed: pip install '.[train]' in the project's folder", file=sys.stderr)
    except ImportError as error:
        print(f"error: {_in_a_line(error)}: `line-inspector doctor` says what is missing", file=sys.stderr)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 2


def end(code: int) -> int:
    """Return the exit code; where a thread of a line hangs in a library, end the process at once with it.

    Python's own end would take away what such a thread still uses, and the process could abort.
    """
    if any(thread.name.startswith("line-") for thread in threading.enumerate()):
        with contextlib.suppress(OSError):  # nobody reads any more
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    return code


def add_folders(parser: argparse.ArgumentParser) -> None:
    """Add the two options that every verb about a product has."""
    parser.add_argument("--model-dir", type=Path, default=Path("models"), metavar="DIR", help="default: models/")
    parser.add_argument("--config-dir", type=Path, default=Path("config"), metavar="DIR", help="default: config/")


def whole_number(least: int) -> Callable[[str], int]:
    """Return a type for an argument: a whole number from `least` on."""

    def parse(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"wants a whole number from {least}, got {text!r}")
        return int(text)

    return parse


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; argparse would print the whole usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {' '.join(message.split())}: see `{self.prog} --help`\n")


def _spell_out(record: logging.LogRecord) -> bool:
    """Make control codes visible: a message names files, whose names may hold what a terminal would obey."""
    record.msg, record.args = "\n".join(map(printable, record.getMessage().split("\n"))), None
    return True


def _in_a_line(error: BaseException) -> str:
    return printable(" ".join(str(error).split()))


def _parse(verbs: Sequence[Verb], argv: Sequence[str]) -> argparse.Namespace:
    parser = _Parser(
        prog="line-inspector",
        description="Real-time line inspection: learns what good parts look like, then gives every part a verdict.",
        epilog="Start with `line-inspector demo`; `line-inspector VERB --help` explains a verb, with an example.",
    )
    parser.add_argument("--version", action="version", version=version())
    subparsers = parser.add_subparsers(required=True, metavar="VERB")
    for verb in verbs:
        sub = subparsers.add_parser(
            verb.name,
            help=verb.help,
            description=verb.help[0].upper() + verb.help[1:] + ".",
            epilog=f"example:\n  {verb.example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if argv and argv[0] == verb.name:
            module = importlib.import_module(verb.module)
            module.add_arguments(sub)
            sub.set_defaults(execute=module.execute, unattended=verb.unattended)
    return parser.parse_args(argv)


def version() -> str:
    """Return the version of this program, as installed."""
    try:
        return metadata.version("line-inspector")
    except metadata.PackageNotFoundError:
        return "not installed"
