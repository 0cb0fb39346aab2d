"""Puts the words of a change into the language of the prompt that they go into.

The invariant: a word that is not known in the other language stays as it was said.
"""

from __future__ import annotations

import re
from dataclasses import replace

from prompting.changing.in_english import in_english
from prompting.changing.intents import Aspect, ContentChange
from prompting.changing.vocabulary import UNSPACED, language_of, vocabulary
from prompting.reading.lexicon import join

# Choices, weights and tags stay as they were typed.
_KEPT = re.compile(r"[{}<>|]|:\d")


def said_in(text: str, spoken: str, language: str) -> str:
    """The text in that language, as far as its words are known there."""
    if not text or spoken == language or _KEPT.search(text):
        return text
    if language == "en" and spoken in UNSPACED:
        return in_english(text, spoken)
    words = vocabulary()
    if language == "en":
        return words.english(text, spoken).strip() or text
    read = words.read(text, spoken)
    out = [
        word.entry.forms.get(language, (word.text,))[0] if word.entry else word.text
        for word in read
    ]
    if language not in UNSPACED:
        return "".join(out)
    known = [said for said, word in zip(out, read, strict=True) if word.content]
    return join(known) if any(said.isascii() for said in known) else "".join(known) or text


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
