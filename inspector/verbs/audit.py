"""`audit`: whether the trail of changes is whole, and what it says."""

from __future__ import annotations

import argparse

from inspector.errors import InspectorError
from inspector.record.opening import DEFAULT, open_store
from inspector.verbs.serving import check_packages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the verb understands."""
    parser.add_argument("what", choices=("verify", "list"))
    parser.add_argument("--head", metavar="HASH", help="one that `verify` printed before: it must still be there")
    parser.add_argument("--record", default=DEFAULT, metavar="FILE|URL", help=f"default: {DEFAULT}")


def execute(arguments: argparse.Namespace) -> int:
    """Check or list. Raises InspectorError where the trail is not whole."""
    check_packages()
    from inspector.record import audit  # noqa: PLC0415  (it needs packages that were just checked)

    with open_store(arguments.record) as store:
        if arguments.what == "list":
            for row in reversed(audit.entries(store, limit=1000)):
                print(f"{row.id}  {row.utc:%Y-%m-%d %H:%M:%S}Z  {row.who}  {row.action}  {row.subject}  {row.details}")
            return 0
        found = audit.verify(store, arguments.head)
        if found.wrong:
            raise InspectorError(f"{store.name}: audit trail: {found.wrong} ({found.entries} entries before are whole)")
        print(f"{found.entries} entries, all whole and in their place; head {found.head}")
    return 0
