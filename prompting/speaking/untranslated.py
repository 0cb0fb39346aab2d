"""Which words of a wish a prompt holds as they were written, where its model reads no such words.

The invariant: a word is named only if the prompt really holds it; what a writer translated, and a
name in letters that the model reads, is not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from prompting.reading.lexicon import Lexicon, Word, fold
from prompting.slots import Language, WishText
from prompting.speaking.notes import note

_SHOWN = 8  # words that are named; of more, how many
# Languages in which a capital inside a sentence begins a name.
_NAMING = frozenset({"fr", "es", "it", "pt"})
_SPACED = re.compile(r"\w+(?:['’-]\w+)*")


def untranslated(
    wish: WishText, prompt: str, *, lexicon: Lexicon, language: Language
) -> tuple[str, ...]:
    """The wish's words that the prompt, which is in that language, holds as they were written."""
    if wish.language == language:
        return tuple(_strange(wish.words, prompt)) if language == "en" else ()
    there = fold(prompt)
    found = {fold(piece) for piece in _SPACED.findall(prompt)}
    words = lexicon.read(wish.words, wish.language)
    first = next((word.start for word in words if not word.mark), 0)
    left: dict[str, str] = {}
    for word in words:
        key = fold(word.text)
        if not word.content or _readable(word, wish.language, lexicon, first=word.start == first):
            continue
        if key in (found if _roman(key) else there):
            left.setdefault(key, word.text)
    return tuple(left.values())


def told(wish: WishText, prompt: str, *, lexicon: Lexicon, language: Language, locale: str) -> str:
    """The line about them; empty where there are none."""
    left = untranslated(wish, prompt, lexicon=lexicon, language=language)
    if not left:
        return ""
    shown = ("、" if locale.lower().startswith("zh") else ", ").join(left[:_SHOWN])
    more = len(left) - _SHOWN
    return note("left and more" if more > 0 else "left", locale, words=shown, more=more)


def _readable(word: Word, spoken: Language, lexicon: Lexicon, *, first: bool) -> bool:
    """Whether an English model can read the word: English itself, a number, or a name."""
    if not any(char.isalpha() for char in word.text):
        return True
    if not _roman(word.text):
        return False
    if lexicon.find(word.text, "en"):
        return True
    if spoken in _NAMING:
        return not first and word.entry is None and word.text[0].isupper()
    return spoken not in ("de", "other")  # beside another script, Latin letters are a name's


def _strange(text: str, prompt: str) -> Iterator[str]:
    """Words in letters of other languages, in a wish that is English otherwise."""
    for piece in dict.fromkeys(_SPACED.findall(text)):
        if not _roman(piece) and piece in prompt:
            yield piece


def _roman(text: str) -> bool:
    """Whether every letter is one of the Latin script."""
    return all("LATIN" in unicodedata.name(char, "") for char in text if char.isalpha())
