"""Forms of words: how they are compared, and the regular endings of several languages."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache


@lru_cache(maxsize=20_000)
def fold(text: str) -> str:
    """The form in which words are compared: NFKC, lower case, plain apostrophes."""
    return unicodedata.normalize("NFKC", text).casefold().replace("’", "'")


_ENDINGS = {
    "de": ("e", "er", "es", "en", "em", "n", "s", "r", "nen", "se"),
    "fr": ("s", "e", "es", "x"),
    "es": ("s", "es"),
    "pt": ("s", "es"),
    # Particles, which Korean writes to the noun.
    "ko": (
        "을",
        "를",
        "이",
        "가",
        "은",
        "는",
        "에",
        "의",
        "로",
        "으로",
        "와",
        "과",
        "도",
        "에서",
        "만",
    ),
}
# The endings of Russian cases and numbers, by how the word in the lexicon ends.
_RUSSIAN = {
    **dict.fromkeys(
        ("ый", "ий", "ой"),
        (
            *("ая", "ое", "ее", "яя", "ые", "ие", "ого", "его", "ому", "ему", "ым", "им", "ом"),
            *("ем", "ую", "юю", "ой", "ей", "ых", "их", "ыми", "ими", "о"),
        ),
    ),
    "а": ["ы", "и", "е", "у", "ой", "ою", "ам", "ами", "ах", ""],
    "я": ["и", "е", "ю", "ей", "ёй", "ям", "ями", "ях", "ь", "й"],
    "ь": ["и", "ю", "ем", "ём", "е", "ей", "ям", "ями", "ях", "ью", "я"],
    "й": ["я", "ю", "ем", "е", "и", "ев", "ям", "ями", "ях"],
    "о": ["а", "у", "ом", "е", "ам", "ами", "ах", ""],
    "е": ["я", "ю", "ем", "ям", "ями", "ях", "й", "а", "у"],
    "ы": ["ов", "ам", "ами", "ах", ""],
    "и": ["ов", "ам", "ами", "ах", "ей", "ям", "ями", "ях", ""],
    "ок": ["ка", "ку", "ком", "ке", "ки", "ков", "кам", "ками", "ках"],
    "ец": ["ца", "цу", "цом", "цем", "це", "цы", "цев", "цам", "цами", "цах"],
    "": ["а", "у", "ом", "ем", "е", "ы", "и", "ов", "ей", "ам", "ами", "ах"],
}


def _russian(form: str) -> Iterator[str]:
    """Cases and numbers of a Russian word, or of two: воздушный шар, воздушным шаром."""
    before, space, last = form.rpartition(" ")
    ending = next(end for end in _RUSSIAN if last.endswith(end))
    stem = last.removesuffix(ending)
    forms = [last, *(stem + other for other in _RUSSIAN[ending])]
    leading = [before, *_russian(before)] if before.endswith(("ый", "ий", "ой")) else [before]
    yield from (f"{first}{space}{second}" for first in leading for second in forms)


# What ends a form instead of its own ending: gatto ▶ gatti, largo ▶ larghe; azul ▶ azuis.
_INSTEAD: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "es": {"o": ("a", "os", "as")},
    "it": {
        **{f"{hard}o": (f"{hard}a", f"{hard}hi", f"{hard}he", f"{hard}i") for hard in "cg"},
        **{f"{hard}a": (f"{hard}he",) for hard in "cg"},
        "io": ("i", "ia", "ie"),
        "o": ("a", "i", "e"),
        "a": ("e",),
        "e": ("i",),
    },
    "pt": {"ão": ("ões",), "o": ("a", "os", "as"), "l": ("is",), "m": ("ns",)},
}


def inflected(form: str, language: str, *, noun: bool) -> Iterator[str]:
    """Regular forms of a word besides itself; some are no words, and do no harm."""
    if language == "en":
        if noun:
            yield from plurals(form)
            yield f"{form}'s"
        return
    if language == "ru":
        yield from _russian(form)
    for ending in _ENDINGS.get(language, ()):
        yield form + ending
    instead = _INSTEAD.get(language, {})
    if own := next((ending for ending in instead if form.endswith(ending)), ""):
        yield from (form.removesuffix(own) + ending for ending in instead[own])
    if language == "de" and form.endswith("el"):  # dunkel, dunkle
        yield from (form[:-2] + ending for ending in ("le", "ler", "les", "len"))


def plurals(noun: str) -> tuple[str, ...]:
    """The regular English plurals of a noun."""
    if noun.endswith("y") and noun[-2:-1] not in tuple("aeiou"):
        return (f"{noun[:-1]}ies",)
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return (f"{noun}es",)
    return (f"{noun}s",)


_PLURALS = {
    **{noun: noun for noun in ("fish", "sheep", "deer", "goldfish", "koi", "jellyfish", "people")},
    **{noun: noun for noun in ("glasses", "sunglasses", "noodles", "stairs", "ruins", "hair")},
    "mouse": "mice",
    "goose": "geese",
    "wolf": "wolves",
    "elf": "elves",
    "leaf": "leaves",
    "knife": "knives",
    "scarf": "scarves",
    "child": "children",
    "person": "people",
    "man": "men",
    "woman": "women",
    "snowman": "snowmen",
    "fisherman": "fishermen",
}


def plural(noun: str) -> str:
    """The plural of an entry's name: "cherry blossom" ▶ "cherry blossoms"."""
    head, space, last = noun.rpartition(" ")
    return f"{head}{space}{_PLURALS.get(last) or plurals(last)[0]}"
