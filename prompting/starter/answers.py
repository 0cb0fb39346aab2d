"""The answer that the assistant should give to a scene.

The invariant: the subject says everything that the wish names and nothing else; a colour stands
directly before the noun it belongs to.  It holds no details: those come from a grammar of scenes,
which is given the same wish (`prompting.scenery.composing`).
"""

from __future__ import annotations

from typing import Literal

from prompting.starter.scenes import RELATIONS, Scene, SceneThing, Setting
from prompting.starter.speech import MASS, Said, article, plural
from prompting.writers import template


def subject(scene: Scene, language: str) -> str:
    """Everything the wish names, in canonical order."""
    return _chinese(scene) if language == "zh" else _english(scene)


def answer(scene: Scene, language: str) -> str:
    """The whole answer, as the grammar wants it."""
    return template.answer(
        subject=subject(scene, language),
        details=(),
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
