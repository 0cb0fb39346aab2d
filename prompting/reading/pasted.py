"""The "generation data" that sites and A1111 show below a picture, pasted whole as a prompt.

    a red cat  Negative prompt: dog  Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5

Line breaks may be gone: a chat's command has none.  Pure.  The invariant: a text without
"Steps: N," and two more pairs behind it, and without words before and behind a "Negative prompt:",
is no such data, and stays a prompt.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

_START = re.compile(r"(?:^|(?<=\s))Steps: ?[0-9]{1,5},\s")
_PAIR = re.compile(r'\s*([A-Z][\w \-/]{0,40}):\s*("(?:\\.|[^\\"]){1,2000}"|[^,]{0,300})(?:,|$)')
_NEGATIVE = re.compile(r"(?:^|(?<=\s))Negative prompt:", re.IGNORECASE)
FEWEST = 3  # pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Pasted:
    """A prompt, its negative prompt ("" when there is none), and the other pairs by their keys."""

    prompt: str
    negative: str
    pairs: dict[str, str]


def pasted(text: str) -> Pasted | None:
    """What was pasted; None when it is a prompt and nothing else."""
    words = text
    pairs: dict[str, str] = {}
    if starts := list(_START.finditer(text)):
        tail = text[starts[-1].start() :]
        found = {key.strip().casefold(): _plain(value) for key, value in _PAIR.findall(tail)}
        if len(found) >= FEWEST:
            words, pairs = text[: starts[-1].start()], found
    prompt, *behind = (part.strip() for part in _NEGATIVE.split(words, maxsplit=1))
    negative = "".join(behind)
    if not pairs and not (prompt and negative):
        return None
    return Pasted(prompt=prompt, negative=negative, pairs=pairs)


def _plain(value: str) -> str:
    value = value.strip()
    if value[:1] == value[-1:] == '"' and len(value) > 1:
        try:
            return str(json.loads(value))
        except ValueError:
            return value.strip('"')
    return value
