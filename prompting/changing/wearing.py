"""What somebody wears, or has, and what takes its place: 黑衣剑客, 剑客穿白衣 ▶ 白衣剑客.

The invariant: only a thing that the prompt names gives way, and only to what is worn at the same
place; somebody keeps a hat where a coat is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from prompting.changing.aspects import aspect_of, content, is_attribute, kind_of
from prompting.changing.clause import Clause, Intents
from prompting.changing.intents import Action, Aspect
from prompting.changing.meanings import meanings
from prompting.changing.traditional import simplified
from prompting.changing.vocabulary import language_of, vocabulary
from prompting.reading.lexicon import Word

_COUNTED = re.compile(r"\A(?:一?[件身套条條双雙顶頂副把袭襲个個款种種])(?=.)")
_WEARS = re.compile(r"\A(?:身|头)?[穿戴披围系套](?!餐)[着上了]?")
_PUT_ON = {"head": "戴着", "eyes": "戴着", "hands": "戴着", "neck": "戴着", "over": "披着"}
# What other languages have one word for.
_ONE_WORD = (
    frozenset({"cape", "cloak"}),
    frozenset({"boot", "boots"}),
    frozenset({"shoe", "shoes"}),
)
_LIVING = frozenset({"person", "animal"})


def wears(verb: str) -> bool:
    """Whether a verb says that somebody wears something."""
    return bool(_WEARS.match(verb))


def is_worn(into: str, language: str) -> bool:
    """Whether the words name something to wear."""
    words = content(into, language)
    return bool(words) and bool(_place(words[-1].key))


def is_somebody(what: str, language: str) -> bool:
    """Whether the words name a person or an animal."""
    words = content(what, language)
    return bool(words) and kind_of(words[-1]) in _LIVING


def put_on(clause: Clause, whose: str, into: str) -> Intents | None:
    """Somebody gets something else to wear: what was worn there gives way to it."""
    into = _WEARS.sub("", into) or into
    old = _old(clause, whose, into, anything=False)
    return _exchanged(clause, old, into) if old else None


def exchanged(clause: Clause, whose: str, into: str) -> Intents | None:
    """Somebody changes clothes, or another thing of their own: 国王换个蓝色披风."""
    words = content(into, clause.language)
    place = _place(words[-1].key) if words else ""
    if not words or not (place or kind_of(words[-1]) == "part"):
        return None
    if old := _old(clause, whose, into, anything=True):
        return _exchanged(clause, old, into)
    verb = _PUT_ON.get(place, "穿着" if place else "")
    return clause.edit(Action.ADD, Aspect.OBJECT, into=f"{verb}{into}", to=whose)


def _exchanged(clause: Clause, old: tuple[str, Word], into: str) -> Intents:
    written, word = old
    new = content(into, clause.language)[-1]
    looks = _COUNTED.sub("", into)[: -len(new.text)]
    if new.key == word.key != "clothes" and new.text not in written and not written.isascii():
        looks = ""  # 裙 and 长裙: the longer word says more
    alike = new.key in (*_named_alike(word.key), "clothes")
    if alike and looks and is_attribute(looks, clause.language):
        aspect = aspect_of(looks, clause.language)
        aspect = aspect if aspect is Aspect.COLOUR else Aspect.OBJECT
        return clause.edit(Action.SET, aspect, what=written, into=looks)
    return clause.edit(Action.SWAP, Aspect.OBJECT, what=written, into=into)


def _old(clause: Clause, whose: str, into: str, *, anything: bool) -> tuple[str, Word] | None:
    """What the picture's words name at the place of the new thing, nearest to whose it is."""
    words = content(into, clause.language)
    if not words:
        return None
    prompt = clause.shown.prompt
    language = language_of(prompt)
    there = vocabulary().read(simplified(prompt) if language == "zh" else prompt, language)
    owner = {word.key for word in content(whose, clause.language)[-1:]}
    at = next((word.start for word in there if word.key in owner), 0)
    for keys in _alike(words[-1].key, anything=anything):
        found = [word for word in there if word.content and word.key in keys]
        if found:
            near = min(found, key=lambda word: abs(word.start - at))
            return prompt[near.start : near.end], near
    return None


def _alike(key: str, *, anything: bool) -> Iterator[frozenset[str]]:
    """What a thing takes the place of, the likeliest first."""
    yield _named_alike(key)
    place = _place(key)
    if place:
        yield meanings()["worn"][place]
    if key == "clothes" or (anything and place in ("body", "over", "legs")):
        yield meanings()["worn"]["body"] | meanings()["worn"]["over"]


def _named_alike(key: str) -> frozenset[str]:
    return next((keys for keys in _ONE_WORD if key in keys), frozenset({key}))


def _place(key: str) -> str:
    return next((place for place, keys in meanings()["worn"].items() if key in keys), "")
