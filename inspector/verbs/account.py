"""`account`: who may act on a station by its pages."""

from __future__ import annotations

import argparse
import getpass
import sys

from inspector.errors import InspectorError
from inspector.record.opening import DEFAULT, open_store
from inspector.verbs.serving import check_packages

ROLES = ("viewer", "operator", "engineer")
NAME = 64  # characters


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the verb understands."""
    parser.add_argument("what", choices=("add", "remove", "list"))
    parser.add_argument("name", nargs="?", help="of the account; adding one that is there changes role and password")
    parser.add_argument(
        "--role",
        choices=ROLES,
        help="viewer looks; operator also changes products and judges rejects; engineer does everything",
    )
    parser.add_argument("--record", default=DEFAULT, metavar="FILE|URL", help=f"default: {DEFAULT}")


def execute(arguments: argparse.Namespace) -> int:
    """Add, remove or list. The password is asked for, or read from a pipe: an option would be seen by others."""
    check_packages()
    from inspector.record import audit  # noqa: PLC0415  (they need packages that were just checked)
    from inspector.record.accounts import Accounts  # noqa: PLC0415

    with open_store(arguments.record) as store:
        accounts = Accounts(store)
        if arguments.what == "list":
            for account in accounts.all():
                print(f"{account.name}  {account.role}  since {account.created_utc:%Y-%m-%d}")
            return 0
        name = _name(arguments.name)
        if arguments.what == "remove":
            audit.append(store, _user(), "remove account", name, {})
            accounts.remove(name)
            return 0
        kept = _hashed(_password())
        audit.append(store, _user(), "add account", name, {"role": _role(arguments.role)})
        accounts.put(name, _role(arguments.role), kept)
    return 0


def _name(given: str | None) -> str:
    if not given or not given.isprintable() or len(given) > NAME or given != given.strip():
        raise InspectorError(f"account: wants a name of at most {NAME} characters, got {given!r}")
    return given


def _role(given: str | None) -> str:
    if given is None:
        raise InspectorError(f"account add: --role is missing: one of {', '.join(ROLES)}")
    return given


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("password: ")
    if getpass.getpass("once more: ") != first:
        raise InspectorError("the two passwords differ: nothing was changed")
    return first


def _hashed(password: str) -> str:
    from inspector.page.passwords import hashed  # noqa: PLC0415

    return hashed(password)


def _user() -> str:
    """Who sits at the terminal, as the trail has them."""
    try:
        return f"(terminal) {getpass.getuser()}"
    except (KeyError, OSError):  # a container without an entry for its user
        return "(terminal)"
