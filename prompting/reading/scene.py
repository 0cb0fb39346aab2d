"""Reads a writer's scene sentence by sentence: what may stand in a prompt stays, the rest goes.

    wish "a red fox in the snow"
    "A red fox lies in deep snow. Sure! A hunter watches. Low sun gilds its blue fur. The air is"
     ▲ stays                      ▲ talk ▲ newcomer        ▲ contradiction               ▲ cut off

The invariant: a sentence that stays describes the wish's picture, in the prompt's language, and
brings in nobody, no lettering, no denial and no second picture; and it stays letter for letter.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache

from prompting.reading.cleaning import unfit
from prompting.reading.denials import denials
from prompting.reading.facts import Facts, facts
from prompting.reading.keep import contradictions
from prompting.reading.lexicon import Lexicon, fold
from prompting.reading.newcomers import company, newcomers
from prompting.reading.prose import divided, length
from prompting.reading.scene_tables import scene_signs, signs
from prompting.slots import Language, WishText

FEWEST, MOST = 4, 60  # words of a sentence
_NEAR = 3  # words between a body and its colour
_ALIKE = 0.7  # share of content words from which a sentence repeats another
_SIGNS = ("talk", "about", "denies", "letters", "grades", "says_nothing")
_MARKUP = re.compile(
    r"[<>{}\[\]|\\_#*=^~@`]|\w+://|www\.|\bx\d\b|:\s*$|^\s*[-•\d]+[.)]?\s|^\w+(?:\s\w+)?\s*[:：]"
)
_QUOTES = re.compile(r"[\"“”„«»「」『』]|(?<!\w)['‘][^'‘’]{1,60}['’](?!\w)")
_FIGURES = re.compile(r"(?<![\w.,])\d{3,}(?!\w)")
_HAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_LATIN_WORD = re.compile(r"[A-Za-z]{2,}")
_FOREIGN = re.compile(r"[\u0370-\u03ff\u0400-\u052f\u0590-\u06ff\u0900-\u0eff]")
_NAME = re.compile(r"(?<=[\w,;] )[A-Z][\w'’-]+")
_ENDLESS = re.compile(r"(\w)\1{3}", re.IGNORECASE)
_LIST = re.compile(r"^(?:[^,.]{1,25},\s*){4,}[^,.]{1,30}[.!]?$")
# Styles that say how a thing looks, or what it is made of, and not how a picture was made.
_PLAIN = frozenset(
    {
        *("flat", "clay", "mosaic", "embroidery", "sketch", "paper cut", "knitted", "origami"),
        *("portrait", "landscape", "cinematic", "minimalist", "vintage", "pastel", "gothic"),
        *("dreamy", "medieval", "abstract", "illumination", "stamp", "fresco", "etching", "noir"),
        *("lego", "collage", "postcard", "blackboard", "chalkboard", "stained glass", "neon"),
        *("baroque", "renaissance", "tattoo", "doodle", "engraving", "horror", "realistic"),
    }
)


_MATTER = frozenset({"oil", "outline", "outlines", "ink"})  # words of a style that are things


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What became of a scene."""

    sentences: tuple[str, ...]  # that may be told, in order
    dropped: tuple[tuple[str, str], ...]  # the others, and what is wrong with each


def read_scene(
    text: str,
    wish: WishText,
    lexicon: Lexicon,
    *,
    language: Language,
    subject: str = "",
    styles: Collection[str] = (),
) -> Scene:
    """The sentences of the text that may stand beside the wish.

    `language` is the prompt's, `subject` what the prompt says of the wish in that language, and
    `styles` the media that were chosen besides.
    """
    whole, rest = divided(text)
    reader = _Reader(wish, lexicon, language, subject, styles)
    for sentence in whole:
        reader.read(sentence)
    if rest:
        reader.dropped.append((rest, "cut off"))
    return Scene(sentences=tuple(reader.told), dropped=tuple(reader.dropped))


class _Reader:
    """Goes through the sentences once; what was told binds what follows."""

    def __init__(
        self,
        wish: WishText,
        lexicon: Lexicon,
        language: Language,
        subject: str,
        styles: Collection[str],
    ) -> None:
        self._wish, self._lexicon, self._language = wish, lexicon, language
        self._asked = facts(wish.words, lexicon, wish.language)
        self._said = [self._asked, *([facts(subject, lexicon, language)] if subject else [])]
        self._own = f"{wish.words} {subject}"
        self._styles = frozenset(styles)
        self.told: list[str] = []
        self.dropped: list[tuple[str, str]] = []

    def read(self, sentence: str) -> None:
        """Take the sentence, or say why not."""
        if why := self._form(sentence) or self._signs(sentence) or self._picture(sentence):
            self.dropped.append((sentence, why))
        else:
            self.told.append(sentence)

    def _form(self, sentence: str) -> str:
        """What is wrong with it whatever the picture."""
        chinese = self._language == "zh"
        words = length(sentence)
        if not FEWEST <= words <= MOST or any(
            odd.search(sentence) for odd in (_MARKUP, _LIST, _ENDLESS)
        ):
            return "no sentence"
        if _QUOTES.search(sentence) or _FIGURES.search(sentence):
            return "letters"
        foreign = _LATIN_WORD if chinese else _HAN
        if any(
            found not in self._own
            for found in (*foreign.findall(sentence), *_FOREIGN.findall(sentence))
        ):
            return "another language"
        if not chinese and words > FEWEST and self._lexicon.language(sentence) != "en":
            return "another language"
        if not chinese and any(
            fold(name) not in fold(self._own) and fold(name) not in _words_of("plain_names", "en")
            for name in _NAME.findall(sentence)
        ):
            return "name"
        return "repeats" if self._repeats(sentence) else ""

    def _signs(self, sentence: str) -> str:
        """Which sign of one that describes no picture it bears."""
        own = fold(self._own)
        for sign, first, name in _signs_of("zh" if self._language == "zh" else "en"):
            found = sign.match(sentence) if first else sign.search(sentence)
            if found and not _says(own, fold(found[0])):
                return name
        if denials(sentence, self._lexicon, self._language):
            return "denies"
        return "says nothing" if self.told and not self._new(sentence) else ""

    def _picture(self, sentence: str) -> str:
        """What it shows that is not in this picture."""
        lexicon, language = self._lexicon, self._language
        told = [facts(it, lexicon, language) for it in self.told]
        new, may = newcomers(sentence, company(self._said, self._own, told), lexicon, language)
        if new:
            return "newcomer"
        against = contradictions(
            self._wish, sentence, lexicon=lexicon, language=language, allowed=may
        )
        if against or self._against_told(sentence, may):
            return "contradiction"
        said = facts(sentence, self._lexicon, self._language)
        if self._medium(said):
            return "medium"
        return "contradiction" if self._recoloured(sentence) else ""

    def _against_told(self, sentence: str, may: Collection[str]) -> bool:
        """Whether it contradicts what was told so far."""
        told = WishText(text=" ".join(self.told), language=self._language)
        against = contradictions(
            told, sentence, lexicon=self._lexicon, language=self._language, allowed=may
        )
        # "a few steps away" counts nothing: of unknown words nobody knows whether they are things.
        return any(self._lexicon.find(text.split()[-1], self._language) for text in against)

    def _medium(self, said: Facts) -> bool:
        """Whether it names a medium that nobody chose."""
        styles = {
            key
            for key, text in said.words.items()
            if said.kinds.get(key) == "style" and key not in _PLAIN and fold(text) not in _MATTER
        }
        return not styles <= {*self._asked.words, *self._styles}

    def _recoloured(self, sentence: str) -> bool:
        """Whether fur, paint or petals have a colour that the wish's only subject has not."""
        mine = {colour for colour, _ in self._asked.colours}
        if not mine:
            return False
        words = self._lexicon.read(sentence, self._language)
        words = tuple(word for word in words if not word.text.isspace())
        bodies = _words_of("bodies", "zh" if self._language == "zh" else "en")
        for at, word in enumerate(words):
            if fold(word.text) in bodies:
                near = words[max(0, at - _NEAR) : at + _NEAR + 1]
                colours = {it.key for it in near if it.entry and it.entry.kind == "colour"}
                if not colours <= mine:
                    return True
        return False

    def _repeats(self, sentence: str) -> bool:
        words = self._content(sentence)
        many = Counter(words).most_common(1)
        mine = set(self._content(self._own))
        if many and many[0][1] >= 3 and many[0][0] not in mine:
            return True
        if fold(sentence).strip(" .。") == fold(self._wish.words).strip(" .。"):
            return True
        these = set(words) - mine
        for told in self.told:
            those = set(self._content(told)) - mine
            if fold(told) == fold(sentence) or _share(these, those) >= _ALIKE:
                return True
            if fold(told).split()[:5] == fold(sentence).split()[:5] and len(sentence.split()) > 5:
                return True
        return _stutters(sentence)

    def _new(self, sentence: str) -> bool:
        """Whether it shows anything that the words of the wish do not say."""
        said = {word.removesuffix("s") for word in self._content(self._own)}
        judging = _words_of("judges", "zh" if self._language == "zh" else "en")
        words = (word.removesuffix("s") for word in self._content(sentence))
        return any(word not in said and word not in judging for word in words)

    def _content(self, text: str) -> list[str]:
        read = self._lexicon.read(text, self._language)
        return [word.key for word in read if word.content]


def _share(these: set[str], those: set[str]) -> float:
    least = min(len(these), len(those))
    return len(these & those) / least if least >= 3 else 0.0


def _stutters(sentence: str) -> bool:
    """Whether the same three words stand in it twice, or one twice in a row."""
    words = re.findall(r"\w+", fold(sentence))
    if any(one == two for one, two in itertools.pairwise(words)):
        return True
    threes = Counter(zip(words, words[1:], words[2:], strict=False))
    return any(count > 1 for count in threes.values())


def _says(own: str, sign: str) -> bool:
    return (
        bool(re.search(rf"(?<!\w){re.escape(sign)}(?!\w)", own)) if sign.isascii() else sign in own
    )


@lru_cache(maxsize=2)
def _signs_of(tongue: str) -> tuple[tuple[re.Pattern[str], bool, str], ...]:
    """Patterns of the table's signs: where they count, and what they are called."""
    out: list[tuple[re.Pattern[str], bool, str]] = []
    for name in _SIGNS:
        anywhere = unfit().get(name, {}).get(tongue, "")
        listed = (*signs(scene_signs()[tongue][name]), *signs(anywhere))
        for first in (True, False):
            these = [sign.removeprefix("^") for sign in listed if sign.startswith("^") is first]
            if these:
                out.append((_either(these, apart=tongue == "en"), first, name.replace("_", " ")))
    return tuple(out)


def _either(words: Iterable[str], *, apart: bool) -> re.Pattern[str]:
    text = "|".join(
        re.escape(word).replace("'", "['’]") for word in sorted(words, key=len, reverse=True)
    )
    return re.compile(rf"(?<![\w'’])(?:{text})(?![\w])" if apart else f"(?:{text})", re.IGNORECASE)


@lru_cache(maxsize=8)
def _words_of(name: str, tongue: str) -> frozenset[str]:
    """A list of single words in the table."""
    return frozenset(signs(scene_signs()[tongue][name]))
