"""Does a prompt say what the wish says?  Compares the facts of both.

`missing` names what a prompt has lost, `contradictions` what it has added against the wish.  Two
invariants: a prompt that is the wish itself lacks nothing and contradicts nothing; a prompt with
one content word deleted, or one colour changed or swapped with another, is always caught.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from prompting.reading.cues import cues, patterns
from prompting.reading.facts import Facts, Pairs, facts
from prompting.reading.forms import in_either_number
from prompting.reading.lexicon import OBJECTS, SCENERY, Lexicon, Word, fold
from prompting.reading.relating import same
from prompting.slots import OpaqueKind, WishText

AGREEING = Path(__file__).with_name("agreeing.toml")

# A picture has one of these: a second one beside the wish's own makes another picture.
_MEDIA = frozenset(
    {
        *("watercolor", "oil painting", "pixel art", "sketch", "ink wash", "line art", "flat"),
        *("cartoon", "comic", "anime", "photo", "3d render", "clay", "origami", "paper cut"),
        *("embroidery", "mosaic", "stained glass", "ukiyo-e", "realistic"),
    }
)
_OPPOSITES = (
    ("big", "small"),
    ("old", "young"),
    ("old", "new"),
    ("happy", "sad"),
    ("happy", "angry"),
    ("dark", "bright"),
    ("warm", "cold"),
    ("tall", "short"),
    ("long", "short"),
    ("day", "night"),
    ("day", "night sky"),
    ("sunny", "rain"),
    ("sunny", "night"),
    ("sunny", "night sky"),
    ("summer", "winter"),
    ("summer", "snow"),
    ("round", "square"),
    ("quiet", "storm"),
)


_MADE = "-made"  # ends the name of what something consists of


@dataclass(frozen=True, slots=True, kw_only=True)
class LostWord:
    """Something of the wish that a prompt lacks."""

    what: Literal["word", "number", "colour", "relation", "unwanted", "opaque"]
    text: str  # what has to be added, as the person wrote it
    keys: tuple[str, ...]  # what must be there: lexicon names, or words in lower case


def missing(
    wish: WishText,
    prompt: str,
    *,
    lexicon: Lexicon,
    negative: str = "",
    handled: Collection[str] = (),
    language: str | None = None,
) -> tuple[LostWord, ...]:
    """What of the wish the prompt lacks.

    What is unwanted may stand in `negative`, or among the phrases `handled`, which were turned into
    something positive.  `language` is the prompt's, where it is known.
    """
    asked = facts(wish.words, lexicon, wish.language)
    plain = readable(prompt, wish)
    found = facts(plain, lexicon, language)
    foreign = language is not None and language != wish.language
    said = _said(found, foreign=foreign)
    losses = [
        LostWord(what="word", text=text, keys=(key,))
        for key, text in (*asked.words.items(), *_swallowed(asked, lexicon, wish.language))
        if not _has(key, text, said, "" if foreign and key in asked.kinds else plain)
    ]
    lost = {key for loss in losses for key in loss.keys}
    losses += _unbound("number", asked.numbers & asked.firm, found.numbers, asked, lost)
    losses += _unbound("colour", asked.colours & asked.firm, found.colours, asked, lost)
    losses += [
        LostWord(what="relation", text=relation, keys=(relation,))
        for relation in sorted(asked.relations if foreign else ())
        if not same(relation, found.relations)
    ]
    there = (negative, *handled, *found.unwanted)
    losses += [
        LostWord(what="unwanted", text=thing, keys=(fold(thing),))
        for thing in asked.unwanted
        if not _denied(thing, there, lexicon, wish.language)
    ]
    return (*losses, *_untouched(wish, prompt))


def _untouched(wish: WishText, prompt: str) -> list[LostWord]:
    """Parts that no writer may touch, and that the prompt holds less often than the wish."""
    wanted = Counter(part.text for part in wish.opaque)
    few = {part for part, number in wanted.items() if prompt.count(part) < number}
    return [
        LostWord(what="opaque", text=part.text, keys=(part.text,))
        for part in wish.opaque
        if part.text in few
    ]


def eaten(phrase: str, lexicon: Lexicon, language: str) -> tuple[str, ...]:
    """The words of a denied phrase that are a place, a time or a doer, and not denied with it.

    Judged apart from the reading of denials, by prepositions alone: whatever that reading takes for
    one phrase, what a preposition divides from the thing is asked for.
    """
    words = [word for word in lexicon.read(phrase, language) if not word.mark]
    known = cues(language)
    bound = known is not None and " ".join(fold(word.text) for word in words[:2]) in known.bound
    if not words or bound or (words[0].entry and words[0].entry.kind == "action"):
        return ()  # looking at the camera is one thing
    at = next((i for i, w in enumerate(words) if i and w.function and _divides(w, language)), None)
    if at is None:
        return ()
    behind = words[:at] if language == "ja" else words[at:]  # Japanese says the place first
    return tuple(word.text for word in behind if word.content)


def _divides(word: Word, language: str) -> bool:
    """Whether a preposition, or a Japanese particle of place, stands here."""
    if language == "ja":
        return word.text in ("で", "に")
    if language == "zh":
        return word.text in patterns("zh").words("preposition")
    known = cues(language)
    return known is not None and fold(word.text) in known.preposition - known.of


def _swallowed(asked: Facts, lexicon: Lexicon, language: str) -> Iterator[tuple[str, str]]:
    """Key and word of everything that a denial has eaten."""
    for phrase in asked.unwanted:
        for text in eaten(phrase, lexicon, language):
            yield lexicon.read(text, language)[0].key, text


def contradictions(
    wish: WishText,
    prompt: str,
    *,
    lexicon: Lexicon,
    language: str | None = None,
    allowed: Collection[str] = (),
) -> tuple[str, ...]:
    """Words of the prompt that make another picture than the wish's.

    Things in `allowed`, by their keys, may stand beside those of the wish.
    """
    asked = facts(wish.words, lexicon, wish.language)
    found = facts(readable(prompt, wish), lexicon, language)
    bad = _otherwise_bound(asked, found)
    denied = {
        word.key
        for thing in asked.unwanted
        for word in lexicon.read(thing, wish.language)
        if word.content
    }
    bad += [
        text
        for key, text in found.words.items()
        if key not in asked.words
        and not _otherwise(key, asked)
        and (
            key in denied or (key not in allowed and _against(key, found.kinds.get(key, ""), asked))
        )
    ]
    bad += [  # a young woman is a woman, and young
        text
        for key, text in found.words.items()
        if found.kinds.get(key) == "person" and _against(fold(text).partition(" ")[0], "", asked)
    ]
    return tuple(dict.fromkeys(bad))


def _otherwise_bound(asked: Facts, found: Facts) -> list[str]:
    """Things of the wish in another colour or number."""
    coloured = {thing for _, thing in asked.colours}
    colours = [
        f"{colour} {thing}"
        for colour, thing in sorted(found.colours)
        if not _bound((colour, thing), asked.colours)
        and (thing in coloured or (thing in asked.words and asked.kinds.get(thing) not in SCENERY))
    ]
    counted = {thing: number for number, thing in asked.numbers}
    numbers = [
        f"{number} {thing}"
        for number, thing in sorted(found.numbers)
        if thing in asked.words and counted.get(thing) != number
    ]
    return [*colours, *numbers]


def _otherwise(key: str, asked: Facts) -> bool:
    """Whether the wish says it in other words: a neon sign of neon and a sign, glass made of it."""
    parts = [part for part in fold(key).split() if part not in ("of", "and")]
    made = f"{key}{_MADE}" in asked.words
    return made or (len(parts) > 1 and all(part in asked.words for part in parts))


def readable(prompt: str, wish: WishText) -> str:
    """The prompt without the wish's opaque parts, but with the words inside weights.

    A word inside a LoRA's name or a quotation is not a word of the picture.
    """
    for part in wish.opaque:
        words = part.reading if part.kind in (OpaqueKind.WEIGHT, OpaqueKind.BREAK) else ""
        if part.kind is OpaqueKind.QUOTE:  # and neither is what says that it is one
            prompt = re.sub(rf"(?:with the )?text {re.escape(part.text)}", " ", prompt)
        prompt = prompt.replace(part.text, f" {words} ")
    return prompt


def _unbound(
    what: Literal["number", "colour"], asked: Pairs, found: Pairs, facts: Facts, lost: set[str]
) -> list[LostWord]:
    return [
        LostWord(what=what, text=" ".join(facts.words[key] for key in pair), keys=pair)
        for pair in sorted(asked)
        if not lost & set(pair) and not _bound(pair, found)
    ]


def _against(key: str, kind: str, asked: Facts) -> bool:
    """Whether a word that the wish does not have makes another picture of it."""
    if kind in OBJECTS:
        return True
    rivals: set[str] = set()
    if key in _MEDIA:
        rivals = set(asked.words) & _MEDIA
    alone, together = _agreeing()
    for family in alone:
        if key in family:
            rivals = set(asked.words) & family
    rivals -= {other for group in together if key in group for other in group}
    # An old man is old, though the lexicon has a word of its own for him.
    ages = {named.partition(" ")[0] for named, its in asked.kinds.items() if its == "person"}
    said = {*asked.words, *ages}
    return bool(rivals) or any(
        (key == one and other in said) or (key == other and one in said)
        for one, other in _OPPOSITES
    )


@lru_cache(maxsize=1)
def _agreeing() -> tuple[tuple[frozenset[str], ...], tuple[frozenset[str], ...]]:
    """What a picture has one of, and what of these can be said together."""
    data = tomllib.loads(AGREEING.read_text("utf-8"))
    alone, together = data["alone"].values(), data["together"]["lists"]
    return tuple(map(_names, alone)), tuple(map(_names, together))


def _names(text: str) -> frozenset[str]:
    return frozenset(" ".join(name.split()) for name in text.split("/"))


def _said(found: Facts, *, foreign: bool) -> Collection[str]:
    """The words of a prompt; in one whose model does not read the wish's language, those of it
    that could have been said in the prompt's are none.
    """
    if not foreign:
        return found.words
    return {key for key, text in found.words.items() if text.isascii() or key not in found.kinds}


def _has(key: str, text: str, said: Collection[str], prompt: str) -> bool:
    if any(form in said for form in in_either_number(key)):
        return True
    plain = fold(key).removesuffix(_MADE)
    if any(plain in fold(other).split() for other in said):
        return True  # the snow of a snow field, the glass of glass-made
    return not text.isascii() and text in prompt  # a script without spaces divides elsewhere


def _bound(pair: tuple[str, str], pairs: Pairs) -> bool:
    return any((pair[0], thing) in pairs for thing in in_either_number(pair[1]))


def _denied(thing: str, there: Collection[str], lexicon: Lexicon, language: str) -> bool:
    if any(fold(thing) in fold(text) for text in there):
        return True
    said = {word.key for text in there for word in lexicon.read(text) if word.content}
    return {word.key for word in lexicon.read(thing, language) if word.content} <= said
