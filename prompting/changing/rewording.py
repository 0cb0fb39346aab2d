"""The parent's words with a change in them.

    "a red flower in a vase"   make it night   ▶  "a red flower in a vase, at night"
    "a cat wearing a blue hat" remove the hat  ▶  "a cat",  negative "hat"

The invariant: whatever the change does not speak of stays as it was typed; every content word of
the change arrives; no content word comes from anywhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from prompting.changing.aspects import content
from prompting.changing.changing_things import became, given, lettered, numbered, placed, swapped
from prompting.changing.cutting import cut, span_of
from prompting.changing.instructing import instruction_for, region_for, replaced, said_for
from prompting.changing.intents import Action, Aspect, ContentChange, Reworded
from prompting.changing.opposites import AT_ODDS
from prompting.changing.phrases import NounPhrase, ParsedPrompt, find, parsed
from prompting.changing.reply import read_kept
from prompting.changing.sounding import moved, sounded
from prompting.changing.styling import library_style
from prompting.changing.surroundings import (
    framed,
    lit,
    set_in,
    styled,
    without_background,
)
from prompting.changing.translating import into_language_of, said_in
from prompting.changing.unspaced import changed_prompt
from prompting.changing.vocabulary import UNSPACED, language_of, vocabulary
from prompting.reading.lexicon import fold

__all__ = ["reworded", "styled"]


_PLACE = re.compile(r"(?:in|on|at|to|under|next|behind|near|beside|by|inside|over|above)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """A prompt and its negative on the way."""

    prompt: str
    negative: str


def reworded(
    prompt: str,
    negative: str,
    changes: Iterable[ContentChange],
    style: str | None = None,
) -> Reworded:
    """The words of the new picture.

    `style` is one that is asked for: the old one's words go, and what the library does not have
    is said in words.
    """
    changes = tuple(changes)
    read = read_kept(prompt)
    words, told = _Words(prompt=read.text, negative=negative), []
    for change in changes:
        spoken = into_language_of(change, read.readable(words.prompt))
        after = _applied(words, spoken)
        told.append(replaced(words.prompt, after.prompt, spoken))
        words = after
    if style is not None:
        said = "" if library_style(style, "en") else _in_words_of(style, words.prompt)
        words = replace(words, prompt=styled(words.prompt, said))
    return Reworded(
        prompt=read.restored(words.prompt),
        negative=words.negative,
        instruction=instruction_for(changes, style),
        region=region_for(changes, prompt),
        said=said_for(changes, told, style),
    )


def _in_words_of(style: str, prompt: str) -> str:
    """A style that was named in one language in the language of the prompt."""
    return said_in(style, language_of(style), language_of(prompt))


def _applied(words: _Words, change: ContentChange) -> _Words:
    if change.action is Action.REMOVE:
        return _removed(words, change)
    if (crossing := _CROSSING.get(change.aspect)) is not None:
        return replace(words, prompt=crossing(words.prompt, change))
    words = replace(words, prompt=_without_odds(words.prompt, change))
    prompt = parsed(words.prompt)
    if prompt.language in UNSPACED:
        text = changed_prompt(words.prompt, prompt.language, change)
        return _Words(prompt=text, negative=_wanted_again(words.negative, change))
    text = _HANDLERS[change.aspect](prompt, change)
    return _Words(prompt=text, negative=_wanted_again(words.negative, change))


def _without_odds(text: str, change: ContentChange) -> str:
    """The prompt without words for what a thing can no longer be."""
    if change.action is not Action.SET:
        return text
    odd = {
        old for word in content(change.into, change.language) for old in AT_ODDS.get(word.key, ())
    }
    gone = [(w.start, w.end) for w in parsed(text).words if w.key in odd or fold(w.text) in odd]
    return cut(text, gone) or text if gone else text


def _removed(words: _Words, change: ContentChange) -> _Words:
    prompt = parsed(words.prompt)
    if prompt.language in UNSPACED and change.aspect is not Aspect.BACKGROUND:
        text = changed_prompt(words.prompt, prompt.language, change)
        return _Words(prompt=text, negative=_with(words.negative, change.what))
    if change.aspect is Aspect.BACKGROUND:
        return replace(words, prompt=without_background(prompt))
    found = find(prompt, change.what, change.language) if change.what else ()
    text = words.prompt
    plain = _as_word(prompt, change)
    if found and not _heads(found, change) and plain is not None:
        text = plain
    elif found:
        spans = [span_of(prompt, phrase) for phrase in found]
        text = cut(text, _apart(spans))
        if not text:
            text = words.prompt  # a picture of nothing is none: the negative alone says it
    elif plain is not None:
        text = plain
    negative = said_in(change.what, change.language, "en") if prompt.language == "en" else ""
    return _Words(prompt=text, negative=_with(words.negative, negative or change.what))


def _heads(found: Iterable[NounPhrase], change: ContentChange) -> bool:
    """Whether what goes is the thing itself, rather than a word that describes it."""
    keys = {word.key for word in content(change.what, change.language)}
    described = any(w.key in keys for phrase in found for w in phrase.words[:-1])
    return not described or any(phrase.head.key in keys for phrase in found)


def _as_word(prompt: ParsedPrompt, change: ContentChange) -> str | None:
    """The prompt without a word that names no thing: an action, a quality, a style."""
    keys = {word.key for word in content(change.what, change.language)}
    spans = [(w.start, w.end) for w in prompt.words if w.content and w.key in keys]
    return cut(prompt.text, spans) if spans else None


def _apart(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans that lie in none of the others, as one where they overlap."""
    out: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if out and start < out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def _with(negative: str, what: str) -> str:
    parts = [part.strip() for part in negative.split(",") if part.strip()]
    if fold(what) not in map(fold, parts):
        parts.append(what)
    return ", ".join(parts)


def _wanted_again(negative: str, change: ContentChange) -> str:
    """The negative prompt without what is asked for now."""
    wanted = {word.key for word in content(change.into, change.language)}
    parts = [part.strip() for part in negative.split(",") if part.strip()]
    kept = [part for part in parts if not _asked(part, wanted)]
    return negative if kept == parts else ", ".join(kept)


def _asked(part: str, wanted: set[str]) -> bool:
    keys = {word.key for word in vocabulary().read(part, "en") if word.content and not word.mark}
    return bool(keys) and keys <= wanted


def _object(prompt: ParsedPrompt, change: ContentChange) -> str:
    if change.action is Action.SWAP:
        return swapped(prompt, change)
    if change.action is Action.ADD:
        return given(prompt, change)
    if _PLACE.match(change.into):
        return placed(prompt, change)
    if change.what and _counts(change):
        return numbered(prompt, change)
    return became(prompt, change)


def _counts(change: ContentChange) -> bool:
    """ "two cats" of cats: the number changes."""
    what = {word.key for word in content(change.what, change.language)}
    into = [word.key for word in content(change.into, change.language)]
    return bool(what) and what <= set(into)


_CROSSING = {Aspect.MOTION: moved, Aspect.SOUND: sounded}

_HANDLERS: Mapping[Aspect, Callable[[ParsedPrompt, ContentChange], str]] = {
    Aspect.LIGHT: lit,
    Aspect.WEATHER: lit,
    Aspect.MOOD: lit,
    Aspect.COLOUR: became,
    Aspect.OBJECT: _object,
    Aspect.BACKGROUND: set_in,
    Aspect.STYLE: lambda prompt, change: styled(prompt.text, change.into),
    Aspect.FRAMING: framed,
    Aspect.TEXT: lettered,
}
