"""The composition root: the runtime's verbs, and the training side's."""

import os
import sys

import export.verbs
import inspector.verbs
from inspector import cli


def main() -> int:
    """Run the command line. Returns the exit code."""
    # Before PyTorch is there: else its threads spin where they wait for one another, and training beside a line, which
    # has the cores first, takes several times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    return cli.end(cli.main((*export.verbs.VERBS, *inspector.verbs.VERBS)))


if __name__ == "__main__":
    sys.exit(main())
