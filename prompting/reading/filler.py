"""A wish without the asking around it: what is left is what the picture shows.

    "yo gimme a sloth fr no cap"         ▶  "a sloth"
    "what would a sloth look like?"         ▶  "a sloth"
    "请帮我画一张小猫睡觉的图，谢谢"         ▶  "小猫睡觉"

The invariant: only what filler.toml lists goes, from the edges of the wish or from between its
commas; no opaque part loses a byte, and a wish that is nothing but asking stays as it was.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from prompting.reading import opaque
from prompting.reading.lexicon import Lexicon
from prompting.slots import Opaque, OpaqueKind, WishText

FILE = Path(__file__).with_name("filler.toml")

_MOST = 20  # phrases before a description, and as many behind it
_UNSPACED = frozenset({"zh", "ja"})
_GAP = r"[\s,.!?:;…~，。！？：；、]*"
_OPENING = " ¿¡\n\t"
_NAMES = (
    *("polite", "weak", "to", "frame", "begins", "after", "weak_after", "within", "keep"),
    *("praise", "asks", "looks", "looks_last", "wonders"),
)
_MARK = re.compile(r"\s*[,.!?:;…~，。！？：；、]")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """Patterns of one language, by what they are for; an empty table has a pattern of nothing."""

    patterns: Mapping[str, re.Pattern[str]]
    spaced: bool  # whether words are divided by blanks

    def cut(self, name: str, text: str) -> int:
        """How far such a phrase reaches that the text begins with, and the marks behind it."""
        found = self.patterns[name].match(text)
        return found.end() if found else 0

    def leads(self, rest: str) -> bool:
        """Whether what follows shows that a weak phrase before it asked for a picture."""
        names = ("to", "frame", "polite", "begins")
        if rest[:1].isdigit() or any(self.cut(name, rest) for name in names):
            return True
        cut = self.cut("weak", rest)  # yo bot, ...
        return bool(cut) and (bool(_MARK.search(rest[:cut])) or self.leads(rest[cut:]))


def wished(text: str, lexicon: Lexicon) -> WishText:
    """What a person typed: cleaned of tricks, in its language, without the words of asking."""
    wish = opaque.read(text)
    return described(replace(wish, language=lexicon.language(wish.words)))


def described(wish: WishText) -> WishText:
    """The wish without the words of asking; itself where nothing else would be left."""
    asking = _asking().get(wish.language)
    if asking is None:
        return wish
    pieces = list(_pieces(wish))
    spoken = [at for at, (text, own) in enumerate(pieces) if own is None and _content(text)]
    if not spoken:
        return wish
    alone = len(pieces) == 1
    texts, asked = _looked([text for text, _ in pieces], spoken, asking)
    texts = [text if pieces[at][1] else _within(text, asking) for at, text in enumerate(texts)]
    for at in spoken:  # asking may go on behind a LoRA's tag
        if not all(map(_passes, pieces[:at], texts)):
            break
        texts[at], here = _begun(texts[at], asking, alone=alone, asked=asked)
        asked = asked or here
    for at in reversed(spoken):
        if not all(map(_passes, pieces[at + 1 :], texts[at + 1 :])):
            break
        texts[at] = _ended(texts[at], asking, asked=asked, alone=alone)
    left = "".join(texts).strip()
    if not wish.text.endswith((",", "，")):  # what stood behind the last comma went
        left = left.rstrip(" ,，")
    quoted = any(own is not None and not _floats(own) for _, own in pieces)
    if left == wish.text or not (quoted or _content("".join(texts[at] for at in spoken))):
        return wish
    return replace(opaque.read(left), language=wish.language)


def _pieces(wish: WishText) -> Iterator[tuple[str, Opaque | None]]:
    """The text in order: what lies between opaque parts, and those."""
    end = 0
    for part in wish.opaque:
        yield wish.text[end : part.start], None
        yield part.text, part
        end = part.start + len(part.text)
    yield wish.text[end:], None


def _passes(piece: tuple[str, Opaque | None], text: str) -> bool:
    """Whether a piece says nothing, or nothing any more."""
    return not _content(text) if piece[1] is None else _floats(piece[1])


def _floats(part: Opaque) -> bool:
    """Whether the part says nothing between the words around it, as a LoRA's tag."""
    return not part.anchored and part.kind is not OpaqueKind.QUOTE


def _looked(texts: list[str], spoken: Sequence[int], asking: _Asking) -> tuple[list[str], bool]:
    """The texts without "what would ... look like", and whether they asked so."""
    first, last = spoken[0], spoken[-1]
    rest = texts[first].lstrip(_OPENING)
    while cut := max(asking.cut(name, rest) for name in ("polite", "wonders", "weak")):
        rest = rest[cut:]
    opened = asking.cut("asks", rest)
    if not opened:
        return texts, False
    out = list(texts)
    out[first] = rest[opened:]
    found = asking.patterns["looks_last"].search(out[last])
    closed = found or asking.patterns["looks"].search(out[last])
    if not closed:
        return texts, False
    out[last] = f"{out[last][: closed.start()]} {out[last][closed.end() :]}"
    return (out, True) if _content("".join(out[at] for at in spoken)) else (texts, False)


def _begun(text: str, asking: _Asking, *, alone: bool, asked: bool) -> tuple[str, bool]:
    """The text from where the description begins, and whether something was asked before it."""
    rest = text.lstrip(_OPENING)
    lead = text[: len(text) - len(rest)]
    for _ in range(_MOST):
        if asking.patterns["keep"].match(rest):
            break
        cut = asking.cut("polite", rest) or _weak(rest, asking, asked)
        if not cut and (asked or asking.spaced):
            cut = asking.cut("frame", rest)
        if not cut or (alone and not _content(rest[cut:])):
            break
        rest, asked = rest[cut:], True
    return (lead.strip("¿¡") if asked else lead) + rest, asked


def _weak(rest: str, asking: _Asking, asked: bool) -> int:
    """How far a weak phrase reaches, with those to whom; 0 where it may mean something."""
    cut = asking.cut("weak", rest)
    if not cut or not (asked or _MARK.search(rest[:cut]) or asking.leads(rest[cut:])):
        return 0
    return cut + asking.cut("to", rest[cut:])


def _ended(text: str, asking: _Asking, *, asked: bool, alone: bool) -> str:
    """The text until where the description ends."""
    for _ in range(_MOST):
        if asking.patterns["kept"].search(text):
            break
        found = asking.patterns["after"].search(text)
        if not found:
            found = asking.patterns["weak_after"].search(text)
            if found and not (asked or _MARK.match(found[0])):
                break
        if not found or (alone and not _content(text[: found.start()])):
            break
        text, asked = text[: found.start()], True
    return text.rstrip(" ?？") if asked else text


def _within(text: str, asking: _Asking) -> str:
    return asking.patterns["within"].sub("", text)


def _content(text: str) -> bool:
    return any(map(str.isalnum, text))


@lru_cache(maxsize=1)
def _asking() -> Mapping[str, _Asking]:
    with FILE.open("rb") as file:
        tables = tomllib.load(file)
    return {
        language: _Asking(
            patterns=_patterns(table, spaced=language not in _UNSPACED),
            spaced=language not in _UNSPACED,
        )
        for language, table in tables.items()
    }


def _patterns(table: Mapping[str, str], *, spaced: bool) -> dict[str, re.Pattern[str]]:
    words = {name: _either(table.get(name, "")) for name in _NAMES}
    if adverbs := table.get("adverb", ""):
        words["polite"] = _either(table["polite"], rf"\s+(?:{_either(adverbs)}\s+)*")
    if praise := table.get("praise", ""):
        praised = rf"(?:{_either(praise)}\s+)*"
        words["frame"] = praised + _either(table["frame"], rf"\s+{praised}")
    start, end = (r"(?<![\w-])", r"(?:(?<=['’])|(?![\w-]))") if spaced else ("", "")
    forms = {
        **{
            name: rf"{words[name]}{end}{_GAP}"
            for name in ("polite", "weak", "to", "asks", "wonders")
        },
        "frame": rf"{words['frame']}{end if spaced else '(?=.{2})'}{_GAP}",
        "begins": rf"{words['begins']}{end}",
        **{name: rf"{_GAP}{start}{words[name]}{end}{_GAP}$" for name in ("after", "weak_after")},
        "looks": rf"{_GAP}{start}{words['looks']}{end}(?=\W)",
        "looks_last": rf"{_GAP}{start}{_any_of(words, 'looks', 'looks_last')}{end}{_GAP}$",
        "within": rf"(?:^|(?<=[\s,，])){words['within']}(?:\s*[,，]\s*|\s+|$)",
        "keep": rf"{words['keep']}{end}",
        "kept": rf"{start}{words['keep']}{_GAP}$",
    }
    return {name: re.compile(form, re.IGNORECASE) for name, form in forms.items()}


def _any_of(words: Mapping[str, str], *names: str) -> str:
    return f"(?:{'|'.join(words[name] for name in names)})"


def _either(phrases: str, gap: str = r"\s+") -> str:
    """A group of the phrases, the longest first; of none, one that never matches.

    `gap` is what may stand between the words of one.
    """
    parts = sorted({phrase.strip() for phrase in phrases.split("/")} - {""}, key=len, reverse=True)
    spelled = (re.escape(part).replace(r"\ ", gap).replace("'", "['’]") for part in parts)
    return f"(?:{'|'.join(spelled) or '(?!)'})"
