"""Which content words of a prompt come from nowhere: measured without the check that is under test.

A word comes from the wish, letter for letter or in another form of it, from what the lexicon says
that a word of the wish means, from the additions that were composed out of our tables, or from the
words that a dialect says for every wish.  The invariant: everything else is counted.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from prompting.reading.denials import denials
from prompting.reading.filler import wished
from prompting.reading.lexicon import Lexicon, fold
from prompting.speaking.captions import vocabulary
from prompting.speaking.dialects import DIALECTS, Speech

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_]+")
_ALIKE = 4  # letters that two forms of a word begin with
_SPEAKING = Path(__file__).parent.parent / "speaking"
# What the forms of dialects say: before a quotation, behind an instruction, of booru's people.
_FRAMES = (
    "with the text keep everything else unchanged no humans solo multiple remove free style "
    "写着无去掉其余部分保持不变"
)
_PEOPLE = re.compile(r"\d+(?:girl|boy|other)s?", re.IGNORECASE)


def inventions(
    wish: str, prompt: str, dialect: str, ours: Iterable[str], lexicon: Lexicon
) -> list[str]:
    """The words of the prompt that come from nowhere, each once; `ours` are our additions."""
    said = fold(prompt)
    phrases = (*ours, *DIALECTS[dialect].before, *DIALECTS[dialect].after)
    folded = {fold(phrase).strip(" .") for phrase in phrases} - {""}
    for phrase in sorted(folded, key=len, reverse=True):  # a riverbank before the river
        said = said.replace(phrase, " ")
    if DIALECTS[dialect].kind is Speech.BOORU:
        said = _PEOPLE.sub(" ", said)
    known = _known(wish, lexicon) | _tables()
    if DIALECTS[dialect].kind.of_few_words:
        known |= _starter()
    function = lexicon.function["en"] | lexicon.function["zh"]
    words = dict.fromkeys(_WORD.findall(said))
    return [word for word in words if word not in function and not _from(word, known)]


def _from(word: str, known: frozenset[str]) -> bool:
    if word in known or any(word in other for other in known if not word.isascii()):
        return True
    begin = word[:_ALIKE] if len(word) > _ALIKE else word.rstrip("s")
    return any(
        other.startswith(begin) or (word.startswith(other[:_ALIKE]) and len(other) > 2)
        for other in known
    )


@lru_cache(maxsize=500)
def _known(wish: str, lexicon: Lexicon) -> frozenset[str]:
    """The wish's own words, and what they mean in English."""
    read = wished(wish, lexicon)
    known = set(_WORD.findall(fold(wish)))
    known.update(_WORD.findall(fold(lexicon.english(read.words, read.language))))
    denied = " ".join(denial.what for denial in denials(read.words, lexicon, read.language))
    for word in (*lexicon.read(read.words, read.language), *lexicon.read(denied, read.language)):
        for form in word.entry.forms.get("en", ()) if word.entry else ():
            known.update(_WORD.findall(fold(form)))
    return frozenset(known)


@lru_cache(maxsize=1)
def _tables() -> frozenset[str]:
    """The words of statements that stand for what is unwanted, and of every dialect's form."""
    with (_SPEAKING / "positive.toml").open("rb") as file:
        said = " ".join(_texts(tomllib.load(file)))
    return frozenset(_WORD.findall(fold(f"{said} {_FRAMES}")))


@lru_cache(maxsize=1)
def _starter() -> frozenset[str]:
    """The words of the built-in image model, which stand for those that it does not know."""
    known = vocabulary()
    said = (*known.objects.values(), *known.places.values(), *known.styles.values())
    return frozenset(word for phrase in said for word in _WORD.findall(phrase))


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    else:
        yield str(value)
