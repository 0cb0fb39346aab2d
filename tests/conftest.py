"""Fixtures that tests of several files ask for; and what must not matter to any: somebody's
terminal, how fast the machine finds hypothesis' examples, and its dice.

`make test` draws the same examples every time, so that it fails for a change and not for a throw;
`make test-all` throws anew (--hypothesis-profile=dice), and prints how to repeat what it found.
"""

import os

from hypothesis import HealthCheck, settings

from tests.given.contract import contract, legal
from tests.given.quiet_logs import quiet_afterwards
from tests.given.stored import database
from tests.given.writer_children import no_child_left

__all__ = ["contract", "database", "legal", "no_child_left", "quiet_afterwards"]

os.environ |= {"COLUMNS": "100", "LINES": "40", "TERM": "xterm-256color"}
for _name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
    os.environ.pop(_name, None)

# No clock: how long an example takes is the machine's business.
_CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("alike", parent=_CALM, derandomize=True)
settings.register_profile("dice", parent=_CALM, print_blob=True)
settings.load_profile("alike")
