"""The names of stored things.  A job's id is its ticket's: `generation.job.JobId`."""

from __future__ import annotations

import re
from typing import NewType

RequestId = NewType("RequestId", int)
PictureId = NewType("PictureId", int)

LARGEST = 2**63 - 1  # that a database keeps

_NUMBER = re.compile(r"[0-9]{1,19}")


def number_in(text: str) -> int | None:
    """The number that a text is; None for what no stored thing and no message is called.

    Only plain digits: other scripts' digits, signs and numbers beyond 64 bits name nothing.
    """
    if _NUMBER.fullmatch(text) is None:
        return None
    number = int(text)
    return number if 0 < number <= LARGEST else None
