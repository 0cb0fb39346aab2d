"""What a change is called: for a model that edits by instruction, for a mask, for people.

The invariant: an instruction is in English where all of its words are known there, and names
only what was said.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

from prompting.changing.intents import Action, Aspect, ContentChange
from prompting.changing.joining import bare
from prompting.changing.phrases import PREPOSITIONS, find, parsed
from prompting.changing.reply import read_kept
from prompting.changing.translating import said_in


def instruction_for(changes: Iterable[ContentChange], style: str | None = None) -> str:
    """ "make the cup blue, remove the hat"."""
    told = [_told(change) for change in changes]
    if style:
        told.append(f"in {style} style" if "style" not in style else f"make it {style}")
    return ", ".join(filter(None, told))


def _told(change: ContentChange) -> str:
    what, into, where, to = (
        said_in(text, change.language, "en")
        for text in (change.what, change.into, change.where, change.to)
    )
    thing = f"the {bare(what)}" if what else "it"
    if change.action is Action.REMOVE:
        return f"remove {thing}"
    if change.action is Action.SWAP:
        return f"turn {thing} into {into}"
    if change.aspect is Aspect.TEXT:
        return " ".join(filter(None, ("write", change.into, f"on {what}" if what else where)))
    if change.action is Action.ADD:
        return f"give the {bare(to)} {into}" if to else f"add {into} {where}".strip()
    if change.aspect is Aspect.BACKGROUND:
        led = into.partition(" ")[0] in PREPOSITIONS
        return f"put it {into}" if led else f"change the background to {into}"
    if change.aspect is Aspect.FRAMING:
        return f"show {into} of the {bare(what)}" if what else f"show it {into}"
    if set(bare(what).split()) <= set(into.split()) and what:
        return f"make it {into}"
    return f"make {thing} {into}"


def region_for(changes: Iterable[ContentChange], prompt: str) -> str:
    """The part of the picture in which all changes happen; "" where that is all of it."""
    regions = {_region(change, prompt) for change in changes}
    return ", ".join(sorted(regions)) if regions and "" not in regions else ""


def _region(change: ContentChange, prompt: str) -> str:
    if change.aspect not in (Aspect.COLOUR, Aspect.OBJECT, Aspect.TEXT):
        return "background" if change.aspect is Aspect.BACKGROUND else ""
    named = change.what or change.to
    if change.aspect is Aspect.TEXT:
        named = change.where
    if named:
        return said_in(bare(named), change.language, "en")
    if change.action is Action.ADD or change.aspect is Aspect.TEXT:
        return ""
    found = find(parsed(read_kept(prompt).text), "", "en")
    return said_in(found[0].head.text, parsed(prompt).language, "en") if found else ""


_FEW = 4  # words whose place others take, in a line that is read at a glance


def replaced(before: str, after: str, change: ContentChange) -> str:
    """What of a prompt gave way to what: "day → night" of "a village by day".

    "" where nothing did, or too much to be said in a few words.
    """
    if change.action is not Action.SET or change.aspect in (Aspect.OBJECT, Aspect.TEXT):
        return ""
    old, new = ([word.strip(",.;:") for word in text.split()] for text in (before, after))
    steps = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    gone = [old[a:b] for _, a, b, c, d in steps if old[a:b] and old[a:b] != new[c:d]]
    if len(gone) != 1 or len(gone[0]) > min(_FEW, len(old) - 1):
        return ""
    return f"{_plainly(' '.join(gone[0]))} → {_plainly(change.into)}"


def _plainly(text: str) -> str:
    """ "by day", "in a forest": the thing alone."""
    words = text.split()
    while len(words) > 1 and words[0].casefold() in PREPOSITIONS:
        words = words[1:]
    return bare(" ".join(words))


def said_for(changes: Iterable[ContentChange], told: Iterable[str], style: str | None) -> str:
    """The changes in a few words: "hat → crown, day → night".

    `told` has of each what gave way to it; "" where that is not known.
    """
    said = []
    for change, gave_way in zip(changes, told, strict=True):
        if gave_way:
            said.append(gave_way)
        elif change.action is Action.REMOVE:
            said.append(f"− {change.what}")
        elif change.action is Action.ADD:
            said.append(f"+ {change.into} {change.where}".strip())
        elif change.what and change.aspect is not Aspect.BACKGROUND:
            said.append(f"{bare(change.what)} → {change.into}")
        else:
            said.append(change.into)
    return ", ".join((*said, style) if style else said)
