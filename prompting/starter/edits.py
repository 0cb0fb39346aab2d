"""Instructions that change a picture, free sentences, and wishes that have no grammar at all.

The invariant: the answer's subject keeps every content word, in the order of the wish.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random

from prompting.starter import phrasing, phrasing_zh
from prompting.starter.answers import noun_phrase, noun_phrase_chinese
from prompting.starter.scenes import SceneThing, Setting, setting, thing
from prompting.starter.scenes import style as style_in
from prompting.starter.speech import THINGS, Said, Speaker, article

_LINES = tuple(
    tuple(tuple(form.strip() for form in half.split(" / ")) for half in line.split("|"))
    for line in Path(__file__).with_name("instructions.txt").read_text("utf-8").splitlines()
    if line[0] != "#"
)
_JOINTS_EN = (
    "the a in on with and of to at by is that it my very some from for you me this but as or not "
    "so all do what over into i"
)
_JOINTS_ZH = "的 在 和 是 一个 这 了 很 与 里 上 我 有 中 都 要"
# Between the things of a free sentence; u: a word that is not known, v: a known action.
_LINKS_EN = (
    "{u}/{u}/{u} at/{u} in/{u} on/{u} with/{u} into/{u} for/{u} of/who {u}/that {u}/who {u} at/"
    "{v}/{v} on/{v} in/{v} near/that {v}/who is {v}/is {v} while/while/of/of/with/made of/full of/"
    "covered in/over/above/around/through/between/for/from/but/like/as/to/across/at the end of/"
    "inside/shaped like/on top of/into/against/into/looking like/at/without its/and his/and her/"
    "in the middle of/where/when/because of/instead of/during/after/before/outside"
)
_LINKS_ZH = (
    "{u}/{u}/{u}着/在{u}/正在{u}/{u}了/{u}的/{v}/{v}着/正在{v}/的/的/做的/和/跟/穿过/上方的/装满/像/"
    "一起{u}/里的/中央有/深处的/飞过/变成/里{u}/上{u}/戴着/背着/抱着/站在/坐在/和{u}的/里有/挂在/停着"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WishTold:
    """A wish and its answer's subject and style."""

    wish: str
    subject: str
    style: tuple[Said, ...] = ()
    avoid: tuple[Said, ...] = ()


def instruction(by: Speaker, language: str) -> WishTold:
    """An instruction; `language` is the answer's."""
    dice = by.dice
    line = dice.choice(_LINES)
    forms, canonical = line[by.language == "zh"], line[language == "zh"][0]
    said = {
        "a": by.any_of(*THINGS, "nature")
        if dice.random() < 0.8 or not by.room
        else by.unknown("thing"),
        "b": by.any_of(*THINGS) if dice.random() < 0.8 or not by.room else by.unknown("thing"),
        "c": by.any_of("colour"),
        "p": by.any_of("place", "time", "weather"),
        "s": by.any_of("style"),
        "q": by.any_of("quality"),
    }

    def fill(form: str, words: dict[str, str]) -> str:
        return form.format(**words, aa=article(words["a"]), bb=article(words["b"]))

    form = dice.choice(forms)
    wish = fill(form, {key: word.wish for key, word in said.items()})
    if dice.random() < 0.3:
        polite = (
            ("请", "帮我", "麻烦")
            if by.language == "zh"
            else ("please ", "can you ", "now ", "just ")
        )
        wish = dice.choice(polite) + wish
    subject = fill(canonical, {key: word.put(language) for key, word in said.items()})
    return WishTold(wish=wish, subject=subject, style=(said["s"],) if "{s}" in canonical else ())


def sentence(by: Speaker, language: str) -> WishTold:
    """Things and what links them, in words that nobody foresaw; copied as they are."""
    dice, spoken = by.dice, by.language
    wish: list[str] = []
    kept: list[str] = []
    for at in range(dice.choices((1, 2, 3), (20, 55, 25))[0]):
        if at:
            link = dice.choice((_LINKS_ZH if spoken == "zh" else _LINKS_EN).split("/"))
            word = None
            if "{u}" in link:
                word = by.unknown("action") if by.room else by.any_of("action")
            elif "{v}" in link:
                word = by.any_of("action")
            shown = link.replace("{v}", "{u}")
            wish.append(shown.format(u=word.wish if word else ""))
            if spoken == language:
                kept.append(shown.format(u=word.put(language) if word else ""))
            elif word:
                kept.append(word.put(language))
        described = thing(by)
        wish.append(noun_phrase(described, "wish") if spoken == "en" else _said(described))
        kept.append(noun_phrase_chinese(described) if language == "zh" else noun_phrase(described))
    if dice.random() < 0.4:
        wish, kept = _somewhere(by, setting(by), language, wish, kept)
    glue = "" if spoken == "zh" else " "
    styles = [style_in(by)] if dice.random() < 0.4 else []
    avoided = [by.any_of(*THINGS, "nature")] if dice.random() < 0.12 else []
    phrases = phrasing_zh if spoken == "zh" else phrasing
    return WishTold(
        wish=phrases.decorated(glue.join(wish), styles, avoided, dice),
        subject=("" if language == "zh" else " ").join(kept),
        style=tuple(styles),
        avoid=tuple(avoided),
    )


def _said(described: SceneThing) -> str:
    number = described.number.wish if described.number else "一"
    measure = described.determiner if not described.determiner.isascii() else ""
    count = f"{number}{measure}" if described.number or measure else ""
    words = [f"{word.wish.removesuffix('的')}的" for word in described.described]
    return "".join([count, *words, described.noun.wish])


def _somewhere(
    by: Speaker, where: Setting, language: str, wish: list[str], kept: list[str]
) -> tuple[list[str], list[str]]:
    """The sentence with a place or a time at its end, or in Chinese at its beginning."""
    if by.language == "zh":
        place = where.zh.removesuffix("的")
        wish = [place.format(where.word.wish) + by.dice.choice(("", ",")), *wish]
        if language == "zh":
            return wish, [*kept, place.format(where.word.zh)]
    else:
        wish = [*wish, where.en.format(where.word.wish)]
    return wish, [*kept, where.en.format(where.word.en)]


def salad(by: Speaker, language: str) -> WishTold:
    """Words in any order, as after a word-by-word translation or from somebody hostile."""
    dice = by.dice
    wish: list[str] = []
    kept: list[str] = []
    joints = _JOINTS_ZH if by.language == "zh" else _JOINTS_EN
    for _ in range(dice.randint(1, 8)):
        if dice.random() < 0.3:
            wish.append(dice.choice(joints.split(" ")))
            if by.language == language == "en":
                kept.append(wish[-1])
            continue
        if dice.random() < 0.5 and by.room:
            word = by.unknown("thing")
        else:
            word = by.any_of(*THINGS, "colour", "quality", "action", "place", "nature", "number")
        wish.append(word.wish)
        kept.append(word.put(language))
        if dice.random() < 0.12:
            wish[-1] += dice.choice((",", ".", "!", ":", ";", "?"))
    if not kept:
        described = thing(by)
        wish.append(described.noun.wish)
        kept.append(described.noun.put(language))
    return WishTold(wish=_spaced(wish, by.language, dice), subject=" ".join(kept))


def _spaced(words: list[str], language: str, dice: Random) -> str:
    return ("" if language == "zh" and dice.random() < 0.8 else " ").join(words)
