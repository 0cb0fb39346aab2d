"""Styles that replies name: those of the library, and all others as words.

The invariant: a style of the library comes back by its name there; any other as it was said.
"""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from pathlib import Path

from prompting.changing.vocabulary import vocabulary
from prompting.errors import UnknownName
from prompting.reading.lexicon import OBJECTS, fold
from prompting.speaking.styles import Styles, built_in

FILE = Path(__file__).with_name("styles.toml")


@lru_cache(maxsize=1)
def _other_names() -> dict[str, str]:
    with FILE.open("rb") as file:
        table = tomllib.load(file)["library"]
    return {fold(form): name for name, forms in table.items() for form in forms.split("/")}


def library_style(text: str, language: str, styles: Styles | None = None) -> str | None:
    """The library's name of a style; None where it has none of that name."""
    styles = styles or built_in()
    words = vocabulary()
    entry = words.find(text, language) or words.find(text, "en")
    for called in filter(None, (text, entry.name if entry else "", _plain(text))):
        if named := _other_names().get(fold(called)):
            return named
        for form in (called, called.replace(" ", "-")):
            try:
                return styles.find(form).name
            except UnknownName:
                continue
    return None


_FILLER = frozenset(
    (
        *(
            "style",
            "styled",
            "vibe",
            "vibes",
            "look",
            "version",
            "art",
            "like",
            "movie",
            "painting",
        ),
        *("picture", "aesthetic", "feel", "mode", "drawing", "effect", "image", "film", "scene"),
        *("something", "more", "artwork", "print", "illustration", "theme", "rendering", "type"),
        *("stil", "estilo", "stile", "风", "风格", "画", "スタイル", "風"),
    )
)


# What is said of a picture that looks too much like one of these.
DRAWN = frozenset(("painting", "drawing", "drawn", "painted", "sketch", "cartoon", "photo", "3d"))


def style_in(text: str, language: str) -> str:
    """The style that a phrase is about; "" where it is about more than a style.

    The library's name, where the phrase says nothing else; otherwise the phrase.
    """
    if named := library_style(text, language):
        return named
    words = [
        word
        for word in vocabulary().read(text, language)
        if word.content and not word.mark and fold(word.text) not in _FILLER
    ]
    styles = [word for word in words if word.entry and word.entry.kind == "style"]
    if not styles or any(word.entry and word.entry.kind in _THINGS for word in words):
        return ""
    if len(words) > len(styles) + 1:
        return ""
    if len(words) == 1 and (named := library_style(words[0].text, language)):
        return named
    return text


_THINGS = OBJECTS | {"time", "weather", "place", "nature", "part", "look", "action"}


def _plain(text: str) -> str:
    """The style's name without what says that it is one."""
    return re.sub(
        r"\b(a|an|the|in|style[ds]?|art|painting|drawing|illustration|picture|image|version|of)\b",
        " ",
        fold(text),
    ).strip()
