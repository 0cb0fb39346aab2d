"""A revision: what a reply made of a picture, kept with the request that draws it.

The next reply builds on it: several changes in a row are drawn from the picture that the first of
them began with.  The invariant: `changes` are all that lie between the words of that picture, which
are `base`, and those of this request.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from generation.spelling import plain, read
from prompting.changing.intents import ContentChange, IntentKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """How a request changes a picture."""

    typed: str  # the reply
    kind: IntentKind
    said: str  # the visible line: "red → blue; seed, size, model stay"
    base: str
    changes: tuple[ContentChange, ...] = ()

    def to_json(self) -> str:
        """One line that `from_json` reads back to an equal value."""
        return json.dumps(plain(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | None) -> Revision | None:
        """What `to_json` wrote; None for none."""
        return None if text is None else read(cls, json.loads(text), kept=True)
