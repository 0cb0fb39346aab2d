"""JSON in the texts of strangers: read or not, never raised over.

Pure.  NaN and Infinity, which Python writes, are read; whoever takes a number out checks it.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping

from generation.interchange.imported import LONGEST


def value_in(text: object) -> object | None:
    """The value that a text is; None where it is none."""
    if not isinstance(text, str) or not text or len(text) > LONGEST:
        return None
    try:
        found: object = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    return found


def object_in(text: object) -> Mapping[str, object] | None:
    """The object that a text is, or that a text in a text is."""
    if not isinstance(text, str) or text.lstrip()[:1] not in ("{", '"'):
        return None
    found = value_in(text)
    if isinstance(found, str) and found.lstrip()[:1] == "{":
        found = value_in(found)
    return found if isinstance(found, dict) else None


def object_of(value: object) -> Mapping[str, object]:
    """The value, if it is an object; else none with anything in it."""
    return value if isinstance(value, dict) else {}


def objects(value: object) -> list[Mapping[str, object]]:
    """The objects in a list."""
    found = value[:500] if isinstance(value, list) else []
    return [one for one in found if isinstance(one, dict)]


def texts_in(value: object) -> list[str]:
    """The texts of a list, of a list as Python writes it, or of a text with commas."""
    if isinstance(value, str):
        if value.lstrip()[:1] in ("[", "("):
            try:
                value = ast.literal_eval(value[:20_000].strip())
            except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
                return []
        else:
            value = value.split(",")
    if not isinstance(value, list | tuple):
        return []
    return [str(one).strip() for one in value if isinstance(one, str | int | float)][:500]
