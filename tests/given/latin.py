"""What of a text is words in Latin letters: two or more of them in a row, as no Chinese has them.

Names are allowed (of models, samplers, what is typed as code), and numbers, ids and addresses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import discord

_ALLOWED = re.compile(
    r"`[^`]*`"  # what is typed, and names of files
    r"|https?://\S+|<[@#t:][^>]*>|:[a-z_]+:|\]\([^)]*\)"
    r"|sha256|docs/\w+\.md"
)
_RUN = re.compile(r"[A-Za-z][A-Za-z'’-]+(?:[ ,;:]+[A-Za-z][A-Za-z'’-]+)+")


def english_in(text: str, names: Iterable[str] = ()) -> list[str]:
    """Every run of two or more Latin words that is no name."""
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, "·")
    return _RUN.findall(_ALLOWED.sub("·", text))


def texts_of(message: discord.Message) -> Iterator[str]:
    """Everything that stands in a message: its words, and on its buttons and menus."""
    yield message.content
    for row in message.components:
        for part in getattr(row, "children", ()):
            yield getattr(part, "label", None) or ""
            yield getattr(part, "placeholder", None) or ""
            for option in getattr(part, "options", ()):
                yield option.label
                yield option.description or ""


def texts_of_form(modal: dict[str, Any]) -> Iterator[str]:
    """Everything that stands in a form, and nothing that was written into it."""
    yield modal["title"]
    yield from _texts_of_parts(modal["components"])


def _texts_of_parts(parts: list[dict[str, Any]]) -> Iterator[str]:
    for part in parts:
        for key in ("label", "description", "placeholder"):
            if isinstance(part.get(key), str):
                yield part[key]
        for option in part.get("options", ()):
            yield option["label"]
            yield option.get("description") or ""
        inner = part.get("components") or ([part["component"]] if part.get("component") else [])
        yield from _texts_of_parts(inner)
