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
# What places and buildings are called by, behind their names.
_CALLED = frozenset(
    "山湖江河海寺塔观宫庙庵祠亭楼阁台园林桥关城岛洞峡泉潭沟陵墓府院殿堂庄坊渡峰岭港湾岩崖坡"
    "洲屿坝塘渠"
)
# Family names: where one is no word, one or two signs behind it are somebody's.
_FAMILY = frozenset(
    "张何赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许吕施孔曹严魏姜戚谢邹喻苏潘葛范彭郎鲁韦昌苗俞袁柳鲍薛雷贺倪汤滕殷罗毕郝邬安常乐于傅卞齐康伍余顾孟穆萧尹姚邵汪祁毛禹狄贝臧计戴宋庞纪"
    "舒屈项祝董梁杜阮蓝闵席季麻强贾路娄危江童颜郭梅盛林刁钟徐邱骆高夏蔡田樊胡凌霍虞万支柯管卢莫房裘缪解应宗丁宣邓单杭洪诸左石崔吉龚程嵇邢裴陆荣翁荀甄曲封芮储靳汲邴糜松段富巫"
    "焦牧隗侯宓蓬郗班仰仲伊宁仇栾甘厉武刘景詹束叶司黎聂晁勾敖冷辛阚简饶鞠丰佘"
)
_BETWEEN = frozenset("和与之")
_STATION = "站"  # behind a name a station, unless it is 站在 or 站着
# What a sentence goes on with behind its noun: 粉色的树好浪漫, 黄色的车停在那里.
_PREDICATES = frozenset("好真太超特停开亮叫倒飘会变想正已")
_PARTICLES = frozenset("地得过")  # also a part of words: 基地, 地狱, 杨过
# Where a verb of one sign goes: together they are another verb, that no table knows, and no two.
_WHITHER = frozenset("过下上进出回开起向到入住掉完") | {
    *(
        "下来",
        "下去",
        "过来",
        "过去",
        "出来",
        "出去",
        "进来",
        "进去",
        "上来",
        "上去",
        "回来",
        "回去",
    )
}
_COUNTING = frozenset("一两几这那每画来")  # behind them 张 counts
_PLACES = frozenset("上下中外内前后台名本")  # behind a noun or a number; before one part of it
_MEASURES = frozenset("个只条张本台头位双面把")  # behind a number; before one part of a name
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
    if not chinese:
        return names
    for at in range(len(spans)):
        names[at] = names[at] or _closes(around[at], spans[at], names[at - 1] if at else False)
        _signs(spans, at, names)
        _counted(around, at, names)
        _family(around, at, names)
        _whither(spans, at, names)
    for at in reversed(range(len(spans) - 1)):
        # The 黄 of 黄鹤楼 touches only a crane, and yet belongs to the name; so the 中 of 中山陵,
        # and the 花 of 花木兰.
        follower = spans[at + 1]
        if names[at + 1] and not _predicated(around[at], follower):
            touches = _touches(spans[at]) and len(follower.text) == 1
            names[at] = names[at] or touches or _leads(around[at], spans[at])
            names[at] = names[at] or _proper(spans[at], follower)
    return names


def _closes(before: _Span, span: _Span, named: bool) -> bool:
    """Whether it is what a place is called by, behind a name: the 湖 of 微山湖."""
    return named and before.kind != _FUNCTION and len(span.text) == 1 and span.text in _CALLED


def _proper(span: _Span, follower: _Span) -> bool:
    """A known thing before a single sign that means nothing but a place: 白云观, 牡丹亭."""
    if follower.text not in _CALLED or follower.kind or len(span.text) == 1:
        return False
    return span.kind not in (_FUNCTION, "number", "colour", "quality", "material", *_INDEPENDENT)


def _signs(spans: list[_Span], at: int, names: list[bool]) -> None:
    """Three signs that describe nothing together: 白龙马, 黑龙江, 龙虎山, 紫金山; 玄奘塔."""
    three = spans[at : at + 3]
    kinds = [span.kind for span in three]
    if len(three) == 3 and all(len(span.text) == 1 for span in three):
        beasts = kinds[0] in ("colour", "animal") and kinds[1] == "animal"
        called = three[2].text in _CALLED
        if (beasts and (called or kinds[2] in ("animal", "person"))) or (
            called and kinds[:2] == ["colour", "colour"]
        ):
            names[at : at + 3] = [True, True, True]
    if len(three) > 1 and kinds[0] == "name" and three[1].text in _CALLED:
        names[at : at + 2] = [True, True]


def _family(around: list[_Span], at: int, names: list[bool]) -> None:
    """A family name that is no word, and one or two signs before a sentence goes on: 赵飞燕."""
    before, span, rest = around[at], around[at + 1], around[at + 2 :]
    if len(span.text) > 1 or span.text not in _FAMILY:
        return
    small = len(rest) > 2 and rest[0].text == "小" and len(rest[1].text) == 1
    if small and rest[1].kind == "action":  # 马小跳: no horse that jumps
        names[at : at + 3] = [True, True, True]
    measure = before.kind == "number" or before.text[-1:] in _COUNTING
    if span.kind and (span.kind != _FUNCTION or measure or span.text != "张"):
        return
    given = 0
    while given < 2 and len(rest[given].text) == 1 and rest[given].kind != _FUNCTION:
        given += 1
    names[at : at + 1 + given] = [True] * (1 + given)


def _whither(spans: list[_Span], at: int, names: list[bool]) -> None:
    """A verb of one sign and where it goes, which no table knows together: 跃下, 踱过."""
    span = spans[at]
    follower = spans[at + 1] if at + 1 < len(spans) else _NOTHING
    if span.text == "而" and at and names[at - 1] and len(follower.text) == 1:
        names[at : at + 2] = [True, True]  # 蜂拥而上: one word
    unknown = follower.kind in ("", _FUNCTION) and follower.text in _WHITHER
    if span.kind == "action" and len(span.text) == 1 and unknown:
        names[at : at + 2] = [True, True]


def _counted(around: list[_Span], at: int, names: list[bool]) -> None:
    """A number that counts nothing: 六和塔, 九华山."""
    span, follower = around[at + 1], around[at + 2]
    last = around[at + 3] if at + 3 < len(around) else _NOTHING
    if not span.text or not set(span.text) <= _NUMERALS:
        return
    if follower.text in _BETWEEN and last.text in _CALLED and last.text:
        names[at : at + 3] = [True, True, True]
    elif follower.kind == "name":
        names[at : at + 2] = [True, True]
    elif last.text in _CALLED and last.text and follower.kind == "person":
        names[at : at + 3] = [True, True, True]  # 四姑娘山: of four there would be a measure


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
    if span.text in _PLACES | _PARTICLES | _MEASURES and span.kind == _FUNCTION:
        return before is _NOTHING or before.text in _OPENING
    return (span.kind == "colour" and len(span.text) == 1) or set(span.text) <= _NUMERALS
