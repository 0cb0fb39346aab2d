"""How people say a Chinese wish.

The invariant: a phrasing says all that the scene names, and denies what it avoids.
"""

from __future__ import annotations

from random import Random

from prompting.starter.scenes import RELATIONS, Scene, SceneThing
from prompting.starter.speech import Said

_BEFORE = (
    "画", "请画", "帮我画", "我想要", "给我来张", "能不能画", "想看", "来一张", "生成", "画面里有",
    "帮忙做一张", "给我", "我要", "做一个", "画一下", "请帮我生成", "想要一张", "麻烦画", "来个",
    "请给我画",    "能画", "我想看", "你好,画", "设计", "图里有", "来一幅", "可以画", "帮我做",
    "希望有", "一张图:",
)  # fmt: skip
_AFTER = (
    "!", "。", "吧", "就行", "谢谢", "的图", "的图片", "的画", "可以吗", "!!", ",谢谢", "好吗",
    "呢", "~",     "就好", "行吗", "的样子", ",拜托了",
)  # fmt: skip
_STYLES_BEFORE = ("{}风格的", "{}风格,", "{}的", "用{}画", "{}:", "{},", "一幅{},", "以{}风格画")
_STYLES_AFTER = (
    "{}风格", "{}", "{}风", "要{}", "画成{}", "{}效果", "用{}风格", "风格是{}",
    "{}的感觉", "风格:{}",
)  # fmt: skip
_NEGATIONS = (
    "不要{}",
    "没有{}",
    "不要有{}",
    "别画{}",
    "无{}",
    "不带{}",
    "去掉{}",
    "不能有{}",
    "里面不要{}",
    "千万别有{}",
)
_BACKGROUNDS = (
    "{}背景",
    "背景是{}",
    "背景为{}",
    "{}的背景",
    "背景用{}",
    "背景要{}的",
    "{}底",
    "在{}背景上",
)


def wish(scene: Scene, dice: Random) -> str:
    """The scene as somebody might type it."""
    core, later = _things(scene, dice)
    if scene.action:
        action = scene.action.wish
        forms = ("{c}{a}", "{c}在{a}", "{c}正在{a}", "{a}的{c}")
        core = dice.choice(forms).format(c=core, a=action)
    tails = list(later)
    for setting in scene.settings:
        word, way = setting.word.wish, dice.random()
        place = setting.zh.removesuffix("的").format(word)
        if not setting.en or way < 0.2:
            tails.append(word)
        elif way < 0.6:
            core = f"{core}{place}"
        elif way < 0.85:
            core = f"{place}{dice.choice(('的', '的', '', ','))}{core}"
        else:
            core = f"{word}{dice.choice(('里的', '中的', '的'))}{core}"
    if scene.background:
        tails.append(dice.choice(_BACKGROUNDS).format(scene.background.wish))
    tails += [dice.choice(("{}", "{}的感觉", "要{}", "很{}")).format(w.wish) for w in scene.moods]
    for style in scene.styles:
        if dice.random() < 0.35:
            core = dice.choice(_STYLES_BEFORE).format(style.wish) + core
        else:
            tails.append(dice.choice(_STYLES_AFTER).format(style.wish))
    tails += [dice.choice(_NEGATIONS).format(word.wish) for word in scene.avoided]
    if dice.random() < 0.3:
        dice.shuffle(tails)
    sep = dice.choice((",", ",", ",", ",", "。", " ", "、", ", "))
    text = sep.join([core, *tails])
    if dice.random() < 0.45:
        text = dice.choice(_BEFORE) + text
    if dice.random() < 0.3:
        text += dice.choice(_AFTER)
    return text


def decorated(text: str, styles: list[Said], avoided: list[Said], dice: Random) -> str:
    """A sentence with a style, a denial and a filler, as they are put to it."""
    for style in styles:
        if dice.random() < 0.35:
            text = dice.choice(_STYLES_BEFORE).format(style.wish) + text
        else:
            text += dice.choice((",", ",", " ", "。")) + dice.choice(_STYLES_AFTER).format(
                style.wish
            )
    for word in avoided:
        text += dice.choice((",", ",", " ")) + dice.choice(_NEGATIONS).format(word.wish)
    if dice.random() < 0.35:
        text = dice.choice(_BEFORE) + text
    return text + dice.choice(_AFTER) if dice.random() < 0.2 else text


def _things(scene: Scene, dice: Random) -> tuple[str, list[str]]:
    later: list[str] = []
    said: list[str] = []
    for thing in scene.things:
        bare = thing.colour is not None and dice.random() < 0.2
        said.append(_phrase(thing, dice, bare=bare))
        if bare and thing.colour:
            form = ("{}是{}的", "{}要{}的", "{}是{}", "{}{}")
            later.append(dice.choice(form).format(thing.noun.wish, thing.colour.wish))
    if len(said) == 1:
        return said[0], later
    if len(said) > 2:
        return dice.choice(("{}、{}和{}", "{},{},{}", "{}和{}还有{}")).format(*said), later
    _, first, others, _ = RELATIONS[scene.relation]
    pattern = first if dice.random() < 0.5 else dice.choice(others)
    return pattern.format(a=said[0], b=said[1]), later


def _phrase(thing: SceneThing, dice: Random, *, bare: bool) -> str:
    words = []
    for word in thing.described:
        if word is thing.colour and bare:
            continue
        text = word.wish
        if text[-1:] != "的" and dice.random() < 0.7:
            text += "的"
        words.append(text)
    dice.shuffle(words)
    measure = thing.determiner if not thing.determiner.isascii() else ""
    if thing.number:
        count = thing.number.wish + measure
    elif measure:
        count = dice.choice(("一", "一", "一", "这", "那", "")) + measure
    else:
        count = ""
    if dice.random() < 0.12:
        return "".join([*words, count, thing.noun.wish])
    return "".join([count, *words, thing.noun.wish])
