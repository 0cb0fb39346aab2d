"""The answer that the assistant should give to a scene.

The invariant: the subject says everything that the wish names and nothing else; a colour stands
directly before the noun it belongs to.
"""

from __future__ import annotations

from random import Random
from typing import Literal

from prompting.starter.details import DETAILS, KEPT
from prompting.starter.scenes import RELATIONS, Scene, SceneThing, Setting
from prompting.starter.speech import MASS, Said, article, plural
from prompting.writers import template

_FACTS_OF_STYLE = {
    "photo": "photo", "realistic": "photo", "cinematic": "photo",
    "watercolor": "painted", "oil painting": "painted", "ink wash": "painted",
    "impressionist": "painted", "pastel": "painted", "graffiti": "painted",
    "sketch": "drawn", "line art": "drawn", "comic": "drawn", "ukiyo-e": "drawn",
    "pixel art": "pixel",
    "flat": "flat", "paper cut": "flat", "sticker": "flat", "minimalist": "flat",
    "cartoon": "anime", "anime": "anime",
    "3d render": "render", "clay": "render", "origami": "render",
}  # fmt: skip
_FURRY = frozenset(
    {"cat", "dog", "rabbit", "lion", "tiger", "leopard", "bear", "panda", "fox", "wolf", "sheep"}
    | {"goat", "koala", "squirrel", "hamster", "raccoon", "otter", "mouse", "monkey"}
)
_FEATHERED = frozenset(
    {"bird", "duck", "chicken", "goose", "swan", "owl", "eagle", "parrot", "crow", "penguin"}
    | {"flamingo", "peacock", "crane", "phoenix"}
)
_SCALY = frozenset(
    ("fish", "snake", "crocodile", "lizard", "dinosaur", "dragon", "goldfish", "koi")
)
_INDOOR = frozenset({"kitchen", "bedroom", "room"})


def facts(scene: Scene) -> frozenset[str]:
    """What decides which additions fit."""
    found = {t.noun.kind for t in scene.things if not t.noun.unknown}
    names = {word.name for word in scene.words() if word not in scene.avoided}
    groups = (("furry", _FURRY), ("feathered", _FEATHERED), ("scaly", _SCALY), ("indoor", _INDOOR))
    found |= {fact for fact, group in groups if names & group}
    found |= {_FACTS_OF_STYLE[name] for name in names if name in _FACTS_OF_STYLE}
    found |= names & {"night", "sunset", "underwater", "space", "rain", "snow", "fog", "dark"}
    found |= {"night"} if names & {"night sky", "midnight", "moonlight", "dark", "moon"} else set()
    found |= {"snow"} if names & {"winter", "snow field"} else set()
    found |= {"sad"} if names & {"sad", "lonely", "crying", "angry", "fighting"} else set()
    found |= {"dark"} if names & {"mysterious", "halloween", "ghost", "vampire"} else set()
    if any(s.word.kind in ("place", "nature") for s in scene.settings) and "indoor" not in found:
        found.add("outdoor")
    return frozenset(found | ({"alone"} if len(scene.things) > 1 else set()))


def additions(scene: Scene, dialect: str, language: str, dice: Random) -> list[str]:
    """Details for the dialect; none for the starter, whose picture shows just what is asked."""
    if dialect == "starter":
        return []
    chinese = language == "zh"
    if dialect == "edit":
        return [pair[chinese] for pair in dice.sample(KEPT, dice.choice((1, 2, 2)))]
    known = facts(scene)
    fitting = [detail for detail in DETAILS if detail.fits(known)]
    # What fits only this picture is worth more than what fits all.
    weights = [3.0 if detail.needs else 1.0 for detail in fitting]
    wanted = dice.choice((3, 3, 4)) if dialect == "tags" else dice.choice((2, 2, 3))
    taken: dict[str, str] = {}
    while len(taken) < wanted:
        detail = dice.choices(fitting, weights)[0]
        forms = detail.prose if dialect == "prose" else detail.tags
        taken.setdefault(detail.group, forms[chinese])
    return list(taken.values())


def plain_additions(dialect: str, language: str, dice: Random) -> list[str]:
    """Details that fit any scene."""
    return additions(Scene(things=()), dialect, language, dice)


def subject(scene: Scene, language: str) -> str:
    """Everything the wish names, in canonical order."""
    return _chinese(scene) if language == "zh" else _english(scene)


def answer(scene: Scene, dialect: str, language: str, dice: Random) -> str:
    """The whole answer, as the grammar wants it."""
    return template.answer(
        subject=subject(scene, language),
        details=additions(scene, dialect, language, dice),
        style=[style_of(word, language) for word in scene.styles],
        avoid=[word.put(language) for word in scene.avoided],
    )


def style_of(word: Said, language: str) -> str:
    if not word.unknown:
        return word.put(language)
    return f"{word.zh}风格" if language == "zh" else f"{word.en} style"


def noun_phrase(thing: SceneThing, form: Literal["wish", "en"] = "en") -> str:
    """A thing in English, as it stands in the answer or in the wish."""
    noun: str = getattr(thing.noun, form)
    words: list[str] = [getattr(word, form) for word in thing.described]
    if thing.number:
        return " ".join([getattr(thing.number, form), *words, plural(noun)])
    phrase = " ".join([*words, noun])
    if thing.determiner == "the":
        return f"the {phrase}"
    if thing.noun.unknown and thing.determiner in ("", "my", "one"):
        return phrase  # perhaps a name
    return phrase if thing.noun.name in MASS else article(phrase)


def noun_phrase_chinese(thing: SceneThing) -> str:
    """A thing in Chinese: 两只可爱的红色的猫."""
    number = thing.number.zh if thing.number else "一"
    measure = thing.determiner if not thing.determiner.isascii() else ""
    count = f"{number}{measure}" if thing.number or measure else ""
    words = [f"{word.zh}的" if word.zh else "" for word in thing.described]
    return "".join([count, *words, thing.noun.zh])


def _placed(setting: Setting) -> str:
    return setting.en.format(setting.word.en) if setting.en else setting.word.en


def _english(scene: Scene) -> str:
    things = [noun_phrase(thing) for thing in scene.things]
    out = things[0]
    if len(things) == 2:
        out += f" {RELATIONS[scene.relation][0]} {things[1]}"
    elif len(things) > 2:
        out = f"{', '.join(things[:-1])} and {things[-1]}"
    parts = [out, *([scene.action.en] if scene.action else [])]
    phrases = [_placed(s) for s in scene.settings if s.en]
    loose = [_placed(s) for s in scene.settings if not s.en] + [word.en for word in scene.moods]
    if scene.background:
        phrases.append(f"on {article(scene.background.en)} background")
    return ", ".join([" ".join([*parts, *phrases]), *loose])


def _chinese(scene: Scene) -> str:
    things = [noun_phrase_chinese(thing) for thing in scene.things]
    out = things[0]
    if len(things) == 2:
        out = RELATIONS[scene.relation][1].format(a=things[0], b=things[1])
    elif len(things) > 2:
        out = f"{'、'.join(things[:-1])}和{things[-1]}"
    out += scene.action.zh if scene.action else ""
    places = [s.zh.removesuffix("的").format(s.word.zh) for s in scene.settings if s.en]
    loose = [s.word.zh for s in scene.settings if not s.en] + [word.zh for word in scene.moods]
    if scene.background:
        loose.append(f"{scene.background.zh}背景")
    return ",".join([out + "".join(places), *loose])
