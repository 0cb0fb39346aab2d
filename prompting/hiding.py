"""Hides words behind placeholders from a model that cannot spell them, and puts them back.

    "two foxes and Totoro"  ──hide──▶  "two <x1> and <x2>"  ──model──▶  "two <x1> and <x2> ..."
                            ◀─show──   words ("foxes", "Totoro")

The built-in assistant is small: it reads colours, numbers, qualities, styles and grammar, and
copies what stands for a noun or a name.  The invariant: a text that holds every placeholder shows
every hidden word, translated where the lexicon can, and otherwise as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from prompting.reading.denials import denials, without
from prompting.reading.forms import plural
from prompting.reading.lexicon import OBJECTS, Lexicon, Word, fold

_PLACEHOLDER = re.compile(r"<x(\d+)>")
_COUNTS = "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|hundred|many|pair of"
_COUNTED = re.compile(rf"\b((?:{_COUNTS})\s(?:[\w-]+\s){{0,3}})<x(\d+)>", re.IGNORECASE)
# Hidden after the unknown words, as long as there is room; the first kinds come first.
_TIERS = (
    OBJECTS | {"part", "structure"},
    frozenset({"place", "nature", "look"}),
    frozenset({"quality", "action"}),
    frozenset({"time", "weather", "light"}),
)
_DESCRIBES = frozenset({"colour", "quality"})
_READ = ("en", "zh")  # languages that the assistant reads; others are put into English first


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """A text with placeholders, and what they stand for."""

    text: str
    words: tuple[str, ...]  # the first is that of <x1>
    plurals: tuple[str, ...]  # of words that came from a language without plurals; else the word

    def show(self, text: str) -> str:
        """The text with its placeholders replaced; those that stand for nothing vanish."""
        text = _COUNTED.sub(lambda found: found[1] + self._plural(int(found[2])), text)
        text = _PLACEHOLDER.sub(lambda found: self._word(int(found[1])), text)
        return " ".join(mended(text).split())

    def _plural(self, number: int) -> str:
        return self.plurals[number - 1] if 0 < number <= len(self.plurals) else ""

    def _word(self, number: int) -> str:
        return self.words[number - 1] if 0 < number <= len(self.words) else ""


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Characters of the text that one placeholder can stand for."""

    start: int
    end: int
    shown: str
    plural: str


def hide(text: str, lexicon: Lexicon, *, spoken: str, language: str, most: int) -> Hidden:
    """Hide the words that are not known, then nouns; `language` is that of the answer."""
    if spoken not in _READ:
        text, spoken = _englished(text, lexicon, spoken), "en"
    elif spoken == "zh":
        text = _denied_last(text, lexicon)
    words = lexicon.read(text, spoken)
    unknown = _limited(_unknown(text, words, _cues(text, lexicon, spoken)), text, most)
    taken = [(run.start, run.end) for run in unknown]
    runs, numbers = list(unknown), {fold(run.shown) for run in unknown}
    untaught = [word for word in words if word.entry and not word.entry.taught]
    tiers = [[word for word in words if word.entry and word.entry.kind in it] for it in _TIERS]
    for tier in (untaught, *tiers):
        for run in _known(tier, language):
            if any(start < run.end and run.start < end for start, end in taken):
                continue
            if fold(run.shown) in numbers or len(numbers) < most:
                numbers.add(fold(run.shown))
                runs.append(run)
    return _replaced(text, sorted(runs, key=lambda run: run.start))


def _replaced(text: str, runs: Sequence[_Stretch]) -> Hidden:
    out, at = [], 0
    found: dict[str, int] = {}
    shown: list[_Stretch] = []
    for run in runs:
        key = fold(run.shown)
        if key not in found:
            found[key] = len(found) + 1
            shown.append(run)
        out += [text[at : run.start].lower(), f"<x{found[key]}>"]
        at = run.end
    out.append(text[at:].lower())
    return Hidden(
        text="".join(out).strip(),
        words=tuple(run.shown for run in shown),
        plurals=tuple(run.plural for run in shown),
    )


def _cues(text: str, lexicon: Lexicon, spoken: str) -> frozenset[int]:
    """Where the words stand that deny, as "no" does: they are read, not copied."""
    out: set[int] = set()
    for denial in denials(text, lexicon, spoken):
        at = text.find(denial.what, denial.start, denial.end)
        out.update(range(denial.start, at if at >= 0 else denial.start))
        out.update(range(at + len(denial.what) if at >= 0 else denial.end, denial.end))
    return frozenset(out)


def _unknown(text: str, words: Sequence[Word], cues: frozenset[int]) -> list[_Stretch]:
    """Words of no entry; neighbours are one name, and so is a capitalised word beside one."""
    shouting = text.upper() == text
    runs: list[_Stretch] = []
    for at, word in enumerate(words):
        name = word.content and word.entry is None and word.start not in cues
        if not name and not shouting and at and word.entry and word.text[:1].isupper():
            name = _neighbour_is_name(words, at)
        if not name:
            continue
        gap = text[runs[-1].end : word.start] if runs else ""
        if runs and gap in ("", " ", "-"):
            start = runs[-1].start
            runs[-1] = _run(start, word.end, text)
        else:
            runs.append(_run(word.start, word.end, text))
    return runs


def _neighbour_is_name(words: Sequence[Word], at: int) -> bool:
    """Whether the word before or behind is unknown and capitalised: the Tower of Eiffel Tower."""
    near = [words[i] for i in (at - 2, at + 2) if 0 <= i < len(words)]
    return any(w.content and w.entry is None and w.text[:1].isupper() for w in near)


def _limited(runs: list[_Stretch], text: str, most: int) -> list[_Stretch]:
    """As many as there are placeholders; the last one takes all that is left."""
    if len({fold(run.shown) for run in runs}) <= most:
        return runs
    first = runs[: most - 1]
    start, end = runs[most - 1].start, runs[-1].end
    return [*first, _run(start, end, text)]


def _run(start: int, end: int, text: str) -> _Stretch:
    return _Stretch(start, end, text[start:end], text[start:end])


def _known(words: Sequence[Word], language: str) -> Iterator[_Stretch]:
    """Words of the lexicon, as they will be shown."""
    for word in words:
        if word.entry is not None and word.text:
            forms = word.entry.forms.get(language, ())
            said = any(fold(word.text) == fold(form) for form in forms)
            if said or (language == "en" and word.text.isascii()):  # perhaps a plural
                yield _Stretch(word.start, word.end, word.text.lower(), word.text.lower())
            else:
                shown = word.entry.form(language)
                many = plural(shown) if language == "en" else shown
                yield _Stretch(word.start, word.end, shown, many)


def _englished(text: str, lexicon: Lexicon, spoken: str) -> str:
    """Word by word in English, with what describes a noun before it and denials as English ones."""
    out: list[str] = []
    at = 0
    for denial in denials(text, lexicon, spoken):
        out += [_in_order(text[at : denial.start], lexicon, spoken), ", no "]
        out += [_in_order(denial.what, lexicon, spoken), ","]
        at = denial.end
    out.append(_in_order(text[at:], lexicon, spoken))
    return " ".join("".join(out).split()).strip(" ,")


def _denied_last(text: str, lexicon: Lexicon) -> str:
    """Chinese with its denials behind the rest, all in the form that the assistant read most."""
    denied = denials(text, lexicon, "zh")
    rest = without(text, denied).removeprefix("的").strip("，, ")
    if not denied or not rest:
        return text
    return ",".join((rest, *(f"不要{denial.what}" for denial in denied)))


def _in_order(text: str, lexicon: Lexicon, spoken: str) -> str:
    said: list[tuple[str, str]] = []  # kind, word
    for word in lexicon.read(text, spoken):
        if word.mark:
            if word.text.strip():
                said.append(("mark", ","))
            continue
        if not word.content:
            continue
        kind = word.entry.kind if word.entry else "name"
        english = word.entry.form("en") if word.entry else word.text
        at = len(said)
        if kind in _DESCRIBES:
            while at and said[at - 1][0] in _DESCRIBES:
                at -= 1
            at = (
                at - 1
                if at and said[at - 1][0] in OBJECTS and spoken in ("fr", "es")
                else len(said)
            )
        said.insert(at, (kind, english))
    return " ".join(word for _, word in said)


_BEFORE_VOWEL = re.compile(r"\ba (?=[aeio]\w|u(?!ni|se|k))", re.IGNORECASE)
_BEFORE_CONSONANT = re.compile(r"\ban (?=[^\Waeiou\d]|uni|use|uk)", re.IGNORECASE)


def mended(text: str) -> str:
    """English with "an" before vowels and "a" before consonants."""
    text = _BEFORE_VOWEL.sub(lambda found: f"{found[0].rstrip()}n ", text)
    return _BEFORE_CONSONANT.sub(lambda found: f"{found[0][0]} ", text)
