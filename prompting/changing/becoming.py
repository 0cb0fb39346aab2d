"""What a phrase makes of a thing, or of the whole picture: "blue", "a fish", "at dusk".

The invariant: the words of a change are those of the phrase, less its article and its "a bit".
"""

from __future__ import annotations

import re

from prompting.changing.aspects import aspect_of, content, doing, is_attribute, kind_of
from prompting.changing.clause import PRONOUNS, Clause, Intents, cuts, in_prompt
from prompting.changing.intents import Action, Aspect, ContentChange, Intent, IntentKind
from prompting.changing.joining import is_plural
from prompting.changing.numbers import number
from prompting.changing.styling import library_style, style_in
from prompting.reading.lexicon import OBJECTS, Word, fold

_STYLE_OF = re.compile(
    r"\A(?:in |with )?(?:the |a |an )?(?:art )?style of (?:the )?", re.IGNORECASE
)


def restyled(clause: Clause, said: str) -> Intents | None:
    """A wish for a style, if that names one."""
    said = _STYLE_OF.sub("", said)
    readable = clause.reply.readable(said)
    name = style_in(readable, clause.language)
    return (Intent(kind=IntentKind.RESTYLE, style=name or clause.phrase(said)),)


def is_bare(what: str) -> bool:
    """Whether a thing is named without an article: of "the car red, hat green" the hat."""
    return what.partition(" ")[0].casefold() not in (
        "a",
        "an",
        "some",
        "two",
        "three",
        "with",
        "no",
    )


def names_a_thing(word: Word) -> bool:
    """Whether a word is a thing, a part of one, or a place."""
    kind = kind_of(word)
    return kind in OBJECTS or kind in ("part", "structure", "nature", "place")


def ends_in_attribute(into: str, clause: Clause) -> bool:
    """Whether what a thing becomes is said by adjectives alone."""
    first = into.partition(" ")[0].casefold()
    return first not in LEADING and is_attribute(into, clause.language)


LEADING = frozenset(
    (
        *("in", "on", "at", "by", "with", "under", "near", "from", "of", "for", "to", "as", "like"),
        *("into", "and", "or"),
    )
)


def divided(clause: Clause, rest: str) -> tuple[ContentChange, ...] | None:
    """ "the red car blue" ▶ the red car, blue."""
    readable = clause.reply.readable
    if rest.startswith(("one of ", "some of ", "half of ", "two of ", "both of ")):
        what, _, into = rest.partition(" them ")
        if into:
            return became(clause, f"{what} them", into)
    first, _, after = rest.partition(" ")
    if first.casefold() in PRONOUNS and after and is_attribute(readable(after), clause.language):
        return became(clause, "", after)
    whole = [(what, into) for what, into in cuts(rest, clause.language) if clause.thing(what)]
    for what, into in whole:
        words = content(what, clause.language)
        if (
            words
            and not is_attribute(words[-1].text, clause.language)
            and is_attribute(readable(into), clause.language)
        ):
            return became(clause, clause.thing(what), into)
    for what, into in reversed(whole):
        if in_prompt(clause.thing(what), clause.language, clause.shown.prompt):
            return became(clause, clause.thing(what), into)
    for what, into in whole:
        words = content(what, clause.language)
        if words and names_a_thing(words[-1]):
            return became(clause, clause.thing(what), into)
    if first.casefold() in PRONOUNS and after:
        return became(clause, "", after)
    if len(whole) == 1:
        return became(clause, clause.thing(whole[0][0]), whole[0][1])
    return None


def became(clause: Clause, what: str, into: str) -> tuple[ContentChange, ...] | None:
    """What "<what> <into>" changes of a thing."""
    into = clause.book.copula.sub("", clause.phrase(into), count=1)
    readable = clause.reply.readable(into)
    leading, _, besides = into.partition(" with ")
    if besides and is_attribute(leading, clause.language):
        more = clause.change(Action.ADD, Aspect.OBJECT, into=besides, to=what)
        return (*(became(clause, what, leading) or ()), more)
    if not content(readable, clause.language) and not clause.reply.of_kind(into):
        return None
    into = clause.degreeless(into)
    if fold(what) in ("background", "backdrop", "bg"):
        how = is_attribute(readable, clause.language) and into.split()[0] not in LEADING
        into = f"{into} background" if how else into
        return (clause.change(Action.SET, Aspect.BACKGROUND, into=into),)
    words = content(readable, clause.language)
    aspect = aspect_of(readable, clause.language)
    if is_attribute(readable, clause.language):
        aspect = aspect if aspect is Aspect.COLOUR else Aspect.OBJECT
        return (clause.change(Action.SET, aspect, what=what, into=into),)
    first = into.partition(" ")[0].casefold()
    if first in ("a", "an", "some", "into") or _numeral(first, clause):
        return (clause.change(Action.SWAP, Aspect.OBJECT, what=what, into=into),)
    noun = words and names_a_thing(words[-1]) and len(words) <= 3 and first not in LEADING
    verb = any(kind_of(word) == "action" for word in words)
    plural = noun and not verb and len(words) == 1 and is_plural(what) and is_plural(into)
    if plural or (noun and not verb and _is_noun_swap(clause)):
        return (clause.change(Action.SWAP, Aspect.OBJECT, what=what, into=into),)
    return (clause.change(Action.SET, aspect or Aspect.OBJECT, what=what, into=into),)


def _numeral(word: str, clause: Clause) -> bool:
    return number(word, clause.language) is not None


def _is_noun_swap(clause: Clause) -> bool:
    """Whether the words were joined by "to": "change the sofa to bench"."""
    words = f" {clause.text.casefold()} "
    return any(f" {word} " in words for word in ("to", "into", "zu", "in", "en", "a", "por", "par"))


def turned(clause: Clause, into: str) -> Intents | None:
    """The whole picture, or its main thing, becomes something."""
    into = clause.degreeless(into)
    leading, _, besides = into.partition(" with ")
    if besides and is_whole_side(leading, clause.language):
        wishes = turned(clause, leading) or ()
        return (*wishes, *clause.edit(Action.ADD, Aspect.OBJECT, into=besides))
    readable = clause.reply.readable(into)
    language = clause.language
    named = library_style(readable, language)
    if named or style_in(readable, language):
        return restyled(clause, into)
    parts = clause.items(into)
    if len(parts) > 1 and all(is_whole_side(part, language) for part in parts):
        several = [turned(clause, part) for part in parts]
        return tuple(wish for wishes in several if wishes for wish in wishes)
    aspect = aspect_of(readable, language)
    if aspect is Aspect.STYLE or (aspect is None and says_style(readable)):
        return restyled(clause, into)
    if aspect in (Aspect.LIGHT, Aspect.WEATHER, Aspect.MOOD, Aspect.FRAMING, Aspect.COLOUR):
        return clause.edit(Action.SET, aspect, into=into)
    if is_attribute(readable, language):
        return clause.edit(Action.SET, Aspect.OBJECT, into=into)
    first = into.partition(" ")[0].casefold()
    if language == "en" and (done := doing(readable)):
        return clause.edit(Action.SET, Aspect.OBJECT, into=done)
    if aspect is Aspect.BACKGROUND:
        return clause.edit(Action.SET, Aspect.BACKGROUND, into=into)
    if first in ("with", "mit", "avec", "con", "com"):
        return clause.edit(Action.ADD, Aspect.OBJECT, into=into.partition(" ")[2])
    if first in LEADING:
        return clause.edit(Action.SET, aspect or Aspect.OBJECT, into=into)
    words = content(readable, language)
    if words and names_a_thing(words[-1]) and not any(kind_of(word) == "action" for word in words):
        return clause.edit(Action.SWAP, Aspect.OBJECT, into=into)
    return clause.edit(Action.SET, aspect or Aspect.OBJECT, into=into)


def is_whole_side(part: str, language: str) -> bool:
    """Whether the words are about the whole picture: its light, weather, style or place."""
    aspect = aspect_of(part, language)
    return aspect not in (None, Aspect.OBJECT, Aspect.COLOUR)


def says_style(text: str) -> bool:
    """Whether a phrase calls itself a style."""
    return any(word in fold(text).split() for word in ("style", "styled", "stil", "estilo"))
