"""The words that replies use: those of the lexicon, and tables of each language beside it.

    languages/en_words.toml    English words, by kind
    languages/de_words.toml    what they are called in German; so for each language

A phrase is looked at as a whole: "a dark blue" is a colour, "in the rain" weather, "a blue hat" a
thing.  The invariant: the tables add words and forms; what the lexicon says stays as it is.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from prompting.reading.lexicon import Lexicon, Meaning, Word, built_in, fold

FOLDER = Path(__file__).with_name("languages")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_LETTERS = re.compile(r"[^\W\d_]+")
_ROMANCE = ("it", "pt")  # which the lexicon has no words of, and the tables do
UNSPACED = frozenset({"zh", "ja"})  # languages that put no blanks between words
EACH = "_"  # the key under which every form is a word of its own

# Kinds that say how something is, rather than what is there.
COLOURS = frozenset({"colour", "material"})
LOOKS = COLOURS | {"quality", "mood"}


class _Entries:
    """Entries that grow: forms by language, found again by any English form."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.closer: dict[tuple[str, str], str] = {}
        self._kinds = {entry.name: entry.kind for entry in lexicon.entries.values()}
        self._forms = {
            entry.name: {language: list(forms) for language, forms in entry.forms.items()}
            for entry in lexicon.entries.values()
        }
        self._named = {
            fold(form): entry.name
            for entry in lexicon.entries.values()
            for form in (*entry.forms.get("en", ()), entry.name)
        }

    def add(self, kind: str, name: str, language: str, forms: str) -> None:
        """Forms of a word in a language; a word that is not known is a new one of that kind."""
        known = self._named.get(fold(name))
        if known is None:
            known = self._named[fold(name)] = name
            self._kinds[name], self._forms[name] = kind, {"en": [name]}
        there = self._forms[known].setdefault(language, [])
        if fold(name) != fold(known) and language != "en":
            self.closer.update(dict.fromkeys(((language, fold(f)) for f in forms.split("/")), name))
        for form in filter(None, (part.strip() for part in forms.split("/"))):
            if language != "en" or fold(form) not in self._named:
                there.append(form)
            if language == "en":
                self._named.setdefault(fold(form), known)

    def bend(self) -> None:
        """Give every English verb its other forms: "carrying" is also carry, carries."""
        for name, kind in tuple(self._kinds.items()):
            first, blank, rest = name.partition(" ")
            if kind != "action" or not first.endswith("ing") or len(first) < 6:
                continue
            for verb in _verbs(first.removesuffix("ing")):
                form = f"{verb}{blank}{rest}"
                if fold(form) not in self._named:
                    self._named[fold(form)] = name
                    self._forms[name]["en"].append(form)

    def meanings(self) -> tuple[Meaning, ...]:
        return tuple(
            Meaning(
                name=name, kind=kind, forms={k: tuple(v) for k, v in self._forms[name].items() if v}
            )
            for name, kind in self._kinds.items()
        )


def _verbs(stem: str) -> tuple[str, ...]:
    """What a verb may be of which that is the stem: "rid" of ride, "runn" of run."""
    doubled = stem[-1:] == stem[-2:-1] and stem[-1:] not in "lsfz"
    soft = stem[-1:] in "vcgz" or stem in ("rid", "danc", "wav", "hid", "driv", "div", "stripp")
    silent = soft or (
        len(stem) > 2
        and stem[-1] not in "aeiouywxgh"
        and stem[-2] in "aiou"
        and stem[-3] not in "aeiou"
    )
    plain = stem[:-1] if doubled else stem
    forms = [f"{stem}e"] if silent and not doubled else [plain]
    if not silent and not doubled:
        forms = [stem]
    third = [f"{f[:-1]}ies" if f.endswith("y") and f[-2] not in "aeiou" else f"{f}s" for f in forms]
    return (*forms, *third)


def _tables(path: Path) -> Mapping[str, Mapping[str, str]]:
    with path.open("rb") as file:
        return tomllib.load(file)


def vocabulary() -> Lexicon:
    """The words of all languages, read once."""
    return _all()[0]


def closer_name(form: str, language: str) -> str:
    """The English word for a form where the lexicon has only a wider one: 帆船 is a sailboat."""
    return _all()[1].get((language, fold(form)), "")


@lru_cache(maxsize=1)
def _all() -> tuple[Lexicon, Mapping[tuple[str, str], str]]:
    base = built_in()
    entries = _Entries(base)
    function = dict(base.function)
    english = FOLDER / "en_words.toml"
    others = sorted(path for path in FOLDER.glob("*_words.toml") if path != english)
    for path in (english, *others):
        language = path.stem.removesuffix("_words")
        for kind, table in _tables(path).items():
            if kind == "function":
                more = frozenset(fold(word) for word in table[EACH].split())
                function[language] = function.get(language, frozenset()) | more
                continue
            for name, forms in table.items():
                if name == EACH:
                    for form in forms.replace("\n", "").split("/"):
                        entries.add(kind, form, language, "")
                else:
                    entries.add(kind, name, language, forms)
    entries.bend()
    lexicon = Lexicon(
        entries.meanings(), function=function, negation=base.negation, links=base.links
    )
    return lexicon, entries.closer


def language_of(text: str) -> str:
    """The language of a text, as far as there are words of it here."""
    if _CYRILLIC.search(text):
        return "ru"
    words = vocabulary()
    best = words.language(text)
    if best == "other" or best in UNSPACED or best == "ko":
        return best
    pieces = {fold(word) for word in _LETTERS.findall(text)}

    def known(language: str) -> int:
        """How many words are theirs; those without meaning tell languages apart best."""
        own = words.function.get(language, frozenset())
        return sum(2 * (word in own) + bool(words.find(word, language)) for word in pieces)

    # What is as much the one as the other is the language that the lexicon itself knows.
    return max((best, *_ROMANCE), key=known)


def words_of(text: str, language: str) -> tuple[Word, ...]:
    """The words of a phrase, without blanks and punctuation."""
    return tuple(word for word in vocabulary().read(text, language) if not word.mark)


def kinds_of(text: str, language: str) -> tuple[str, ...]:
    """The kind of each content word of a phrase, in order; "" of one that is not known."""
    return tuple(
        word.entry.kind if word.entry else "" for word in words_of(text, language) if word.content
    )
