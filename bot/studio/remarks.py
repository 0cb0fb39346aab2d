"""Remarks on a recipe before it is drawn: what its model will make little of.

Pure; the sentences are in `bot.studio.notes`.  Invariant: of the built-in model nothing is said
where all that a prompt says was in its training, by the tables that it was trained with
(`generation/starter/words.py`, `sound_words.py`, `form_words.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bot.studio import notes
from generation.families.family import FAMILIES, has_few_words
from generation.recipe import Recipe
from generation.starter import form_words, sound_words
from generation.starter import words as seen
from prompting.speaking.dialects import DIALECTS

LITTLE = 0.35  # denoise up to which most of a picture stays as it was
LOOKED_AT = 1000  # characters of a prompt

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_MARKED = re.compile(r"<[^<>]*>|\bembedding:\S+|:\d*\.?\d+(?=\s*[)\]])|\bBREAK\b|__[\w./-]+__")
# What carries nothing of a picture, and so asks for nothing that was not seen.
_FEW = (
    "a an the this that these those it its is are be i me my mine you your we our and or with of "
    "in on at by to for from as into near next beside behind under over above below front some "
    "very just please make draw show give want would like create generate paint picture image "
    "something thing one single only so really quite no not without other another more will can "
    "could should let good great there here style background color colour colors colours colored"
)
_SMALL = frozenset(_FEW.split())


def remarks(recipes: Sequence[Recipe]) -> Iterator[str]:
    """What is to be said of the pictures of one request, which differ in words and seeds only."""
    first = recipes[0]
    sampling = first.sampling
    if first.words is None:
        return
    keeps = first.enlarging is not None  # with more pixels, little of it is to be another
    redraws = first.task.needs.redraws and not keeps
    if redraws and sampling is not None and sampling.denoise <= LITTLE:
        yield notes.little_redrawn(sampling.denoise)
    yield from of_words([recipe.prompt for recipe in recipes], first.family)


def of_words(prompts: Sequence[str], family: str) -> Iterator[str]:
    """What is to be said of prompts for a model of that family."""
    foreign = dict.fromkeys(word for prompt in prompts for word in _foreign(prompt))
    if foreign and DIALECTS[FAMILIES[family].dialect].keeps == ("en",):
        yield notes.not_english(" ".join(foreign))
    if has_few_words(family):
        medium = FAMILIES[family].architecture.medium
        found = [never_seen(prompt, medium) for prompt in dict.fromkeys(prompts)]
        unseen = tuple(dict.fromkeys(word for words, _ in found for word in words))
        together = next((things for _, things in found if len(things) > 1), ())
        if unseen:
            yield notes.never_seen(unseen, tuple(TAUGHT[medium].things), medium)
        elif together:
            yield notes.one_thing_only(together, tuple(TAUGHT[medium].things), medium)


def never_seen(prompt: str, medium: str = "image") -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words that the built-in model of a medium was not trained with, and those it was of."""
    plain = _MARKED.sub(" ", prompt[:LOOKED_AT]).replace("’", "'")
    typed = [word for word in _WORD.findall(plain) if word.isascii()]
    words = [word.lower() for word in typed]
    unseen: dict[str, None] = {}
    things: dict[str, None] = {}
    at = 0
    while at < len(words):
        length, thing = _longest(words, at, medium)
        if length == 0 and words[at] not in _tokens(medium):
            unseen.setdefault(typed[at])
        if thing:
            things.setdefault(thing)
        at += max(1, length)
    return tuple(unseen), tuple(things)


def _longest(words: list[str], at: int, medium: str) -> tuple[int, str]:
    """How many words the longest phrase of training has that begins there, and its thing."""
    phrases = _phrases(medium)
    for length in range(min(_MOST_WORDS, len(words) - at), 0, -1):
        thing = phrases.get(tuple(words[at : at + length]))
        if thing is not None:
            return length, thing
    return 0, ""


_MOST_WORDS = 7
_Table = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaughtWords:
    """The words of a built-in model: of one thing each, of how it is, and without a meaning."""

    things: _Table
    said: tuple[_Table, ...]
    idle: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()  # with a colour in the place of {}


_IDLE = (*seen.OPENINGS, *seen.FILLERS, *seen.ADJECTIVES)
TAUGHT = {
    "image": TaughtWords(
        things=seen.OBJECT_WORDS,
        said=(seen.COLOUR_WORDS, seen.SCENERY_WORDS, seen.STYLE_WORDS),
        idle=_IDLE,
        plain=seen.PLAIN,
    ),
    "video": TaughtWords(
        things=seen.OBJECT_WORDS,
        said=(seen.COLOUR_WORDS, seen.MOTION_WORDS, seen.MOTION_VERBS),
        idle=(*_IDLE, *seen.MANNERS, *seen.CLIP_OPENINGS),
        plain=seen.PLAIN,
    ),
    "audio": TaughtWords(
        things=sound_words.KIND_WORDS,
        said=(sound_words.PITCH_WORDS, sound_words.LENGTH_WORDS, sound_words.LOUDNESS_WORDS),
        idle=(*sound_words.PADDING, *sound_words.OPENINGS),
    ),
    "mesh": TaughtWords(
        things=form_words.FORM_WORDS,
        said=(seen.COLOUR_WORDS, form_words.SIZE_WORDS, seen.SCENERY_WORDS, seen.STYLE_WORDS),
        idle=(*_IDLE, *form_words.OPENINGS),
        plain=seen.PLAIN,
    ),
}


@lru_cache(maxsize=4)
def _phrases(medium: str) -> dict[tuple[str, ...], str]:
    """Every phrase of training, with the thing that it names or ""."""
    taught = TAUGHT[medium]
    others = (
        *(phrase for table in taught.said for phrases in table.values() for phrase in phrases),
        *(plain.format(colour) for plain in taught.plain for colour in seen.COLOUR_WORDS),
        *taught.idle,
    )
    found = {_split(phrase): "" for phrase in others}
    for thing, phrases in taught.things.items():
        for phrase in phrases:
            for form in (phrase, f"{phrase}s", f"{phrase}es", f"{phrase[:-1]}ies"):
                found[_split(form)] = thing
    return found


@lru_cache(maxsize=4)
def _tokens(medium: str) -> frozenset[str]:
    """Single words that occur in what was said of how a thing is; a thing's own names are whole."""
    taught = TAUGHT[medium]
    said = (phrase for table in taught.said for phrases in table.values() for phrase in phrases)
    kinds = (kind for table in taught.said for kind in table)
    return _SMALL | {w for phrase in (*said, *kinds, *taught.plain) for w in _split(phrase)}


def _split(phrase: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(phrase.lower()))


def _foreign(prompt: str) -> list[str]:
    """The words of a prompt in a script that is not Latin, as they stand."""
    return [word for word in _WORD.findall(prompt[:LOOKED_AT]) if any(map(_not_latin, word))]


def _not_latin(letter: str) -> bool:
    return letter.isalpha() and ord(letter) > 0x24F and not 0x1E00 <= ord(letter) <= 0x1EFF
