"""Puts the words of a change into the language of the prompt that they go into.

The invariant: a word that is not known in the other language stays as it was said.
"""

from __future__ import annotations

import re
from dataclasses import replace

from prompting.changing.in_english import in_english
from prompting.changing.intents import Aspect, ContentChange
from prompting.changing.vocabulary import UNSPACED, language_of, vocabulary
from prompting.reading.lexicon import OBJECTS, join

_LED = re.compile(
    r"(?:in|on|at|to|next|under|behind|around|above|between|by|near|beside|over|outside|inside)\b"
)
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


def _without_owner(change: ContentChange) -> str:
    """A thing that belongs to another by its own name: 宇航员的衣服 is clothes."""
    owner, of, thing = change.what.rpartition("的" if change.language == "zh" else "の")
    known = vocabulary().find(thing, change.language) if of and owner else None
    return thing if known and known.kind in OBJECTS | {"part"} else change.what


def _place_in(change: ContentChange, language: str) -> str:
    """Where something comes in, with what leads to a place in English: 门口 ▶ at the door."""
    said = said_in(change.where, change.language, language)
    if change.language not in UNSPACED or language != "en" or not said.isascii() or not said:
        return said
    return (
        said if _LED.match(said) else f"{'at' if change.where.endswith('口') else 'on'} the {said}"
    )


def into_language_of(change: ContentChange, prompt: str) -> ContentChange:
    """The change in the prompt's language."""
    language = language_of(prompt)
    if language == change.language or language == "other":
        return change
    return replace(
        change,
        what=said_in(_without_owner(change), change.language, language),
        into=change.into
        if change.aspect is Aspect.TEXT
        else said_in(change.into, change.language, language),
        where=_place_in(change, language),
        to=said_in(change.to, change.language, language),
        language=language,
    )
