"""Reasons in a column of text: as JSON, and as releases before kept them.

{"kind": "OutOfMemory", "facts": [8589934592, 1073741824]}
OutOfMemory: out of memory: needed 8589934592, free 1073741824 bytes      (an older release)
"""

from __future__ import annotations

import json

from generation.reasons import Reason


def dump(reason: Reason) -> str:
    """The reason as text; what an older release told, stays as it was."""
    if reason.told is not None:
        return f"{reason.kind}: {reason.told}"
    return json.dumps({"kind": reason.kind, "facts": reason.facts})


def load(text: str | None) -> Reason | None:
    """The reason that a column holds; of an older release's text, the kind and the words."""
    if not text:
        return None
    try:
        kept = json.loads(text)
        facts = tuple(tuple(map(str, f)) if isinstance(f, list) else f for f in kept["facts"])
        return Reason(kind=str(kept["kind"]), facts=facts)
    except (ValueError, TypeError, KeyError, RecursionError):
        kind, _, told = text.partition(": ")
        return Reason(kind=kind, told=told)
