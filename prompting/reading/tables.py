"""The tables of words: meanings, and what each language calls them.

    lexicon.toml          the words that the built-in assistant was taught, in six languages
    languages/en.toml     further English words, by kind
    languages/ru.toml     what English words are called in Russian; so for each language
    languages/zh-*.toml   further words of one, by what they are for

The invariant: the tables of languages add words and forms; what lexicon.toml says stays as it is.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prompting.errors import Unreadable
from prompting.reading import korean
from prompting.reading.forms import fold

FILE = Path(__file__).with_name("lexicon.toml")
FOLDER = Path(__file__).with_name("languages")
_EACH = "_"  # the key under which every form is a word of its own

# Kinds of things that can be counted and coloured; one more of them makes another picture.
OBJECTS = frozenset({"animal", "person", "plant", "food", "thing", "vehicle", "building"})
COUNTED = OBJECTS | {"part", "structure"}

_Table = dict[str, dict[str, Any]]  # kind -> name -> forms, divided by "/"; or those by language


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """One meaning, in all the languages that name it."""

    name: str  # canonical English
    kind: str
    forms: Mapping[str, tuple[str, ...]] = field(hash=False)  # by language, likeliest first
    taught: bool = True  # whether the built-in assistant was trained with it

    def form(self, language: str) -> str:
        """The likeliest form in that language; English where there is none."""
        return (self.forms.get(language) or (self.name,))[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Everything that the files say."""

    meanings: tuple[Meaning, ...]
    function: Mapping[str, frozenset[str]]  # by language: what carries nothing of a picture
    links: Mapping[str, Mapping[str, str]]  # by language: a form and its English preposition
    closer: Mapping[tuple[str, str], str]  # language and form: English that is closer than a name


def read(path: Path, folder: Path | None) -> Tables:
    """Read the files, those of the folder where one is given.  Raises Unreadable."""
    try:
        tables = _file(path)
        function = {
            language: frozenset(fold(word) for word in words.split())
            for language, words in tables.pop("function").items()
        }
        links: dict[str, dict[str, str]] = {}
        for english, forms in tables.pop("link").items():
            for language, text in forms.items():
                _link(links, language, english, text)
        gathered = _Gathered(tables)
        if folder is not None:
            english_first = sorted(folder.glob("*.toml"), key=lambda it: (it.stem != "en", it.stem))
            for file in english_first:
                _add(_file(file), file.stem.partition("-")[0], gathered, function, links)
            gathered.bend()
        return Tables(
            meanings=gathered.meanings(),
            function=function,
            links=links,
            closer=gathered.closer,
        )
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise Unreadable("lexicon", str(error), str(path)) from error


def _file(path: Path) -> _Table:
    with path.open("rb") as file:
        return tomllib.load(file)


def _link(links: dict[str, dict[str, str]], language: str, english: str, forms: str) -> None:
    there = links.setdefault(language, {})
    there.update({fold(it): english for it in forms.split("/")})
    if language == "ar":  # which writes "and" to the word behind it
        there.update({fold(f"و{it}"): f"and {english}" for it in forms.split("/")})


def _add(
    table: _Table,
    language: str,
    gathered: _Gathered,
    function: dict[str, frozenset[str]],
    links: dict[str, dict[str, str]],
) -> None:
    """What a language's own file says."""
    for kind, words in table.items():
        for name, forms in words.items():
            text = str(forms)
            if kind == "function":
                more = frozenset(map(fold, text.split()))
                function[language] = function.get(language, frozenset()) | more
            elif kind == "link":
                _link(links, language, name, text)
            elif name == _EACH:
                for form in text.replace("\n", "").split("/"):
                    gathered.add(kind, form, language, "")
            else:
                gathered.add(kind, name, language, text)


class _Gathered:
    """Meanings that grow: forms by language, found again by any English form."""

    def __init__(self, tables: _Table) -> None:
        self.closer: dict[tuple[str, str], str] = {}
        self._kinds: dict[str, str] = {}
        self._forms: dict[str, dict[str, list[str]]] = {}
        self._named: dict[str, str] = {}
        for kind, table in tables.items():
            for name, forms in table.items():
                if not isinstance(forms, dict):
                    raise ValueError(f"{name} has no languages")
                divided = {language: text.split("/") for language, text in forms.items()}
                self._kinds[name] = kind
                self._forms[name] = {**divided, "en": [name, *divided.get("en", ())]}
                self._named.update({fold(form): name for form in divided.get("en", ())})
        self._named.update({fold(name): name for name in self._kinds})
        self._taught = frozenset(self._kinds)
        self._stems: list[tuple[str, str, str]] = []  # name, language, stem of a verb

    def add(self, kind: str, name: str, language: str, forms: str) -> None:
        """Forms of a word in a language; a word that is not known is a new one of that kind."""
        known = self._named.get(fold(name)) or self._singular(fold(name))
        if known is None:
            known = self._named[fold(name)] = name
            self._kinds[name], self._forms[name] = kind, {"en": [name]}
        there = self._forms[known].setdefault(language, [])
        if fold(name) != fold(known) and language != "en":
            self.closer.update({(language, fold(form)): name for form in forms.split("/")})
        for form in filter(None, (part.strip() for part in forms.split("/"))):
            if form.endswith(korean.STEM):
                self._stems.append((known, language, form.removesuffix(korean.STEM)))
            elif language != "en" or fold(form) not in self._named:
                there.append(form)
            if language == "en":
                self._named.setdefault(fold(form), known)

    def _singular(self, name: str) -> str | None:
        """The known thing of which that is the plural: candles are the same as a candle."""
        for ending, instead in (("ies", "y"), ("es", ""), ("s", "")):
            known = self._named.get(name.removesuffix(ending) + instead)
            if known and name.endswith(ending) and self._kinds[known] in COUNTED:
                return known
        return None

    def bend(self) -> None:
        """Give every verb its other forms: "carrying" is also carry, carries."""
        own = {
            (tongue, fold(form))
            for forms in self._forms.values()
            for tongue in forms
            for form in forms[tongue]
        }
        for name, language, stem in self._stems:
            for form in korean.verb(stem):
                if (language, fold(form)) not in own:  # a noun that is written so stays a noun
                    own.add((language, fold(form)))
                    self._forms[name][language].append(form)
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
                name=name,
                kind=kind,
                forms={tongue: _once(said) for tongue, said in self._forms[name].items() if said},
                taught=name in self._taught,
            )
            for name, kind in self._kinds.items()
        )


def _once(forms: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(forms))


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
