"""English words as the tags that booru models were taught: one thing a tag, and no articles.

    "a girl in a red dress sitting under a cherry tree at night"
    ▶ girl, red dress, sitting, under cherry tree, night

The invariant: every word that carries something of the picture stands in a tag, in the order in
which it was said and beside the words that belong to it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from prompting.reading.facts import facts
from prompting.reading.lexicon import OBJECTS, Lexicon, Word, fold
from prompting.speaking.taglists import TagLists

FILE = Path(__file__).with_suffix(".toml")
_WORDS = {
    does: frozenset(said.split()) for does, said in tomllib.loads(FILE.read_text("utf-8")).items()
}

_MARKED = re.compile(r"[\"“”„«»「」{}<>\[\]\\|]|:\s*\d")
# Quotations and markup mean something.
_UNTOUCHED = re.compile(r"[\"“”„«»「」()\[\]{}<>\\|*:]|__|\bBREAK\b")
# What "in" and "on" say nothing about: the tag is "night", and "red dress".
_SURROUNDING = frozenset({"time", "weather", "light", "style", "nature", "place", "colour", "look"})
_JOINED = frozenset({"colour", "quality", "number", "style"})  # both sides of "black and white"


def tags_of(text: str, lexicon: Lexicon) -> tuple[str, ...]:
    """The tags of an English text; of one with quotations or markup, the text itself."""
    if _UNTOUCHED.search(text):
        return (text,) if text else ()
    words = [word for word in lexicon.read(text, "en") if not word.text.isspace()]
    divider = _Divider(words)
    for at in range(len(words)):
        divider.take(at)
    divider.end()
    return tuple(dict.fromkeys(divider.tags))


class _Divider:
    """Goes through the words once and closes a tag where another begins."""

    def __init__(self, words: Sequence[Word]) -> None:
        self.words = words
        self.tags: list[str] = []
        self._open: list[Word] = []

    def end(self) -> None:
        """Close the tag that is open."""
        while self._open and not (self._open[-1].content or self._ends(self._open[-1])):
            self._open.pop()
        if self._open:
            self.tags.append(_glued(self._open))
        self._open = []

    def take(self, at: int) -> None:
        """Put a word where it belongs."""
        word = self.words[at]
        said = fold(word.text)
        if word.mark:
            self._take_mark(word)
        elif said in _WORDS["articles"]:
            if self._named() and not self._relates():
                self.end()
        elif said == "and" or word.text == "&":
            if not self._joins(at):
                self.end()
        elif said in _WORDS["breaks"]:
            self.end()
            if word.content:  # the keep-check would miss it
                self._open.append(word)
        elif said in _WORDS["placing"] | _WORDS["relating"]:
            self._take_preposition(at)
        elif _moves(word) and self._named():
            self.end()
            self._open.append(word)
        elif word.content or self._open or said in _WORDS["looks"]:
            self._open.append(word)

    def _take_preposition(self, at: int) -> None:
        word = self.words[at]
        said = fold(word.text)
        last = at + 1 == len(self.words)
        if (last and self._open and said in _WORDS["particles"]) or self._looks():
            self._open.append(word)
            return
        self.end()
        if said in _WORDS["relating"] or word.content or self._places(at):
            self._open.append(word)

    def _take_mark(self, word: Word) -> None:
        if word.text in "-–'’/#%&+.°" and self._open and word.start == self._open[-1].end:
            follower = next((w for w in self.words if w.start == word.end), None)
            if follower is not None and not follower.mark:
                self._open.append(word)
                return
        self.end()

    def _ends(self, word: Word) -> bool:
        """Whether a small word belongs to what stands before it: blown out, a ship inside."""
        return len(self._open) > 1 and fold(word.text) in _WORDS["particles"]

    def _looks(self) -> bool:
        """Whether somebody looks at, or into, what follows."""
        return bool(self._open) and fold(self._open[-1].text) in _WORDS["looks"]

    def _relates(self) -> bool:
        """Whether what is open waits for what it is said of: under the, mending his."""
        if not self._open:
            return False
        last = self._open[-1]
        return _relation(last) or not last.content or _moves(last)

    def _named(self) -> bool:
        """Whether a thing is named already."""
        return any(
            word.content
            and not _moves(word)
            and not _relation(word)
            and (word.entry is None or word.entry.kind in OBJECTS | {"part"})
            for word in self._open
        )

    def _joins(self, at: int) -> bool:
        """Whether "and" joins two words of one thing: red and blue."""
        beside = [self.words[i] for i in (at - 1, at + 1) if 0 <= i < len(self.words)]
        kinds = [word.entry.kind if word.entry else "" for word in beside]
        if len(kinds) == 2 and set(kinds) <= _JOINED:
            self._open.append(self.words[at])
            return True
        return False

    def _places(self, at: int) -> bool:
        """Whether the preposition says where something is, and not when or in what clothes."""
        phrase: list[Word] = []
        for word in self.words[at + 1 :]:
            named = any(other.content and not _moves(other) for other in phrase)
            if (
                word.mark
                or (named and _moves(word))
                or (word.function and fold(word.text) not in _WORDS["articles"])
            ):
                break
            phrase.append(word)
        content = [word for word in phrase if word.content]
        if not content:
            return True
        if fold(content[0].text) in _WORDS["sides"]:
            return True
        head = content[-1]
        kind = head.entry.kind if head.entry else ""
        if kind in _SURROUNDING:
            return False
        worn = kind == "thing" or fold(head.text) in _WORDS["worn"]
        return not worn or fold(self.words[at].text) != "in" or head.key in _WORDS["holding"]


def _relation(word: Word) -> bool:
    return fold(word.text) in _WORDS["placing"] | _WORDS["relating"]


def _moves(word: Word) -> bool:
    """Whether the word says what somebody does."""
    if word.entry is not None and word.entry.kind != "action":
        return False
    return " " in word.text or (len(word.text) > 5 and word.text.endswith("ing"))


def _glued(words: Sequence[Word]) -> str:
    """The words as they stood: with blanks where there were any."""
    out = words[0].text
    for before, word in pairwise(words):
        out += word.text if word.start == before.end else f" {word.text}"
    return out


def subject_of(
    text: str, lexicon: Lexicon, lists: TagLists | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The count of people that a text leaves no doubt of, and what it shows, as tags.

    Names that stand in the lists come first.
    """
    named: tuple[str, ...] = ()
    if lists and not _MARKED.search(text):
        found = lists.found(text, lexicon)
        named, text = found.tags, found.rest
    counted = people(text, lexicon)
    if named:  # whoever is named may be human
        counted = tuple(tag for tag in counted if tag != "no humans")
    return counted, (*named, *uncounted(tags_of(text, lexicon), counted))


def uncounted(tags: Sequence[str], counted: Sequence[str]) -> tuple[str, ...]:
    """The tags without those that only say who is there, where a count of people says it."""
    said = {re.sub(r"^\d|s$", "", tag) for tag in counted}
    return tuple(tag for tag in tags if tag.split()[-1].removesuffix("s") not in said or _more(tag))


def _more(tag: str) -> bool:
    """Whether a tag says more of somebody than that they are there, and how many."""
    return bool(set(tag.split()[:-1]) - _DIGITS.keys())


def people(text: str, lexicon: Lexicon) -> tuple[str, ...]:
    """Danbooru's count of people, where the text leaves no doubt."""
    said = facts(text, lexicon, "en")
    counted = {thing: number for number, thing in said.numbers}
    there: dict[str, int] = {"girl": 0, "boy": 0}
    others = False
    for key, typed in said.words.items():
        if typed.endswith(("'s", "’s")) or f"its {typed}" in text:
            others = True  # of a girl's doll nobody knows whether she is there
            continue
        sex = _sex(key) or _sex(fold(typed))
        number = _DIGITS.get(counted.get(key, "one"))
        if sex and number:
            there[sex] += int(number)
        others |= sex is None and (said.kinds.get(key) == "person" or _is_somebody(key, typed))
        others |= bool(sex) and not number
    tags = tuple(f"{n}{sex}{'' if n == 1 else 's'}" for sex, n in there.items() if n)
    if tags:
        return (*tags, "solo") if not others and sum(there.values()) == 1 else tags
    unknown = any(key not in said.kinds for key in said.words)  # a name may be a person's
    return () if unknown or others or not said.words else ("no humans",)


def _sex(word: str) -> str | None:
    """Whom danbooru counts a person as; None where a word does not tell."""
    last = word.rpartition(" ")[2]
    for sex, words in (("girl", _WORDS["girls"]), ("boy", _WORDS["boys"])):
        if last in words or last.removesuffix("s") in words:
            return sex
    return {"women": "girl", "ladies": "girl", "men": "boy"}.get(last)


def _is_somebody(key: str, typed: str) -> bool:
    words = {key, fold(typed), fold(typed).removesuffix("s")}
    return bool({word.rpartition(" ")[2] for word in words} & _WORDS["persons"])


_DIGITS = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5"}
