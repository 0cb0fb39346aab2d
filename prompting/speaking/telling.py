"""Puts a scene behind the person's words, or in their place where it says them all.

    words "a red fox in the snow"     scene "A red fox lies in deep snow. Frost glitters."
    ▶ "A red fox lies in deep snow. Frost glitters."            the scene says every word itself
    words "a red fox and a bench"     scene "A red fox lies in deep snow."
    ▶ "A red fox and a bench. The red fox lies in deep snow."

The invariant: the person's words stand in the text, in their order and with their colours and
numbers; and no text is longer than its dialect wants, unless those words are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from prompting.reading.facts import facts
from prompting.reading.keep import missing
from prompting.reading.lexicon import OBJECTS, Lexicon, Word, fold
from prompting.reading.prose import length
from prompting.slots import Language, WishText

_CHANGES_NOTHING = frozenset({"a", "an", "the", "is", "are", "and", "there"})
_MORE = 2  # words that a sentence has to add
_BETWEEN = 2  # words that may come between two that stand side by side
_INDEFINITE = re.compile(r"(?:An?|Two|Three|Four|Five|Six|Seven|Eight|Nine|Ten)\s(?=\w)")


def says_all(sentence: str, words: str, lexicon: Lexicon, language: Language) -> bool:
    """Whether the sentence holds the words, in their order, with what belongs to what."""
    asked = WishText(text=words, language=language)
    if missing(asked, sentence, lexicon=lexicon, language=language):
        return False
    these = [word for word in lexicon.read(words, language) if _counts(word)]
    those = [word for word in lexicon.read(sentence, language) if _counts(word)]
    at = -1
    for index, word in enumerate(these):
        found = next((i for i in range(at + 1, len(those)) if _alike(word, those[i])), None)
        if found is None:
            return False
        beside = index > 0 and these[index - 1].content and word.content
        if beside and _parted(these[index - 1], word, words, those[at + 1 : found]):
            return False
        at = found
    return True


def _counts(word: Word) -> bool:
    return not word.mark and fold(word.text) not in _CHANGES_NOTHING


def _alike(one: Word, other: Word) -> bool:
    return one.key == other.key or _stem(one) == _stem(other)


def _stem(word: Word) -> str:
    """What the forms of a verb or a noun have in common: cross, crosses, crossing."""
    folded = fold(word.text)
    return re.sub(r"(?<=\w{3})(?:ing|es|ed|s|e)$", "", folded) if folded.isascii() else folded


def adds(sentence: str, words: str, lexicon: Lexicon, language: Language) -> bool:
    """Whether the sentence says more than the words do."""
    said = {_stem(word) for word in lexicon.read(words, language) if word.content}
    new = {_stem(word) for word in lexicon.read(sentence, language) if word.content} - said
    return len(new) >= _MORE


def _parted(before: Word, word: Word, text: str, between: Sequence[Word]) -> bool:
    """Whether words that stood side by side are torn apart."""
    if text[before.end : word.start].strip():  # a comma stood there already
        return False
    return len(between) > _BETWEEN or any(not it.content for it in between)


def referring(sentence: str, words: str, lexicon: Lexicon) -> str:
    """The English sentence behind the words: "a fox" that they have named is "the fox" in it."""
    found = _INDEFINITE.match(sentence)
    if not found:
        return sentence
    named = facts(words, lexicon, "en")
    for word in lexicon.read(sentence[found.end() :], "en"):
        if word.function or (word.mark and not word.text.isspace()):
            return sentence
        if word.entry and word.entry.kind in OBJECTS:
            if word.key not in named.words:
                return sentence
            number = "" if found[0].startswith("A") else found[0].lower()
            return f"The {number}{sentence[found.end() :]}"
    return sentence


def fitting(core: str, phrases: Sequence[str], most: int) -> tuple[str, ...]:
    """The sentences and phrases that fit behind the core; `most` are words of the whole text."""
    said = length(core)
    told: list[str] = []
    for phrase in phrases:
        if said + length(phrase) <= most:
            told.append(phrase)
            said += length(phrase)
    return tuple(told)
