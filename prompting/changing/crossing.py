"""From one medium to another: in motion, as a sound, as a form, one frame of it; and on from there.

    "let the leaves fall"   a picture ▶ video     "what does it sound like?"   anything ▶ sound
    "turn it into 3D"       anything  ▶ form      "the last frame, please"     a clip   ▶ frame

The invariant: where the words may be about the picture as it stands, they are: "let there be light"
and "let it snow" are edits, and only what already is in the picture, and goes on, is a motion.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from prompting.changing.aspects import content, kind_of
from prompting.changing.clause import Clause, Intents, edit, in_prompt, keys_of
from prompting.changing.intents import Action, Aspect, ContentChange, Intent, IntentKind
from prompting.changing.numbers import number
from prompting.changing.phrasebook import Found
from prompting.reading.lexicon import fold

MOST_SECONDS = 3600.0  # nobody who says more means it

_WITH_ARTICLES = frozenset({"en", "de", "fr", "es", "it", "pt"})

# What comes into a picture rather than moves in it.
_OF_THE_AIR = frozenset({"weather", "light", "time", "mood"})
# That it moves, and no more than that.
_PLAINLY = frozenset(
    (
        *("move", "动起来", "bewegen", "sich bewegen", "bouger", "se mouvoir", "moverse"),
        *("se mueva", "se muevan", "muovere", "muoversi", "si muova", "mover-se", "se mova"),
        *("двигается", "движется", "шевелится", "움직이", "動く"),
    )
)
_NOTHING = frozenset(("there", "it be", "me", "us", "you", "him know", "be"))


def video(found: Found, clause: Clause) -> Intents | None:
    """The picture in motion; what is said of it is a sentence of its own."""
    return _crossed(IntentKind.VIDEO, clause, what=clause.phrase(found["motion"]))


def moves(found: Found, clause: Clause) -> Intents | None:
    """ "let the leaves fall": something that is there moves."""
    said = clause.phrase(found["what"])
    what, motion = clause.thing(found["what"]), clause.phrase(found["motion"])
    if not motion or fold(said) in _NOTHING:
        return None
    known = content(what, clause.language)
    there = not known or in_prompt(what, clause.language, clause.shown.prompt)
    if not there and (known and kind_of(known[-1]) in _OF_THE_AIR):
        return None  # "let the snow fall" brings it
    if clause.language in _WITH_ARTICLES and what and said == what and not there:
        return None  # "let cats dance": none is there
    if found["acts"] and not _does_it(motion, clause):
        return None
    return _crossed(IntentKind.VIDEO, clause, what=said if what else "", motion=motion)


def _does_it(motion: str, clause: Clause) -> bool:
    """Whether the picture shows already what is to be done, so that no picture can say it."""
    words = content(motion, clause.language)
    keys = {word.key for word in words}
    shown = keys_of(clause.shown.prompt)
    stems = {_stem(word) for word in fold(clause.shown.prompt).split()}
    return bool(words) and (bool(keys & shown) or any(_stem(k) in stems for k in keys))


def _stem(word: str) -> str:
    """run, runs, running, dance, dancing: one."""
    for ending in ("ing", "es", "s", "e"):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            word = word.removesuffix(ending)
            break
    return word[:-1] if word[-1:] == word[-2:-1] else word


def sound(found: Found, clause: Clause) -> Intents | None:
    """What it sounds like, in words where some were said."""
    return _crossed(IntentKind.SOUND, clause, sound=clause.thing(found["sound"]))


def form(found: Found, clause: Clause) -> Intents | None:  # noqa: ARG001
    """The thing as a form that turns."""
    motion = found.rule.facts.get("motion", "")  # in English, whose canonical word it is
    changes = _motion(into=motion, language="en") if motion else ()
    return (Intent(kind=IntentKind.FORM, changes=changes),)


def extend(found: Found, clause: Clause) -> Intents | None:
    """A clip or a sound that goes on, by so many seconds."""
    seconds = number(found["n"], clause.language) if found["n"] else None
    if seconds is not None and not 0 < seconds <= MOST_SECONDS:
        return None
    amount = None if seconds is None else f"{seconds:g}"
    return (Intent(kind=IntentKind.EXTEND, amount=amount),)


def frame(found: Found, clause: Clause) -> Intents | None:  # noqa: ARG001
    """One frame of a clip, as a picture."""
    return (Intent(kind=IntentKind.FRAME, moment=found["moment"]),)


def heard(found: Found, clause: Clause) -> Intents | None:
    """ "louder": what is heard is heard otherwise."""
    into = found.rule.facts["into"]
    change = ContentChange(action=Action.SET, aspect=Aspect.SOUND, into=into)
    return edit(change) if clause.text else None


def _crossed(
    kind: IntentKind, clause: Clause, *, what: str = "", motion: str = "", sound: str = ""
) -> Intents:
    language = clause.language
    changes: tuple[ContentChange, ...] = ()
    if what or (motion and fold(motion) not in _PLAINLY):
        changes = _motion(what=what, into=motion, language=language)
    if sound:
        heard_too = ContentChange(
            action=Action.ADD, aspect=Aspect.SOUND, into=sound, language=language
        )
        changes = (*changes, heard_too)
    return (Intent(kind=kind, changes=changes),)


def _motion(*, what: str = "", into: str, language: str) -> tuple[ContentChange, ...]:
    change = ContentChange(
        action=Action.SET, aspect=Aspect.MOTION, what=what, into=into, language=language
    )
    return (change,)


HANDLERS: Mapping[str, Callable[[Found, Clause], Intents | None]] = {
    "video": video,
    "moves": moves,
    "sound": sound,
    "form": form,
    "extend": extend,
    "frame": frame,
    "heard": heard,
}
