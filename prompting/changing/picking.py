"""Which of several pictures a reply means: "2: make it red", "the third one", 第二张.

The invariant: where one picture is shown, none is picked; a number that is no picture's is asked
about, and never taken for another.
"""

from __future__ import annotations

import re

from prompting.changing.intents import Intent, IntentKind, ShownPicture
from prompting.changing.numbers import number
from prompting.changing.phrasebook import Phrasebook

Picked = tuple[str, tuple[int, ...], Intent | None]

_BUTTON = re.compile(r"([uv]) ?([1-9])\b", re.IGNORECASE)  # as Midjourney's are called
_DIVIDERS = re.compile(
    r"[张号幅枚番]*\s*(?:,|&|\+|#|和|と|、|跟|\b(?:and|und|et|y|e|и)\b)\s*(?:the |第)?"
)
_LABEL = re.compile(r"\A#?\d{1,2} ?[:)]\s+(?=\S)")


def picked(text: str, shown: ShownPicture, book: Phrasebook) -> Picked:
    """What is left of the text, the pictures meant, and a question where they are none."""
    if shown.count == 1:
        return _LABEL.sub("", text), (), None
    if match := _BUTTON.fullmatch(text):
        word = "upscale" if match[1] in "uU" else "vary"
        return word, *_checked((int(match[2]),), shown)
    question = "?" if text.endswith(("?", "？")) else ""
    text = text.rstrip(" ?!.？！。")
    for pattern in book.pick_front:
        if match := pattern.match(text):
            pick = _numbers(match["picks"], book, shown.count)
            if pick:
                kept = _verb(match[0][: match.start("picks") - match.start()], book)
                rest = f"{kept} {text[match.end() :]}".strip(" ,.:;-!")
                return f"{rest}{question}" if rest else "", *_checked(pick, shown)
    for pattern in book.pick_back:
        if match := pattern.search(text):
            pick = _numbers(match["picks"], book, shown.count)
            if pick and match.start():
                left = text[: match.start()].strip(" ,.:;-")
                return f"{left}{question}", *_checked(pick, shown)
    return f"{text}{question}", (), None


def _verb(before: str, book: Phrasebook) -> str:
    """What of the words before a number is asked for: the "upscale" of "upscale #2"."""
    words = re.findall(r"[^\W\d_]+", before)
    if not book.spaced:
        before = before.strip(" #第图")
        return before if any(f.rule.does in _KEPT for f in book.find(before)) else ""
    if not words:
        return ""
    word = words[0].casefold()
    if word in ("make", "turn", "change", "have", "get"):
        return f"{word} it"
    return word if any(f.rule.does in _KEPT for f in book.find(word, opening=True)) else ""


# What is asked for before a number, where nothing divides the two: 放大第二张.
_KEPT = frozenset(("upscale", "vary", "again", "reproduce", "delete", "video", "describe", "undo"))


def named(text: str, count: int) -> tuple[int, ...]:
    """All pictures that are named anywhere: "the cat from #1 in the second picture's room"."""
    patterns = (_NAMED, _NAMED_AMONG) if count > 1 else (_NAMED,)
    found = [match for pattern in patterns for match in pattern.finditer(text)]
    said = [next(filter(None, match.groups())).casefold() for match in found]
    return tuple(sorted({int(one) if one.isdecimal() else _ORDINALS[one] for one in said}))


_ORDINALS = {
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "1st": 1,
    "2nd": 2,
    "3rd": 3,
    "4th": 4,
    "ersten": 1,
    "zweiten": 2,
    "dritten": 3,
    "vierten": 4,
    "erste": 1,
    "zweite": 2,
    "dritte": 3,
    "一": 1,
    "二": 2,
    "三": 3,
    "四": 4,
}
_ORDINAL = "|".join(sorted(_ORDINALS, key=len, reverse=True))
_NAMED = re.compile(
    rf"\b({_ORDINAL}) (?:picture|image|photo|pic|bild)|\b(?:picture|image|pic|bild) #?([1-9])\b"
    r"|第([一二三四1-9])[张張幅枚]",
    re.IGNORECASE,
)
# Where one picture is shown, these may be things in it.
_NAMED_AMONG = re.compile(
    rf"(?<!\w)#([1-9])\b|\b({_ORDINAL}) one\b"
    r"|\b(?:from|of|like|blend|mix|combine|and) ([1-9])(?=[.,!?'’]|$| (?:and|into|in|with)\b)",
    re.IGNORECASE,
)


# Of two pictures, which lie side by side; of four, in two rows.
_PLACES = {"left": 1, "right": 2}


def _numbers(said: str, book: Phrasebook, count: int) -> tuple[int, ...]:
    out: list[int] = []
    for part in filter(None, _DIVIDERS.split(said)):
        named = book.named("ordinals", part)
        if place := _PLACES.get(named):
            out.append(place if place > 0 else count)
            continue
        value = number(named, book.language)
        if value is None or value != int(value):
            return ()
        if value == 0 and not count % 2:
            return ()  # of an even number none is in the middle
        out.append({-1: count, 0: (count + 1) // 2}.get(int(value), int(value)))
    return tuple(dict.fromkeys(out))


def _checked(pick: tuple[int, ...], shown: ShownPicture) -> tuple[tuple[int, ...], Intent | None]:
    if all(1 <= at <= shown.count for at in pick):
        return pick, None
    return pick, Intent(kind=IntentKind.ASK, question="pick")
