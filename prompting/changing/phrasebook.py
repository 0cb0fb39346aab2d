"""How a language says what is to change, as a table of rules that is read from a file.

    languages/en.toml   [[rule]] does = "swap"
                        says = ["(replace|swap) {what} with {into}"]

A pattern is a regular expression for a whole wish, with three conveniences: `{what}` takes some
words, `{n}` a number, `{setting}` a name of the table `[settings]`, `{direction}` one of
`[directions]`; `<make>` is a list of `[parts]`; a blank stands for blanks, and in a language
without spaces for none.  What else stands in a rule are its facts ("direction", "strength", ...);
of these, "of" names the media that it can be said of, without which it is of all.

The invariant: rules are tried in the order of the file, and the first that fits says what is
meant; no pattern needs more than its own language to be read.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from prompting.changing import numbers
from prompting.changing.vocabulary import UNSPACED

FOLDER = Path(__file__).with_name("languages")
CROSSING = Path(__file__).with_name("media")  # from one medium to another; these come first

OPAQUE = "\ue000-\uf8ff"  # signs that stand for what no rule may look into: quotations, tags


_AND = r"[张号幅枚番]*\s*(?:,|&|\+|and|und|et|y|e|и|和|と|、|跟)\s*(?:#|the |第)?"
_PLACE = re.compile(r"\{(\w+)\}")
_PART = re.compile(r"(?<!\?P)<(\w+)>")
_NAME = re.compile(r"\(\?P<(\w+)>")
_GROUP = re.compile(r"(?<!\\)\((?!\?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """One way to mean something, and how it is said."""

    does: str
    says: tuple[re.Pattern[str], ...]
    facts: Mapping[str, str] = field(hash=False)
    bare: bool = False  # a phrase without a word of change: never begins a second wish
    question: bool = False  # only where it is asked

    def is_about(self, medium: str) -> bool:
        """Whether it can be said of a work of that medium."""
        of = self.facts.get("of", "")
        return not of or medium in of.split()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A rule that fits, and what stands in its places."""

    rule: Saying
    places: Mapping[str, str] = field(hash=False)

    def __getitem__(self, name: str) -> str:
        """What was said there, or is a fact of the rule; "" where neither is."""
        return (self.places.get(name) or self.rule.facts.get(name) or "").strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrasebook:
    """The rules of one language."""

    language: str
    spaced: bool
    rules: tuple[Saying, ...]
    front: re.Pattern[str]  # politeness before a wish
    back: re.Pattern[str]  # and behind it
    strong: re.Pattern[str]  # what always stands between two wishes
    weak: re.Pattern[str]  # what may
    before_setting: re.Pattern[str]  # what may before a setting
    listing: re.Pattern[str]  # what stands between things of one wish
    definite: re.Pattern[str]  # "the", "her"
    it: re.Pattern[str]  # what means the picture, or its main thing
    pick_front: tuple[re.Pattern[str], ...]
    pick_back: tuple[re.Pattern[str], ...]
    praise: frozenset[str]
    filler: frozenset[str]
    chat: frozenset[str]
    copula: re.Pattern[str]  # "should be", before what is to be so
    degree: re.Pattern[str]  # "a bit", "much", before what is to be so
    typos: Mapping[str, str] = field(hash=False)
    tables: Mapping[str, Mapping[str, str]] = field(hash=False)  # form -> name, by table

    def find(
        self,
        text: str,
        *,
        of: str = "image",
        opening: bool = False,
        question: bool = False,
        whole: bool = False,
    ) -> Iterator[Found]:
        """The rules that fit the whole text, likeliest first; `of`: said of which medium."""
        for rule in self.rules:
            if whole != bool(rule.facts.get("whole")) or not rule.is_about(of):
                continue
            if (opening and rule.bare) or (rule.question and not question):
                continue
            for pattern in rule.says:
                if found := pattern.fullmatch(text):
                    places = {
                        name.partition("__")[0]: said
                        for name, said in found.groupdict().items()
                        if said
                    }
                    yield Found(rule=rule, places=places)
                    break

    def said(self, word: str, of: str) -> str:
        """ "more clouds" in this language."""
        return self.tables["said"].get(word, f"{word} *").replace("*", of)

    def named(self, table: str, form: str) -> str:
        """What a form of a table is called: the setting "sampling steps" is "steps"."""
        return self.tables.get(table, {}).get(" ".join(form.casefold().split()), form)

    def without_politeness(self, text: str) -> str:
        """The wish itself, as far as something is left of it."""
        while True:
            shorter = self.front.sub("", text, count=1)
            shorter = self.back.sub("", shorter, count=1).strip(" ,，、:：")
            if shorter == text or not shorter:
                return text
            text = shorter


class _Compiler:
    """Turns the patterns of a file into regular expressions."""

    def __init__(self, file: Mapping[str, object], language: str) -> None:
        self._blank = r"\s*" if language in UNSPACED else " "
        self._number = numbers.pattern(language)
        self._parts: dict[str, str] = dict(_texts(file.get("parts", {})))
        self.tables = {
            table: {
                " ".join(form.casefold().split()): name
                for name, forms in _texts(file.get(table, {})).items()
                for form in forms.split("|")
            }
            for table in ("settings", "directions", "shapes", "ordinals")
        }

    def pattern(self, text: str) -> re.Pattern[str]:
        while _PART.search(text):
            text = _PART.sub(lambda found: f"(?:{self._parts[found[1]]})", text)
        text = _GROUP.sub("(?:", text)
        text = re.sub(r"\s+", " ", text).replace(" ", self._blank)
        return re.compile(_once(_PLACE.sub(self._place, text)), re.IGNORECASE)

    def _place(self, found: re.Match[str]) -> str:
        name = found[1]
        if name == "QUOTE":
            return f"[{OPAQUE}]"
        if name == "n":
            return rf"(?P<n>{self._number})"
        if name == "picks":
            forms = sorted(self.tables["ordinals"], key=len, reverse=True)
            one = rf"(?:{'|'.join(map(re.escape, forms))}|{self._number})"
            return rf"(?P<picks>{one}(?:{_AND}{one})*)"
        table = self.tables.get(f"{name}s")
        if table is None:
            return rf"(?P<{name}>.+?)"
        forms = sorted(table, key=len, reverse=True)
        behind = self._blank if name == "setting" and self._blank != " " else ""  # cfg 调低
        return rf"(?P<{name}>{'|'.join(map(re.escape, forms))}){behind}"

    def either(self, texts: Sequence[str], around: str) -> re.Pattern[str]:
        """A pattern that finds any of them; `around` has a place for them."""
        inner = "|".join(self.pattern(text).pattern for text in texts) or "(?!)"
        return re.compile(_once(around.replace("%", f"(?:{inner})")), re.IGNORECASE)


def _once(pattern: str) -> str:
    """The pattern with no name given to two groups: the second `n` is `n__2`."""
    seen: dict[str, int] = {}

    def named(found: re.Match[str]) -> str:
        name = found[1].partition("__")[0]
        seen[name] = seen.get(name, 0) + 1
        return f"(?P<{name}>" if seen[name] == 1 else f"(?P<{name}__{seen[name]}>"

    return _NAME.sub(named, pattern)


def _texts(table: object) -> Mapping[str, str]:
    assert isinstance(table, Mapping), "we ship what can be read"
    return {str(name): " ".join(str(text).split()) for name, text in table.items()}


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}


_OWN = frozenset({"does", "says", "bare", "question"})


@lru_cache(maxsize=16)
def phrasebook(language: str) -> Phrasebook | None:
    """The rules of a language, read once; None where there are none."""
    path = FOLDER / f"{language}.toml"
    if not path.is_file():
        return None
    tables = _read(path)
    crossing = _read(CROSSING / path.name)
    tables["parts"] |= crossing.get("parts", {})
    tables["rule"] = [*crossing.get("rule", ()), *tables["rule"]]
    compiler = _Compiler(tables, language)
    spaced = language not in UNSPACED
    edge = r"(?![\w-])" if spaced else ""
    rules = tuple(
        Saying(
            does=rule["does"],
            says=tuple(compiler.pattern(text) for text in rule["says"]),
            facts={name: str(fact) for name, fact in rule.items() if name not in _OWN},
            bare=rule.get("bare", False),
            question=rule.get("question", False),
        )
        for rule in tables["rule"]
    )
    return Phrasebook(
        language=language,
        spaced=spaced,
        rules=rules,
        front=compiler.either(tables["polite"]["front"], rf"\A%{edge}[\s,，、:：]*"),
        back=compiler.either(
            tables["polite"]["back"], r"[\s,，、]*(?<!\w)%\Z" if spaced else r"[\s,，、]*%\Z"
        ),
        strong=compiler.either(tables["between"]["strong"], "%"),
        weak=compiler.either(tables["between"]["weak"], "%"),
        before_setting=compiler.either(tables["between"].get("settings", ()), "%"),
        listing=compiler.either(tables["between"]["list"], "%"),
        definite=compiler.either(("<the>",), rf"\A%{edge}" + (r"\s+" if spaced else "")),
        it=compiler.either(("<it>",), r"\A%\Z"),
        pick_front=tuple(
            re.compile(rf"\A{compiler.pattern(text).pattern}", re.IGNORECASE)
            for text in tables["pick"]["front"]
        ),
        pick_back=tuple(
            re.compile(rf"{compiler.pattern(text).pattern}\Z", re.IGNORECASE)
            for text in tables["pick"]["back"]
        ),
        praise=frozenset(tables["praise"]["core"].split()),
        filler=frozenset(tables["praise"]["filler"].split()),
        chat=frozenset(tables["chat"]["words"].split()),
        copula=compiler.either(("<copula>",) if "copula" in tables["parts"] else (), r"\A%"),
        degree=compiler.either(
            tuple(f"<{part}>" for part in ("bit", "much", "very") if part in tables["parts"]),
            rf"\A%{edge}" + (r"\s+" if spaced else ""),
        ),
        typos=dict(pair.split("=") for pair in tables.get("typos", {}).get("words", "").split()),
        tables={**compiler.tables, "said": _texts(tables.get("said", {}))},
    )


@lru_cache(maxsize=1)
def languages() -> tuple[str, ...]:
    """The languages that have rules, English first."""
    found = {path.stem for path in FOLDER.glob("*.toml")}
    return ("en", *sorted(found - {"en"}))
