"""Fixtures that tests of several files ask for; and what must not matter to any: somebody's
terminal, and how fast the machine finds hypothesis' examples."""

import os

from hypothesis import HealthCheck, settings

from tests.contract import contract
from tests.writer_children import no_child_left

__all__ = ["contract", "no_child_left"]

os.environ |= {"COLUMNS": "100", "LINES": "40", "TERM": "xterm-256color"}
for _name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
    os.environ.pop(_name, None)

_CALM = "without a clock"
settings.register_profile(_CALM, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(_CALM)
