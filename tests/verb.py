"""A verb of the program as a user calls it."""

import io
import sys

import pytest

import inspector.verbs
from inspector import cli


def verb(*words, typed=""):
    """Call it; returns exit code and what was said."""
    with pytest.MonkeyPatch.context() as patch:
        out, err = io.StringIO(), io.StringIO()
        patch.setattr(sys, "stdin", io.StringIO(typed))
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        code = cli.main(inspector.verbs.VERBS, [str(word) for word in words])
        return code, out.getvalue() + err.getvalue()
