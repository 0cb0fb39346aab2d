"""Lists of booru tags that an owner has put here, and the names of a wish that stand in them.

    characters.txt copyrights.txt artist.txt general.txt meta.txt    a tag a line (tipo-kgen's form)
    anything.csv                     name,category,count,"aliases" (a1111-sd-webui-tagcomplete's)

    "Rem from re:zero in a maid outfit"  ▶  rem \\(re:zero\\)   beside   "in a maid outfit"

The invariant: only a name that leaves no doubt is taken; whatever is not taken stays in the words.
"""

from __future__ import annotations

import csv
import importlib.util
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from prompting.errors import Unreadable
from prompting.reading.lexicon import Lexicon, Word, fold
from prompting.textfile import read_text

LONGEST_NAME = 6  # words of a name in a wish
MOST_BYTES = 60_000_000  # of one list


class TagKind(StrEnum):
    """What a tag names, in the order in which booru models want them."""

    CHARACTER = "character"
    COPYRIGHT = "copyright"
    ARTIST = "artist"
    GENERAL = "general"
    META = "meta"


# Danbooru's categories by number, as tables of tags have them.
_CATEGORIES = {"0": TagKind.GENERAL, "1": TagKind.ARTIST, "3": TagKind.COPYRIGHT}
_CATEGORIES |= {"4": TagKind.CHARACTER, "5": TagKind.META}
_SERIES = re.compile(r"^(?P<name>.+?) \((?P<series>[^()]+)\)$")
_SIGNS = re.compile(r"[^\w\n]+")
_LEADING = frozenset({"by", "from", "artist", "of"})  # before a name, they say no more than a tag
_OF_NAMES = (TagKind.CHARACTER, TagKind.COPYRIGHT)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTags:
    """The names of a text as tags, and what else it says."""

    tags: tuple[str, ...]  # as a prompt spells them, in the order of their kinds
    rest: str


class TagLists:
    """Tags by what they are called, without signs and in small letters."""

    def __init__(self, tags: Mapping[TagKind, Iterable[str]]) -> None:
        self._names = {kind: tuple(names) for kind, names in tags.items()}
        self._sorted: dict[TagKind, list[str]] = {}  # "called TAB tag", made when first asked for

    def __bool__(self) -> bool:
        return any(self._names.values())

    def ready(self) -> None:
        """Sort all of them now; with the largest lists it takes seconds."""
        for kind in TagKind:
            self._begin(kind, "")

    def holds(self, tag: str) -> bool:
        """Whether it is a tag of any kind."""
        called = _plain(tag)
        return any(called in map(_plain, self._begin(kind, called)) for kind in TagKind)

    def found(self, text: str, lexicon: Lexicon) -> FoundTags:
        """The names in an English text that stand in the lists."""
        found: dict[TagKind, dict[str, None]] = {kind: {} for kind in TagKind}
        for told in (True, False):  # first those whose series is told, which names nothing else
            text = self._taken(text, lexicon, found, told=told)
        tags = [tag for kind in TagKind for tag in found[kind]]
        return FoundTags(tags=tuple(map(spelled, tags)), rest=text)

    def _taken(
        self, text: str, lexicon: Lexicon, found: dict[TagKind, dict[str, None]], *, told: bool
    ) -> str:
        """The text without the names that are put into `found`."""
        words = [word for word in lexicon.read(text, "en") if not word.text.isspace()]
        spans: list[tuple[int, int]] = []
        new: list[str] = []
        at = 0
        while at < len(words):
            length, kind, tag = self._longest(words, at, text, told=told)
            if length:
                found[kind][tag] = None
                new.append(tag)
                start = at - 1 if at and fold(words[at - 1].text) in _LEADING else at
                spans.append((words[start].start, words[at + length - 1].end))
            at += length or 1
        return _without(text, spans, new)

    def _longest(
        self, words: Sequence[Word], at: int, text: str, *, told: bool
    ) -> tuple[int, TagKind, str]:
        for length in range(min(LONGEST_NAME, len(words) - at), 0, -1):
            span = words[at : at + length]
            if not _may_name(span):
                continue
            called = _plain(text[span[0].start : span[-1].end])
            if told:
                if tag := self._of_series(called, text):
                    return length, TagKind.CHARACTER, tag
                continue
            led = fold(words[at - 1].text) if at else ""
            kinds = (TagKind.ARTIST,) if led in ("by", "artist") else _OF_NAMES
            for kind in kinds:
                if tag := self._plainly(kind, called, span, led):
                    return length, kind, tag
        return 0, TagKind.GENERAL, ""

    def _of_series(self, called: str, text: str) -> str:
        """The character of that name whose series the text names."""
        whole = f" {_plain(text)} "
        told = [
            name
            for name in self._begin(TagKind.CHARACTER, called)
            if (whose := _SERIES.match(name))
            and _plain(whose["name"]) == called != _plain(whose["series"])
            and f" {_plain(whose['series'])} " in whole
        ]
        return told[0] if len(told) == 1 else ""

    def _plainly(self, kind: TagKind, called: str, span: Sequence[Word], led: str) -> str:
        """The one tag of that name; a single word must be one in full, and be meant as a name."""
        several = len(called.split()) > 1
        capital = span[0].text[:1].isupper() and len(called) > 3
        if not several and not capital and kind is not TagKind.ARTIST:
            return ""
        turned = " ".join(reversed(called.split())) if len(called.split()) == 2 else called
        for name in dict.fromkeys((called, turned)):
            names = self._begin(kind, name)
            exact = [tag for tag in names if _plain(tag) == name]
            if len(exact) == 1:
                return exact[0]
            based = [t for t in names if (w := _SERIES.match(t)) and _plain(w["name"]) == name]
            if several and len(based) == 1 and (kind is TagKind.CHARACTER or led == "from"):
                return based[0]
        return ""

    def _begin(self, kind: TagKind, called: str) -> list[str]:
        """The tags that are called so, or so and something more."""
        lines = self._sorted.get(kind)
        if lines is None:
            names = self._names.get(kind, ())
            plain = _SIGNS.sub(" ", fold("\n".join(names)).replace("_", " ")).split("\n")
            pairs = zip(plain if names else (), names, strict=True)
            lines = self._sorted[kind] = sorted(f"{p.strip()}\t{name}" for p, name in pairs)
        found: list[str] = []
        for at in range(bisect_left(lines, called), len(lines)):
            if not lines[at].startswith(called):
                break
            if lines[at][len(called)] in "\t ":
                found.append(lines[at].partition("\t")[2])
        return found


def read_tags(folders: Iterable[Path]) -> tuple[TagLists, tuple[Unreadable, ...]]:
    """The lists of the folders, and the files among them that cannot be read."""
    tags: dict[TagKind, dict[str, None]] = {kind: {} for kind in TagKind}
    refused: list[Unreadable] = []
    for folder in folders:
        for path in sorted((*folder.glob("*.txt"), *folder.glob("*.csv"))):
            try:
                for kind, name in _tags_of(path):
                    tags[kind][name] = None
            except Unreadable as error:
                refused.append(error)
            except csv.Error as error:
                refused.append(Unreadable("tags", str(error), path.name))
    return TagLists(tags), tuple(refused)


def installed() -> tuple[Path, ...]:
    """The folder of lists that the package tipo-kgen brings, where it is installed."""
    spec = importlib.util.find_spec("kgen")
    places = spec.submodule_search_locations if spec is not None else None
    folders = (Path(place) / "tag-list" for place in places or ())
    return tuple(folder for folder in folders if folder.is_dir())


def spelled(tag: str) -> str:
    """A tag as a prompt has it: with blanks, and brackets that weigh nothing."""
    plain = tag if tag.startswith("score_") else tag.replace("_", " ")
    return re.sub(r"(?<!\\)([()])", r"\\\1", plain)


def _tags_of(path: Path) -> Iterator[tuple[TagKind, str]]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise Unreadable("tags", "it is larger than any list of tags", path.name)
    except OSError as error:
        raise Unreadable("tags", str(error.strerror or error), path.name) from error
    lines = read_text(path, "tags").splitlines()
    if path.suffix == ".txt":
        kind = next((kind for kind in TagKind if path.stem.casefold().startswith(kind)), None)
        if kind is not None:
            yield from ((kind, name) for line in lines if (name := line.strip()))
        return
    for row in csv.reader(lines):
        if len(row) > 1 and (known := _CATEGORIES.get(row[1].strip())) is not None:
            yield known, row[0].strip().replace("_", " ")


def _may_name(span: Sequence[Word]) -> bool:
    """Whether somebody is named: by a word that nobody knows, or by several with capitals."""
    content = [word for word in span if word.content]
    if not content or span[0].mark or span[-1].mark or not span[0].content:
        return False
    if any(_unknown(word) and len(word.text) > 1 for word in content):
        return True
    return len(content) > 1 and all(word.text[:1].isupper() for word in content)


def _unknown(word: Word) -> bool:
    return word.entry is None or word.entry.kind == "name"


def _without(text: str, taken: Sequence[tuple[int, int]], tags: Sequence[str]) -> str:
    """The text without the names, and without a series that a tag says."""
    for start, end in reversed(taken):
        text = f"{text[:start].rstrip(' ,')}, {text[end:].lstrip(' ,')}"
    for tag in tags:
        if whose := _SERIES.match(tag):
            said = r"\W*".join(map(re.escape, _plain(whose["series"]).split()))
            text = re.sub(rf"\b(?:from|in|of)?\s*\b{said}\b", ", ", text, flags=re.IGNORECASE)
    text = re.sub(r"\(\s*[,\s]*\)", "", text)
    return re.sub(r"\s*(?:,\s*)+", ", ", text).strip(" ,")


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", fold(text).replace("_", " ")))
