"""The stdout of a program that says frames or lines on it, and nothing else.

The invariant: whatever a library prints afterwards, also from C, goes to stderr.
"""

from __future__ import annotations

import os
import sys
from typing import BinaryIO


def own_stdout() -> BinaryIO:
    """The real stdout; descriptor 1 becomes another name of stderr."""
    sys.stdout.flush()
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return out
