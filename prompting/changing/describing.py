"""A reply without a word of change: "a castle in the snow", "red umbrella", "smoke above the roof".

    "red umbrella", "a kraken grabbing the ship"   speaks of the picture's things: a change of them
    "a castle in the snow"                         a whole sentence: another picture
    "yellow boots", "fireflies"                    anything else that can be seen comes into it

The invariant: words to people describe nothing; what is added names something that can be seen.
"""

from __future__ import annotations

from prompting.changing.aspects import content, kind_of
from prompting.changing.clause import Clause, Intents
from prompting.changing.intents import Action, Aspect, Intent, IntentKind
from prompting.changing.phrases import (
    PREPOSITIONS,
    NounPhrase,
    ParsedPrompt,
    find,
    main_phrase,
    parsed,
)
from prompting.changing.reply import read_kept
from prompting.reading.lexicon import OBJECTS, fold

_SEEN = OBJECTS | {"place", "nature", "structure", "part", "light", "weather", "action", "time"}
_LIVING = frozenset(("animal", "person"))
_MOST_UNKNOWN = 0.75  # of the words
_ARTICLES = frozenset(
    ("a", "an", "two", "three", "four", "five", "ein", "eine", "un", "une", "una", "uno", "uma")
)


def described(clause: Clause, continuing: bool) -> Intents:
    """What a description means; nothing where it is none."""
    text = clause.phrase(clause.text)
    words = content(clause.reply.readable(text), clause.language)
    kinds = [kind_of(word) for word in words]
    if not words:
        return ()
    there_too = {word.key for word in words} & clause.prompt_keys()
    if not there_too and not any(kind in _SEEN for kind in kinds):
        return ()
    if kinds.count("") / len(kinds) > _MOST_UNKNOWN:
        return ()
    said = parsed(text)
    there = parsed(read_kept(clause.shown.prompt).text)
    first = fold(text.split()[0])
    if said.phrases and (thing := _thing_of(said.phrases[0], clause)):
        alike = find(there, thing, clause.language)
        main = main_phrase(there)
        if alike and len(said.phrases[0].words) > 1:
            if first in _ARTICLES and alike[0] in main and len(said.phrases) > 1:
                return (Intent(kind=IntentKind.REWRITE, prompt=text),)
            bare = text if first not in PREPOSITIONS else text.partition(" ")[2]
            return clause.edit(Action.SWAP, Aspect.OBJECT, what=thing, into=bare)
        if alike and len(words) == 1:
            return ()
    if _is_sentence(first, len(words)) and not continuing and not _speaks_of(clause, text):
        return (Intent(kind=IntentKind.REWRITE, prompt=text),)
    if kinds in (["animal"], ["person"]) and (instead := _other_main(there)):
        return clause.edit(Action.SWAP, Aspect.OBJECT, what=instead, into=text)
    if len(words) == 1 and first in _ARTICLES and not continuing:
        return (Intent(kind=IntentKind.REWRITE, prompt=text),)
    if first in PREPOSITIONS and first != "with":
        return clause.edit(Action.SET, Aspect.OBJECT, into=text)
    return clause.edit(Action.ADD, Aspect.OBJECT, into=text)


def _other_main(there: ParsedPrompt) -> str:
    """The living thing that a picture with more in it is of: "a queen" takes a king's throne."""
    main = main_phrase(there)
    living = bool(main) and kind_of(main[0].head) in _LIVING and len(there.phrases) > 1
    return main[0].head.text if living else ""


def _thing_of(phrase: NounPhrase, clause: Clause) -> str:
    words = content(phrase.head.text, clause.language)
    return phrase.head.text if words else ""


def _is_sentence(first: str, words: int) -> bool:
    return first in _ARTICLES and words >= 2


def _speaks_of(clause: Clause, text: str) -> bool:
    """Whether something of the picture is spoken of as known: "the ship"."""
    there = parsed(read_kept(clause.shown.prompt).text)
    return any(
        phrase.article is not None
        and fold(phrase.article.text) not in _ARTICLES
        and find(there, phrase.head.text, clause.language)
        for phrase in parsed(text).phrases
        if phrase.head.content
    )
