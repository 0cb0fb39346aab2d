"""Phrases without spaces in English: 一只白猫 ▶ a white cat, テーブルの上 ▶ on the table.

The invariant: a word that is not known stays as it was written.
"""

from __future__ import annotations

import re

from prompting.changing.joining import with_article
from prompting.changing.vocabulary import vocabulary
from prompting.reading.lexicon import OBJECTS

_ONE = re.compile(
    r"一[只个条头匹位座棵朵辆艘顶件把副本杯束盏支枝块台架间栋扇面根颗滴道轮隻個條頭幅张盆盘碗瓶](?=.)"
)
# How much more: no picture shows that.
_DEGREE = re.compile(r"\A(?:再|更(?!多)加?|稍微)(?=..)|(?<=..)一?[点些]儿?\Z")
# A verb, and one of what it is done with: 戴个帽子.
_HELD = re.compile(
    r"(?:手里|手上|手中|头上|身上|怀里)?(?P<verb>[穿戴披拿抱骑围系举背牵撑捧]着?|手持|拿着|手拿)"
    r"一?[只个条头匹顶件把副本杯束支枝台架面根辆艘身套双](?P<thing>.+)"
)
# What nobody means one of, unless it is said: 蓝眼睛 is blue eyes.
_PAIRED = re.compile(r"\b(eye|ear|leg|wing|eyebrow|sleeve|petal|antler|horn)\Z")
_WHERE = {
    **dict.fromkeys(("左边", "左侧", "左面", "左方"), "on the left"),
    **dict.fromkeys(("右边", "右侧", "右面", "右方"), "on the right"),
    **dict.fromkeys(("远处", "远方", "远景"), "in the distance"),
    **dict.fromkeys(("背景", "背景里", "背景中", "后面", "背后", "身后"), "in the background"),
    **dict.fromkeys(("天空", "天上", "天空中", "空中", "天空里"), "in the sky"),
    **dict.fromkeys(("前景", "前面", "前方"), "in the foreground"),
    **dict.fromkeys(("中间", "中央", "正中间"), "in the middle"),
    **dict.fromkeys(("旁边", "旁", "边上", "身边", "身旁", "一旁", "附近"), "next to it"),
    **dict.fromkeys(("周围", "四周"), "around it"),
    **dict.fromkeys(("下面", "下方", "底部"), "at the bottom"),
    **dict.fromkeys(("上面", "上方", "顶部"), "at the top"),
    **dict.fromkeys(("手里", "手上", "手中"), "in the hand"),
    **dict.fromkeys(("头上", "头顶"), "on the head"),
    **dict.fromkeys(("角落", "角落里"), "in the corner"),
}
_LOCATIVES = (
    (r"上面?|顶上|表面", "on"),
    (r"里面?|中|内|当中", "in"),
    (r"下面?|底下|下方", "under"),
    (r"旁边?|边上?|身旁|身边|附近|一旁", "next to"),
    (r"前面?|前方|面前", "in front of"),
    (r"后面?|后方|身后|背后", "behind"),
    (r"周围|四周", "around"),
    (r"上方|上空", "above"),
    (r"左边|左侧", "to the left of"),
    (r"右边|右侧", "to the right of"),
    (r"之间|中间", "between"),
)
_LOCATIVES_JA = (
    (r"上", "on"),
    (r"中|内", "in"),
    (r"下", "under"),
    (r"隣|横|そば|近く|脇", "next to"),
    (r"前|手前", "in front of"),
    (r"後ろ|奥|裏", "behind"),
    (r"周り|周囲", "around"),
    (r"左", "to the left of"),
    (r"右", "to the right of"),
)
_LOCATED = {
    "zh": tuple(
        (re.compile(rf"在?(?P<thing>.+?)(?:的)?(?:{ending})"), english)
        for ending, english in _LOCATIVES
    ),
    "ja": tuple(
        (re.compile(rf"(?P<thing>.+?)の(?:{ending})に?"), english)
        for ending, english in _LOCATIVES_JA
    ),
}


# Something that is somewhere: 一只蝴蝶停在花上, 一条龙在天上飞.
_BEING = re.compile(
    r"(?P<thing>.*?)(?P<verb>[停站坐趴躺飞挂飘蹲靠走睡漂放])?在"
    r"(?P<where>.+?(?:上面?|里面?|中|下面?|旁边?|边上?|前面?|后面?|空|身旁|身边))(?P<doing>.{0,3})"
)


def in_english(text: str, language: str) -> str:
    """The phrase in English, as far as its words are known."""
    plain = _DEGREE.sub("", text.strip()) or text.strip()
    bare = re.sub(r"\A在?(?:(?:画面|图片?|照片)的?)?(?=..)", "", plain)
    if bare in _WHERE:
        return _WHERE[bare]
    words = vocabulary()
    being = _BEING.fullmatch(plain) if language == "zh" else None
    if being and (being["thing"] or being["verb"]):
        doing = words.find(being["doing"] or being["verb"] or "", language)
        parts = (
            being["thing"] and in_english(being["thing"], language),
            doing.name if doing else _phrase(being["doing"], language),
            _somewhere(being["where"], language),
        )
        return " ".join(filter(None, parts))
    if not words.find(bare, language):
        for pattern, preposition in _LOCATED[language]:
            found = pattern.fullmatch(plain)
            if found and any(word.entry for word in words.read(found["thing"], language)):
                return f"{preposition} the {_phrase(found['thing'], language)}"
    held = _HELD.match(plain)
    if held and language == "zh":
        wearing = held["verb"][0] in "穿戴披围系"
        verb = "wearing" if wearing else _phrase(held["verb"], language)
        thing = in_english("一个" + held["thing"], language)
        return f"{verb if verb.isascii() else 'holding'} {thing}"
    counted = _ONE.match(plain)
    said = _phrase(plain[counted.end() :] if counted else plain, language)
    if counted:
        return with_article(said) if said[:1].isascii() else said
    return _PAIRED.sub(r"\1s", said)


def _somewhere(where: str, language: str) -> str:
    """A place with what stands before it in English: 地上 ▶ on the floor."""
    said = in_english(where, language)
    leading = {"上": "on the", "里": "in the", "中": "in the", "下": "under the", "边": "by the"}
    before = leading.get(where[-1:], "")
    return said if " the " in f" {said} " or not before else f"{before} {said}"


def _phrase(text: str, language: str) -> str:
    owner, of, thing = text.rpartition("的" if language == "zh" else "の")
    words = vocabulary()
    if of and thing and owner:
        last = [word for word in words.read(owner, language) if word.content]
        if last and last[-1].entry and last[-1].entry.kind in OBJECTS | {"structure", "part"}:
            return f"{_phrase(owner.rstrip('里上中'), language)}'s {_phrase(thing, language)}"
    return words.english(text, language).strip() or text
