"""What each rule means: from the places of a pattern to intents.

A handler is called as the rule `does`; it returns None where the words do not fit after all, and
the next rule is tried.  The invariant: a handler takes words from the reply, and adds none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from prompting.changing import asked, backgrounds, crossing
from prompting.changing.aspects import adjective_of, aspect_of, content, is_attribute, kind_of
from prompting.changing.becoming import (
    LEADING,
    became,
    divided,
    ends_in_attribute,
    is_bare,
    is_whole_side,
    names_a_thing,
    restyled,
    says_style,
    turned,
)
from prompting.changing.clause import Clause, Intents, cuts, edit, in_prompt
from prompting.changing.intents import Action, Aspect, ContentChange, Intent, IntentKind
from prompting.changing.numbers import number
from prompting.changing.opposites import opposite
from prompting.changing.phrasebook import Found
from prompting.changing.styling import DRAWN, library_style, style_in
from prompting.changing.unspaced import is_located, only_counts, said_at
from prompting.changing.vocabulary import LOOKS, UNSPACED, vocabulary, words_of
from prompting.changing.wearing import exchanged, is_somebody, put_on, wears
from prompting.reading.lexicon import fold
from prompting.slots import OpaqueKind

Handler = Callable[[Found, Clause], Intents | None]


def quiet(found: Found, clause: Clause) -> Intents | None:  # noqa: ARG001
    """Kinds that need nothing but their name."""
    return (Intent(kind=IntentKind(found.rule.does)),)


def info(found: Found, clause: Clause) -> Intents | None:
    remark = clause.book.named("settings", found["setting"]) or found["remark"]
    return (Intent(kind=IntentKind.INFO, remark=remark),)


def ask(found: Found, clause: Clause) -> Intents | None:  # noqa: ARG001
    return (Intent(kind=IntentKind.ASK, question=found["question_key"] or "what"),)


def vary(found: Found, clause: Clause) -> Intents | None:
    wish = Intent(kind=IntentKind.VARY, strength=found["strength"] or None)
    return (wish, *asked.counted(found["n"], clause)) if found["n"] else (wish,)


def upscale(found: Found, clause: Clause) -> Intents | None:
    factor = number(found["n"], clause.language) if found["n"] else None
    if factor is None and found["factor"]:
        factor = float(found["factor"])
    if factor is not None and not 1 < factor <= 16:
        return None
    return (Intent(kind=IntentKind.UPSCALE, factor=factor),)


def outpaint(found: Found, clause: Clause) -> Intents | None:
    said = found["direction"]
    directions = tuple(clause.book.named("directions", said).split()) if said else ()
    amount = clause.phrase(found["amount"]) if found["amount"] else None
    moves = bool(found["moves"]) and len(directions) == 1  # to both sides is no movement
    further = Intent(kind=IntentKind.OUTPAINT, directions=directions, moves=moves, amount=amount)
    return (further,)


def inpaint(found: Found, clause: Clause) -> Intents | None:
    region = clause.thing(found["region"])
    if not region:
        return None
    changes: tuple[ContentChange, ...] = ()
    if found["into"]:
        changes = became(clause, region, found["into"]) or ()
    return (Intent(kind=IntentKind.INPAINT, region=region, changes=changes),)


def rewrite(found: Found, clause: Clause) -> Intents | None:
    prompt = clause.phrase(found["prompt"])
    if not prompt:
        return None
    return (Intent(kind=IntentKind.REWRITE, prompt=prompt),)


def text(found: Found, clause: Clause) -> Intents | None:
    quote = clause.phrase(found["quote"])
    if clause.reply.of_kind(found["quote"], OpaqueKind.LORA, OpaqueKind.CHOICE):
        return None
    holder, where = clause.phrase(found["holder"]), clause.phrase(found["where"])
    known = clause.thing(found["holder"])
    if known and in_prompt(known, clause.language, clause.shown.prompt):
        holder, where = "", known
    return clause.edit(Action.ADD, Aspect.TEXT, what=holder, into=quote, where=where)


def style(found: Found, clause: Clause) -> Intents | None:
    if found["direction"] == "off":
        return (Intent(kind=IntentKind.RESTYLE, style=""),)
    if found["library"]:
        name = library_style(clause.reply.readable(found["library"]), clause.language)
        return (Intent(kind=IntentKind.RESTYLE, style=name),) if name else None
    return restyled(clause, found["style"] or found["into"])


def swap(found: Found, clause: Clause) -> Intents | None:
    what = clause.thing(found["what"])
    into = clause.phrase(found["into"] or found["article_into"])
    if found["article_into"]:
        first = clause.text.casefold().find(" " + found["article_into"].casefold())
        into = clause.phrase(clause.text[first - 2 :].partition(" ")[2]) if first < 0 else into
    if not into or _is_setting(found["what"], clause):
        return None
    if clause.language in UNSPACED and not _says_something(into, clause):
        return None
    if fold(what) in ("background", "backdrop", "bg"):
        return clause.edit(Action.SET, Aspect.BACKGROUND, into=into)
    if not what or fold(what) in _SIDES:
        return turned(clause, into)
    if (many := _other_number(what, into, clause)) is not None:
        return many
    if clause.language in UNSPACED and (wishes := _of_a_thing(clause, what, into)):
        return wishes
    if style_in(into, clause.language) and (fold(what) in DRAWN or style_in(what, clause.language)):
        return restyled(clause, into)
    looks = {kind_of(word) for word in content(into, clause.language)}
    if looks and looks <= LOOKS:
        changes = became(clause, what, into)
        return edit(*changes) if changes else None
    return clause.edit(Action.SWAP, Aspect.OBJECT, what=what, into=into)


def _other_number(what: str, into: str, clause: Clause) -> Intents | None:
    """ "five candles, not one": another number of what is there."""
    old, new = (content(text, clause.language) for text in (what, into))
    if [kind_of(word) for word in old] != ["number"] or len(new) < 2:
        return None
    if kind_of(new[0]) != "number":
        return None
    thing = into.partition(" ")[2]
    return clause.edit(Action.SET, Aspect.OBJECT, what=thing, into=into)


def _says_something(into: str, clause: Clause) -> bool:
    """Whether the words are more than particles: 了 is none."""
    return bool(clause.reply.of_kind(into) or content(into, clause.language)) or only_counts(
        into, clause.language
    )


def _of_a_thing(clause: Clause, what: str, into: str) -> Intents | None:
    """What becomes of a thing that stays: how many, what it wears, what is seen at that place."""
    if only_counts(into, clause.language):
        return clause.edit(Action.SET, Aspect.OBJECT, what=what, into=f"{into}{what}")
    if there := said_at(what, clause.shown.prompt):
        return clause.edit(Action.SWAP, Aspect.OBJECT, what=there, into=into)
    if is_located(what) and aspect_of(into, clause.language) in (Aspect.WEATHER, Aspect.LIGHT):
        return turned(clause, into)
    said = content(what, clause.language)
    if said and kind_of(said[0]) == "action" and said[0].key not in clause.prompt_keys():
        return clause.edit(Action.ADD, Aspect.OBJECT, into=into)
    return exchanged(clause, what, into) if is_somebody(what, clause.language) else None


def instead(found: Found, clause: Clause) -> Intents | None:
    """Something in place of the main thing, or of the side of the picture that it is about."""
    into = clause.phrase(found["into"])
    if into.endswith((" one", " ones")):
        into = into.removesuffix("s").removesuffix(" one")
        into = into.removeprefix("a ").removeprefix("an ").removeprefix("the ")
    words = content(into, clause.language)
    if not words:
        return None
    if style_in(into, clause.language):
        return restyled(clause, into)
    if is_attribute(into, clause.language) or aspect_of(into, clause.language) in _WHOLE:
        return turned(clause, into)
    return clause.edit(Action.SWAP, Aspect.OBJECT, into=into)


_WHOLE = (Aspect.LIGHT, Aspect.WEATHER, Aspect.STYLE, Aspect.FRAMING, Aspect.BACKGROUND)


def set_named(found: Found, clause: Clause) -> Intents | None:
    """A named side of the picture, or a thing, becomes something."""
    into = found["into"] or found["attribute"]
    what = clause.thing(found["what"]) if found["what"] else ""
    if found["what"] and _is_setting(found["what"], clause):
        return None
    if not what or fold(what) in _SIDES:
        return turned(clause, clause.phrase(into))
    changes = became(clause, what, into)
    return edit(*changes) if changes else None


# Sides of a picture that are called by their names: "change the style to anime".
_SIDES = frozenset(
    (
        *("style", "art style", "time", "time of day", "weather", "season", "mood", "lighting"),
        *("light", "atmosphere", "vibe", "tone", "theme", "scene", "setting", "look", "medium"),
    )
)


def set_it(found: Found, clause: Clause) -> Intents | None:
    """The picture, or its main thing, becomes something."""
    into = clause.phrase(found["into"])
    if clause.book.it.fullmatch(into) or clause.book.definite.match(found["into"]):
        return None
    if not content(clause.reply.readable(into), clause.language):
        return None
    if clause.language in UNSPACED:
        if wears(into) and (wishes := put_on(clause, "", into)):
            return wishes
        side, _, besides = into.replace(",", "，").partition("，")
        if besides and is_whole_side(side, clause.language):
            more = clause.edit(Action.ADD, Aspect.OBJECT, into=besides)
            return (*(turned(clause, side) or ()), *more)
    return turned(clause, into)


def only(found: Found, clause: Clause) -> Intents | None:
    """One thing becomes something, and is a region of the picture."""
    changes = divided(clause, found["rest"])
    if not changes:
        return None
    return edit(*changes)


def set_thing(found: Found, clause: Clause) -> Intents | None:
    if found["rest"]:
        changes = divided(clause, found["rest"])
    else:
        changes = became(clause, clause.thing(found["what"]), found["into"])
    return edit(*changes) if changes else None


# 灯光再暗一点: how much more says no thing.
_AGAIN = re.compile(r"(?<=.)[再更](?!多)(?=.{1,3}一?[点些]\Z)")


def elliptic(found: Found, clause: Clause) -> Intents | None:
    """ "the hat green": a thing and what it becomes, without a verb."""
    if found["what"]:
        marked = any(sign in clause.text for sign in (":", "=", " should ", " must ", " to be "))
        if not clause.continuing and not marked:
            return None
        what, into = clause.thing(found["what"]), found["into"]
        if not what or not in_prompt(what, clause.language, clause.shown.prompt):
            return None
        changes = became(clause, what, into)
        return edit(*changes) if changes else None
    rest = found["rest"]
    if clause.language in UNSPACED:
        rest = _AGAIN.sub("", rest)
    definite = bool(clause.book.definite.match(rest))
    for what, into in cuts(rest, clause.language):
        thing = clause.thing(what)
        if not ends_in_attribute(into, clause) or not thing:
            continue
        known = [word for word in content(thing, clause.language) if names_a_thing(word)]
        if not known or content(thing, clause.language)[-1] != known[-1]:
            continue
        if definite or (clause.continuing and is_bare(what)) or clause.says_plainly(into):
            changes = became(clause, thing, into)
            return edit(*changes) if changes else None
    return None


def verb(found: Found, clause: Clause) -> Intents | None:
    """ "blur the background": what a verb makes of a thing."""
    what, into = clause.thing(found["what"]), found.rule.facts["into"]
    if not what:
        return turned(clause, into)
    changes = became(clause, what, into)
    return edit(*changes) if changes else None


def remove(found: Found, clause: Clause) -> Intents | None:
    whats = [clause.thing(part) for part in clause.items(found["what"])]
    if not whats or not all(content(what, clause.language) for what in whats):
        return None
    if _is_setting(whats[0], clause):
        return None
    if all(style_in(what, clause.language) for what in whats):
        return (Intent(kind=IntentKind.RESTYLE, style=""),)
    if any(fold(what) in ("background", "bg", "backdrop") for what in whats):
        return backgrounds.removebackground(found, clause)
    return edit(*(_removed(what, clause) for what in whats))


def _removed(what: str, clause: Clause) -> ContentChange:
    if clause.language in ("en", "de") and adjective_of(
        what
    ):  # "no dog, warmer": nothing goes by that
        aspect = aspect_of(what, clause.language) or Aspect.OBJECT
        return clause.change(Action.SET, aspect, into=what)
    return clause.change(Action.REMOVE, _removed_aspect(what, clause.language), what=what)


def _removed_aspect(what: str, language: str) -> Aspect:
    aspect = aspect_of(what, language)
    return aspect if aspect in (Aspect.WEATHER, Aspect.LIGHT, Aspect.COLOUR) else Aspect.OBJECT


def framing(found: Found, clause: Clause) -> Intents | None:
    if found["focus"]:
        focus = clause.thing(found["focus"])
        return clause.edit(Action.SET, Aspect.FRAMING, what=focus, into="close-up")
    into = clause.phrase(found["into"] or found.rule.facts.get("into", ""))
    if f"from {into}" in clause.text:  # the side from which it is seen, and no place above it
        into = f"from {into}"
    return clause.edit(Action.SET, Aspect.FRAMING, into=into or clause.phrase(clause.text))


def too(found: Found, clause: Clause) -> Intents | None:
    if found["amount"]:
        what = clause.thing(found["what"])
        return clause.edit(
            Action.SET, Aspect.OBJECT, what=what, into=clause.book.said("fewer", what)
        )
    said = content(found["into"], clause.language)
    if not said:
        return None
    what = clause.thing(found["what"]) if found["what"] else ""
    key = adjective_of(said[0].text) or said[0].key
    enough = "enough" in found["enough"] or clause.text.casefold().endswith(" enough")
    into = said[0].text if enough else opposite(key, clause.language)
    if not into:
        return (Intent(kind=IntentKind.ASK, question="what"),)
    if what:
        changes = became(clause, what, into)
        return edit(*changes) if changes else None
    if key in ("small", "big") and not enough:
        return (Intent(kind=IntentKind.ASK, question="what"),)
    if key in ("far",):
        return clause.edit(Action.SET, Aspect.FRAMING, into=into)
    return turned(clause, into)


def give(found: Found, clause: Clause) -> Intents | None:
    into = clause.phrase(found["into"])
    # Of "mets-lui" and "ponle" the verb itself says that somebody is to have it.
    airy = aspect_of(into, clause.language) in (Aspect.LIGHT, Aspect.WEATHER)
    somebody = "" if airy else found.rule.facts.get("to", "")
    to, into = _owner(clause.thing(found["to"]) or somebody, into, clause)
    if wears(found["verb"]) and (wishes := put_on(clause, to, into)):
        return wishes
    if found["verb"] and found["verb"] not in ("in", "with", "up in", "have"):
        verb = participle(found["verb"]) + " " if clause.book.spaced else found["verb"]
        into = f"{verb}{into}"
    return clause.edit(Action.ADD, Aspect.OBJECT, into=into, to=to)


def _owner(to: str, into: str, clause: Clause) -> tuple[str, str]:
    """Who gets it, and what: of "the owl purple eyes" the owl, and purple eyes."""
    while " " in to and is_attribute(to.rpartition(" ")[2], clause.language):
        to, _, how = to.rpartition(" ")
        into = f"{how} {into}"
    return to, into


def participle(verb: str) -> str:
    """The participle of one of the verbs of giving: "wear" is "wearing"."""
    entry = vocabulary().find(verb, "en")
    return entry.name if entry and entry.kind == "action" else verb


def place(found: Found, clause: Clause) -> Intents | None:
    what, into = clause.thing(found["what"]), clause.phrase(found["into"])
    if not what:
        return clause.edit(Action.SET, Aspect.BACKGROUND, into=into)
    return clause.edit(Action.SET, Aspect.OBJECT, what=what, into=into)


def more(found: Found, clause: Clause) -> Intents | None:
    """ "more clouds", "less contrast", "more dramatic"."""
    into, language = clause.phrase(found["into"]), clause.language
    if _is_setting(into, clause):
        return None
    what = clause.thing(found["what"]) if found["what"] else ""
    less = found["direction"] == "less"
    into = clause.thing(into) or into
    air = aspect_of(into, language) in (Aspect.WEATHER, Aspect.LIGHT)
    if air and not (less or what or adjective_of(into)):
        return clause.edit(Action.ADD, Aspect.WEATHER, into=clause.book.said("more", into))
    if into.startswith(("like ", "of a ")):
        return turned(clause, into.partition(" ")[2])
    if is_attribute(into, language) or not content(into, language):
        return _attribute(clause, what, into, less=less)
    if less:
        return clause.edit(
            Action.SET, Aspect.OBJECT, what=into, into=clause.book.said("fewer", into)
        )
    return clause.edit(Action.ADD, Aspect.OBJECT, into=clause.book.said("more", into), to=what)


def _attribute(clause: Clause, what: str, into: str, *, less: bool) -> Intents | None:
    if less and not what and fold(into) in DRAWN:
        return (Intent(kind=IntentKind.RESTYLE, style=""),)
    words = content(into, clause.language)
    if not words:
        return None
    if less:
        key = adjective_of(words[-1].text) or words[-1].key
        other = opposite(key, clause.language)
        if not other and style_in(into, clause.language):
            return (Intent(kind=IntentKind.RESTYLE, style=""),)
        if not other:
            return clause.edit(
                Action.REMOVE, aspect_of(into, clause.language) or Aspect.OBJECT, what=into
            )
        into = other
    if what:
        changes = became(clause, what, into)
        return edit(*changes) if changes else None
    if aspect_of(into, clause.language) is Aspect.STYLE and not library_style(
        into, clause.language
    ):
        return clause.edit(Action.SET, Aspect.STYLE, into=into)
    return turned(clause, into)


def number_of(found: Found, clause: Clause) -> Intents | None:
    if found["another"]:
        what = clause.thing(found["another"])
        known = content(what, clause.language)
        if not known or not names_a_thing(known[-1]):
            return None
        return clause.edit(Action.ADD, Aspect.OBJECT, into=clause.book.said("another", what))
    what = clause.thing(found["what"])
    known = content(what, clause.language)
    if not known or _is_setting(what, clause) or what.startswith("of "):
        return None
    things = [word for word in known if names_a_thing(word)] or known
    if not in_prompt(things[-1].text, clause.language, clause.shown.prompt):
        return None
    if _is_article(found["n"], clause) and any(w.function for w in words_of(what, clause.language)):
        return None  # "mets une cape à la femme" counts nothing
    many = f"{found['n']} "
    if clause.language in UNSPACED:
        many = clause.text[clause.text.find(found["n"]) :].partition(what)[0]
        many = many if only_counts(many, clause.language) else f"{found['n']}个"
    return clause.edit(Action.SET, Aspect.OBJECT, what=what, into=f"{many}{what}")


def _is_article(many: str, clause: Clause) -> bool:
    """Whether what may be the number one is the article of a language where both are a word."""
    return clause.language in _ONE_IS_A and number(many, clause.language) == 1 and many.isalpha()


_ONE_IS_A = frozenset(("de", "fr", "es", "it", "pt"))


def add(found: Found, clause: Clause) -> Intents | None:
    into = clause.phrase(found["into"] or found["added"] or found["covering"])
    if found["added"]:
        into = clause.phrase(clause.text.partition(found["added"])[0].split()[-1] + " " + into)
    to = clause.thing(found["to"]) if found["to"] else ""
    readable = clause.reply.readable(into)
    tags = clause.reply.of_kind(found["into"], OpaqueKind.LORA)
    if tags:
        return asked.tags(tags)
    if not into or clause.book.it.fullmatch(into) or _is_setting(into, clause):
        return None
    aspect = aspect_of(readable, clause.language) or Aspect.OBJECT
    if aspect in (Aspect.WEATHER, Aspect.LIGHT, Aspect.FRAMING) and not to:
        return clause.edit(Action.ADD, aspect, into=into)
    where = clause.phrase(found["where"]) if found["where"] else ""
    if aspect is not Aspect.MOOD:
        aspect = Aspect.OBJECT
    return clause.edit(Action.ADD, aspect, into=into, to=to, where=where)


def _is_setting(text: str, clause: Clause) -> bool:
    """Whether that is the name of a setting, and no thing in the picture."""
    plain = clause.thing(text).casefold()
    return plain in clause.book.tables["settings"] and plain not in ("shape", "style", "steps")


def negative(found: Found, clause: Clause) -> Intents | None:
    return asked.negative(found["action"], clause.phrase(found["into"] or found["what"]))


def phrase(found: Found, clause: Clause) -> Intents | None:
    """A phrase without a word of change: a style, an hour, a place; nothing else."""
    into = clause.phrase(found["into"])
    readable = clause.reply.readable(into)
    tags = clause.reply.of_kind(found["into"], OpaqueKind.LORA)
    if tags and len(found["into"]) == len(tags):
        return asked.tags(tags)
    language = clause.language
    aspect = aspect_of(readable, language)
    into = clause.degreeless(into)
    leading, _, besides = into.partition(" with ")
    if besides and is_whole_side(leading, language):
        return turned(clause, into)
    if library_style(readable, language) or style_in(readable, language):
        return restyled(clause, found["into"])
    if aspect in (Aspect.STYLE,) or (says_style(readable) and len(readable.split()) < 8):
        return restyled(clause, found["into"])
    parts = clause.items(into)
    if all(is_attribute(clause.reply.readable(part), language) for part in parts) and parts:
        return turned(clause, into)
    if aspect is Aspect.BACKGROUND and _led_by_preposition(into, clause):
        return clause.edit(Action.SET, Aspect.BACKGROUND, into=clause.phrase(clause.text))
    return None


def _led_by_preposition(into: str, clause: Clause) -> bool:
    words = clause.text.casefold().split()
    length = len(into.split())
    before = words[: len(words) - length]
    return any(word in LEADING | {"inside", "during", "under"} for word in before)


HANDLERS: Mapping[str, Handler] = {
    **dict.fromkeys(("none", "undo", "describe", "delete", "again", "reproduce"), quiet),
    "info": info,
    "ask": ask,
    "vary": vary,
    "upscale": upscale,
    "outpaint": outpaint,
    "inpaint": inpaint,
    "rewrite": rewrite,
    "text": text,
    "style": style,
    "swap": swap,
    "instead": instead,
    "set": set_named,
    "setit": set_it,
    "only": only,
    "setthing": set_thing,
    "elliptic": elliptic,
    "remove": remove,
    "framing": framing,
    "too": too,
    "give": give,
    "place": place,
    "more": more,
    "verb": verb,
    "number": number_of,
    "add": add,
    "negative": negative,
    "phrase": phrase,
    **asked.HANDLERS,
    **backgrounds.HANDLERS,
    **crossing.HANDLERS,
}
