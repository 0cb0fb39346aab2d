"""Puts the words of a change into the language of the prompt that they go into.

The invariant: a word that is not known in the other language stays as it was said.
"""

from __future__ import annotations

from dataclasses import replace

from prompting.changing.in_english import in_english
from prompting.changing.intents import Aspect, ContentChange
from prompting.changing.vocabulary import UNSPACED, language_of, vocabulary
from prompting.reading.lexicon import join


def said_in(text: str, spoken: str, language: str) -> str:
    """The text in that language, as far as its words are known there."""
    if not text or spoken == language:
        return text
    if language == "en" and spoken in UNSPACED:
        return in_english(text, spoken)
    words = vocabulary()
    if language == "en":
        return words.english(text, spoken).strip() or text
    out = []
    for word in words.read(text, spoken):
        forms = word.entry.forms.get(language) if word.entry else None
        out.append(forms[0] if forms else word.text)
    if language not in ("zh", "ja"):
        return "".join(out)
    known = [piece for piece in out if piece.strip()]
    return join(known) if any(piece.isascii() for piece in known) else "".join(known)


def into_language_of(change: ContentChange, prompt: str) -> ContentChange:
    """The change in the prompt's language."""
    language = language_of(prompt)
    if language == change.language or language == "other":
        return change
    return replace(
        change,
        what=said_in(change.what, change.language, language),
        into=change.into
        if change.aspect is Aspect.TEXT
        else said_in(change.into, change.language, language),
        where=said_in(change.where, change.language, language),
        to=said_in(change.to, change.language, language),
        language=language,
    )
