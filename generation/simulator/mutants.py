"""The queue with one of its parts switched off: what that costs is what the part is for.

Each must miss the target that `targets.MUTANT_FAILS` names; a simulator that does not notice
measures nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from generation.queue.fair_queue import FairQueue, Rules
from generation.queue.people import Person
from generation.simulator.policies import FAIR, Contender, fair


class Ghostless(FairQueue):
    """Whoever leaves in debt takes their weight with them at once."""

    def _rest(self, person: Person) -> None:
        owed = self._clock.owed(person)
        if owed < 0.0:
            person.tag += owed / person.weight
        super()._rest(person)


MUTANTS: Mapping[str, Contender] = {
    "no-ghosts": fair(FAIR.name, Rules(), Ghostless),
    "no-express": fair(FAIR.name, Rules(express=0.0)),
    "unbounded-express": fair(FAIR.name, Rules(express=math.inf)),
    "no-affinity": fair(FAIR.name, Rules(affinity=0.0)),
}
