"""Settings that a reply asks for: "steps 40", "a bit wider", --ar 16:9, <lora:ink:0.8>.

The invariant: a value is what was said; what is relative has a direction and no value of ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from prompting.changing.clause import Clause, Intents
from prompting.changing.intents import (
    Action,
    AskedSetting,
    Aspect,
    ContentChange,
    Direction,
    Intent,
    IntentKind,
)
from prompting.changing.numbers import number
from prompting.changing.phrasebook import Found
from prompting.changing.styling import library_style
from prompting.reading.lexicon import fold
from prompting.slots import Opaque

_WHOLE = frozenset({"steps", "seed", "count", "clip_skip", "width", "height"})
_MOST_PICTURES = 16


def setting(
    name: str,
    value: str | float | None = None,
    *,
    of: str = "",
    direction: Direction | None = None,
) -> AskedSetting:
    return AskedSetting(name=name, of=of, value=value, direction=direction)


def settings(*asked: AskedSetting) -> Intents:
    """Settings as one wish."""
    return (Intent(kind=IntentKind.PARAMETERS, settings=asked),)


def _setting(found: Found, clause: Clause) -> Intents | None:
    name = found["name"] or clause.book.named("settings", found["setting"])
    value = number(found["n"], clause.language) if found["n"] else None
    direction = Direction(found["direction"]) if found["direction"] else None
    if name in ("model", "sampler", "scheduler", "style", "aspect") and direction is None:
        return None
    if name == "size" and found["name"] == "" and direction is Direction.MORE:
        return (Intent(kind=IntentKind.UPSCALE),)
    if name in _WHOLE and value is not None:
        if value != int(value):
            return None
        value = int(value)
    factor = float(found["factor"]) if found["factor"] else None
    if value is None and direction is None and factor is None:
        return None
    if name == "count" and value is not None and not 1 <= value <= _MOST_PICTURES:
        return None
    return settings(
        AskedSetting(
            name=name,
            value=value,
            direction=direction,
            factor=factor,
            slightly=bool(found["slightly"]),
        )
    )


def _aspect(found: Found, clause: Clause) -> Intents | None:  # noqa: ARG001
    direction = Direction(found["direction"])
    slightly = bool(found["slightly"])
    return settings(AskedSetting(name="aspect", direction=direction, slightly=slightly))


def _shape(found: Found, clause: Clause) -> Intents | None:
    return settings(setting("size", clause.book.named("shapes", found["shape"])))


_SIZE = re.compile(r"(\d{2,5}) ?(?:x|×|by|\*|乘|х) ?(\d{2,5})", re.IGNORECASE)
_RATIO = re.compile(r"(\d{1,2}(?:\.\d+)?) ?(?::|/|by|：|比) ?(\d{1,2}(?:\.\d+)?)", re.IGNORECASE)


def _size(found: Found, clause: Clause) -> Intents | None:  # noqa: ARG001
    value = sized(found["value"])
    return settings(setting("size", value)) if value else None


def sized(text: str) -> str:
    """A size or a ratio as it is written: "768x512", "3:2"; "" where it is none."""
    if match := _SIZE.fullmatch(text.strip()):
        return f"{match[1]}x{match[2]}"
    match = _RATIO.fullmatch(text.strip())
    return f"{match[1]}:{match[2]}" if match and float(match[1]) and float(match[2]) else ""


def counted(said: str, clause: Clause) -> Intents:
    """So many pictures, of whatever is said beside it."""
    value = number(said, clause.language)
    if value is None or value != int(value) or not 1 <= value <= _MOST_PICTURES:
        return ()
    return settings(setting("count", int(value)))


def _count(found: Found, clause: Clause) -> Intents | None:
    how_many = counted(found["n"], clause)
    return (Intent(kind=IntentKind.AGAIN), *how_many) if how_many else None


def _named(found: Found, names: Iterable[str]) -> str | None:
    """A name that is known, or one that was called what it is."""
    if found["value"]:
        return found["value"]
    plain = _letters(found["known"])
    return next((name for name in names if plain and plain == _letters(name)), None)


def _letters(text: str) -> str:
    return re.sub(r"[^\w+]", "", fold(text)).replace("_", "")


_FAMILIES = (
    *("flux", "flux.1", "flux dev", "flux schnell", "sdxl", "sd15", "sd1.5", "sd 1.5", "sd21"),
    *("sd3", "sd 3", "sd3.5", "stable diffusion", "pony", "illustrious", "noobai", "kontext"),
    *("dreamshaper", "juggernaut", "qwen", "qwen-image", "z-image", "hidream", "chroma", "wan"),
)


def _model(found: Found, clause: Clause) -> Intents | None:
    name = _named(found, (*clause.shown.models, *_FAMILIES))
    return settings(setting("model", clause.phrase(name))) if name else None


# What samplers are called everywhere, for where their names were not told.
_SAMPLER = re.compile(
    r"(?:euler|heun|dpm(?:pp|\+\+)?|ddim|ddpm|lcm|uni[ _]?pc|lms|plms|res|deis|restart|karras)"
    r"(?:[ _+\w-]{0,24})",
    re.IGNORECASE,
)


def _sampler(found: Found, clause: Clause) -> Intents | None:
    name = _named(found, clause.shown.samplers)
    if name is None and _SAMPLER.fullmatch(found["known"]):
        name = found["known"]
    return settings(setting("sampler", clause.phrase(name))) if name else None


def _lora(found: Found, clause: Clause) -> Intents | None:
    direction = Direction(found["direction"]) if found["direction"] else None
    name = found["lora"]
    if found["known"]:
        plain = _letters(found["known"].removesuffix("lora"))
        name = next((n for n in clause.shown.loras if _letters(n) == plain), "")
        if not name:
            return None
    said = found["n"] or (name if number(name, clause.language) is not None else "")
    name = "" if said == name else name
    strength = number(said, clause.language) if said else None
    if not name and (strength is not None or direction not in (None, Direction.OFF)):
        name = next(iter(clause.shown.loras), "")  # the picture's own, which stands first
    if not name and direction is not Direction.OFF:
        return None
    return settings(
        AskedSetting(name="lora", of=clause.phrase(name), value=strength, direction=direction)
    )


def tags(parts: Iterable[Opaque]) -> Intents:
    """<lora:ink:0.8> as settings; of <lora:ink:0.8:high>, "ink:high"."""
    asked = []
    for part in parts:
        _, _, inside = part.text.strip("<>").partition(":")
        name, _, strength = inside.partition(":")
        last = strength.rpartition(":")[2].strip().casefold()
        of = f"{name.strip()}:{last}" if last in _DENOISERS else name.strip()
        asked.append(setting("lora", _number(strength), of=of))
    return settings(*asked)


_DENOISERS = ("high", "low", "both")  # which of two a LoRA is for


def _number(text: str) -> float | None:
    value = number(text.partition(":")[0].strip())
    return float(value) if value is not None else None


def negative(action: str, words: str) -> Intents | None:
    """What should not be there, as the negative prompt's own words."""
    direction = {"add": Direction.MORE, "remove": Direction.LESS, "clear": Direction.OFF}
    if not words and action != "clear":
        return None
    return settings(setting("negative", words or None, direction=direction.get(action)))


# What options are called at other programs and here.
_FLAGS = {
    "ar": "size",
    "aspect": "size",
    "size": "size",
    "s": "",
    "stylize": "",
    "w": "width",
    "width": "width",
    "h": "height",
    "height": "height",
    "steps": "steps",
    "step": "steps",
    "cfg": "cfg",
    "scale": "cfg",
    "guidance": "cfg",
    "cfg_scale": "cfg",
    "cfg-scale": "cfg",
    "seed": "seed",
    "sampler": "sampler",
    "sampling": "sampler",
    "scheduler": "scheduler",
    "model": "model",
    "checkpoint": "model",
    "n": "count",
    "count": "count",
    "batch": "count",
    "repeat": "count",
    "r": "count",
    "style": "style",
    "no": "no",
    "negative": "negative",
    "neg": "negative",
    "denoise": "denoise",
    "strength": "denoise",
    "clip-skip": "clip_skip",
    "lora": "lora",
}


def of_flags(flags: Iterable[tuple[str, str]], language: str) -> Intents:
    """The wishes that options stand for."""
    asked: list[AskedSetting] = []
    wishes: list[Intent] = []
    for flag, value in flags:
        name = _FLAGS.get(flag, "")
        if name == "no" and value:
            wishes.append(
                Intent(
                    kind=IntentKind.EDIT,
                    changes=tuple(
                        ContentChange(
                            action=Action.REMOVE,
                            aspect=Aspect.OBJECT,
                            what=what.strip(),
                            language=language,
                        )
                        for what in value.split(",")
                        if what.strip()
                    ),
                )
            )
        elif name == "style":
            style = library_style(value, language)
            wishes.append(Intent(kind=IntentKind.RESTYLE, style=style or value))
        elif name and value:
            asked += _of_flag(name, value)
    return (*wishes, *(settings(*asked) if asked else ()))


def _of_flag(name: str, value: str) -> Iterable[AskedSetting]:
    if name == "size":
        size = sized(value) or (value if value.isalpha() else "")
        return (setting("size", size),) if size else ()
    if name in ("model", "sampler", "scheduler", "negative"):
        return (setting(name, value),)
    if name == "lora":
        lora, _, strength = value.partition(":")
        return (setting("lora", _number(strength), of=lora),)
    found = number(value)
    if found is None or (name in _WHOLE and found != int(found)):
        return ()
    return (setting(name, int(found) if name in _WHOLE else float(found)),)


HANDLERS: Mapping[str, Callable[[Found, Clause], Intents | None]] = {
    "setting": _setting,
    "aspect": _aspect,
    "shape": _shape,
    "size": _size,
    "count": _count,
    "model": _model,
    "sampler": _sampler,
    "lora": _lora,
}
SETTINGS = frozenset(HANDLERS)  # rules that may stand behind "with" and "in"
