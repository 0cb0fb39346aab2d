"""Divides a text without spaces, Chinese or Japanese, into words.

    一只红色的猫  ▶  一只 · 红色 · 的 · 猫          花木兰骑马  ▶  花木兰 (a name) · 骑 · 马

What is not read with certainty belongs to a name, which a prompt keeps as it was written.  The
invariant: the pieces put together are the text.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

# A single character of these kinds keeps its meaning beside a name; others are part of it.
_INDEPENDENT = frozenset({"action", "number"})
_FREE = frozenset("小大老新旧胖")  # describe whatever they stand before
# Without a measure word, a number counts nothing: 三星堆, 九寨沟; 两 is never part of a name.
_NUMERALS = frozenset("一二三四五六七八九十百")
# Qualities that are nouns: behind a name, with no noun to describe, they end it, as in 初音未来.
_NOMINAL = frozenset({"未来", "魔法", "金属", "木头", "条纹", "圆点"})
_STATION = "站"  # behind a name a station, unless it is 站在 or 站着
# What a sentence goes on with behind its noun: 粉色的树好浪漫, 黄色的车停在那里.
_PREDICATES = frozenset("好真太超特停开亮叫倒飘会变想正已")
_PARTICLES = frozenset("地得")  # also a part of words: 基地, 地狱
_PLACES = frozenset("上下中外内前后台名本")  # behind a noun or a number; before one part of it
_OPENING = frozenset({"的", "在", "和", "与", "跟", "到", "从"})  # behind which a word begins


def divide(
    text: str, kinds: Mapping[str, str], function: Set[str], longest: int, *, chinese: bool = True
) -> list[tuple[int, int]]:
    """Where the words begin and end: the longest known ones, and what lies between.

    `kinds` are the known words with their kinds, `longest` the characters of the longest one.
    """
    spans: list[_Span] = []
    at = 0
    while at < len(text):
        loose = bool(spans) and not spans[-1].kind
        for size in range(min(longest, len(text) - at), 0, -1):
            piece = text[at : at + size]
            if loose and size == 2 and piece[1] == "的":
                continue  # 孙悟空 · 的, not 空的
            if piece in kinds or piece in function:
                spans.append(_Span(at, at + size, piece, kinds.get(piece, _FUNCTION)))
                break
        else:
            start = spans.pop().start if loose else at
            spans.append(_Span(start, at + 1, text[start : at + 1], ""))
        at = spans[-1].end
    return _merged(spans, _names(spans, chinese=chinese))


_FUNCTION = "function"


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    text: str
    kind: str  # empty where it is not known


_NOTHING = _Span(0, 0, "", _FUNCTION)


def _merged(spans: list[_Span], names: list[bool]) -> list[tuple[int, int]]:
    """Parts of names that touch are one name."""
    out: list[tuple[int, int]] = []
    loose = False  # whether the last span is part of a name
    for span, name in zip(spans, names, strict=True):
        if name and loose:
            out[-1] = (out[-1][0], span.end)
        else:
            out.append((span.start, span.end))
        loose = name
    return out


def _names(spans: list[_Span], *, chinese: bool) -> list[bool]:
    """Which spans are part of a name: unknown ones, and those that such a one takes in."""
    around = [_NOTHING, *spans, _NOTHING]
    names = [
        not span.kind
        or _taken(around[at], span, around[at + 2])
        or (chinese and _ending(around[at], span, around[at + 2]))
        or (chinese and _doubtful(around[at], span))
        for at, span in enumerate(spans)
    ]
    for at in reversed(range(len(spans) - 1 if chinese else 0)):
        # The 黄 of 黄鹤楼 touches only a crane, and yet belongs to the name; so the 中 of 中山陵,
        # and the 花 of 花木兰.
        follower = spans[at + 1]
        if names[at + 1] and not _predicated(around[at], follower):
            touches = _touches(spans[at]) and len(follower.text) == 1
            names[at] = names[at] or touches or _leads(around[at], spans[at])
    return names


def _touches(span: _Span) -> bool:
    """Whether it may be part of a name beside it: a single character of no meaning of its own."""
    return (
        len(span.text) == 1
        and span.kind not in (_FUNCTION, *_INDEPENDENT)
        and span.text not in _FREE
    )


def _taken(before: _Span, span: _Span, after: _Span) -> bool:
    """A single character that touches an unknown run is part of a name: the 花 of 花木兰."""
    if not _touches(span):
        return False
    return not before.kind or (not after.kind and not _predicated(before, after))


def _predicated(before: _Span, after: _Span) -> bool:
    """Whether what follows a noun says what it does, and is no part of its name."""
    return before.text == "的" and not after.kind and after.text[:1] in _PREDICATES


def _ending(before: _Span, span: _Span, after: _Span) -> bool:
    """Known words that end the name before them."""
    if before.kind:
        return False
    if span.text in _NOMINAL:
        return after.kind in (_FUNCTION, "action")
    return span.text == _STATION and after.kind == _FUNCTION


def _doubtful(before: _Span, span: _Span) -> bool:
    """A particle behind an unknown run: the 地 of 基地 and of 慢慢地."""
    return span.text in _PARTICLES and not before.kind


def _leads(before: _Span, span: _Span) -> bool:
    """Whether it begins the name behind it: a colour, a number, or what else follows a noun."""
    if span.text in _PLACES | _PARTICLES and span.kind == _FUNCTION:
        return before is _NOTHING or before.text in _OPENING
    return (span.kind == "colour" and len(span.text) == 1) or set(span.text) <= _NUMERALS
