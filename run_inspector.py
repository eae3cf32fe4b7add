"""The composition root: the runtime's verbs, and the training side's."""

import sys

import export.verbs
import inspector.verbs
from inspector import cli


def main() -> int:
    """Run the command line. Returns the exit code."""
    return cli.end(cli.main((*export.verbs.VERBS, *inspector.verbs.VERBS)))


if __name__ == "__main__":
    sys.exit(main())
