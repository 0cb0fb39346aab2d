"""What a reply to a picture asks for: rules that know several languages.

    reply ─clean─▶ picks ─▶ wishes ─rules of its language─▶ intents ─together─▶ Understood

The invariant: whatever is said, there is an answer and no exception; what is not understood is
asked about or left alone, never drawn.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from prompting.changing import asked
from prompting.changing.clause import Clause, Intents
from prompting.changing.describing import described
from prompting.changing.dividing import SaidWish, parts
from prompting.changing.intents import (
    QUIET,
    Intent,
    IntentKind,
    ShownPicture,
    Understood,
)
from prompting.changing.mending import mended
from prompting.changing.phrasebook import Phrasebook, phrasebook
from prompting.changing.picking import picked
from prompting.changing.praising import praises
from prompting.changing.reply import LONGEST, ReadReply, read_reply
from prompting.changing.tongues import likeliest
from prompting.changing.traditional import simplified
from prompting.changing.wishes import HANDLERS

__all__ = ["understand"]

# Emoji that complain; all others are praise, or nothing that could be drawn.
_COMPLAINING = frozenset("👎🤮😡😠💩😕🙁☹😖😣🤢😤")


def understand(reply: str, shown: ShownPicture) -> Understood:
    """The intents of a reply, at least one.  Never raises."""
    read = read_reply(reply)
    best: Understood | None = None
    books = filter(None, map(phrasebook, likeliest(read.readable(read.text), shown.prompt)))
    for book in sorted(books, key=lambda book: not _of_its_medium(read, shown, book)):
        understood = _in_language(read, shown, book)
        if understood.sure:
            return understood
        best = best or understood
    return best or _unclear("en")


def _unclear(language: str) -> Understood:
    ask = Intent(kind=IntentKind.ASK, question="what")
    return Understood(intents=(ask,), sure=False, language=language)


def _of_its_medium(read: ReadReply, shown: ShownPicture, book: Phrasebook) -> bool:
    """Whether all of it is said of that medium alone in the language: "plus long" of a clip."""
    if shown.medium == "image" or len(read.text) > LONGEST:
        return False
    text = book.without_politeness(read.text.strip(" ?？!！.。,，;；~…¡¿"))
    first = next(book.find(text, of=shown.medium), None)
    return first is not None and "of" in first.rule.facts


def _in_language(read: ReadReply, shown: ShownPicture, book: Phrasebook) -> Understood:
    if book.language == "zh":
        read = replace(read, text=simplified(read.text))
    text, pick, trouble = picked(mended(read.text, book, _names(shown)), shown, book)
    if trouble:
        return _understood((trouble,), book)
    clause = Clause(text=text, book=book, reply=read, shown=shown)
    wishes = asked.of_flags(read.flags, book.language)
    unclear = False
    if read.to_somebody and text.endswith("?"):
        return _understood(_with_pick((Intent(kind=IntentKind.NONE),), pick), book)
    if text:
        if not _of_its_medium(read, shown, book) and _is_praise(text, book, shown.prompt):
            return _understood(_chosen((Intent(kind=IntentKind.NONE),), pick), book)
        said, unclear = _wishes(clause)
        wishes = (*said, *wishes)
    if not wishes:
        wishes, unclear = _nothing_said(read, pick, clause)
    wishes = _together(wishes)
    return Understood(intents=_chosen(wishes, pick), sure=not unclear, language=book.language)


def _chosen(wishes: Intents, pick: tuple[int, ...]) -> Intents:
    """The wishes about the pictures meant; one that is only praised is picked: "3 is the best"."""
    if pick and all(wish.kind is IntentKind.NONE for wish in wishes):
        wishes = (Intent(kind=IntentKind.PICK),)
    return _with_pick(wishes, pick)


def _names(shown: ShownPicture) -> str:
    """Words that are right as they are typed."""
    return " ".join((shown.prompt, *shown.samplers, *shown.models, *shown.loras))


def _understood(wishes: Intents, book: Phrasebook) -> Understood:
    return Understood(intents=wishes, sure=True, language=book.language)


def _nothing_said(read: ReadReply, pick: tuple[int, ...], clause: Clause) -> tuple[Intents, bool]:
    """What a reply means of which no wish was understood; and whether that is a guess."""
    if not clause.text:
        if pick:
            return (Intent(kind=IntentKind.PICK),), False
        complains = bool(_COMPLAINING & set(read.emoji))
        kind = IntentKind.ASK if complains else IntentKind.NONE
        return (Intent(kind=kind, question="what" if complains else ""),), False
    if read.to_somebody or _is_chat(clause):
        return (Intent(kind=IntentKind.NONE),), True
    return (Intent(kind=IntentKind.ASK, question="what"),), True


def _is_chat(clause: Clause) -> bool:
    words = clause.text.casefold().replace("?", " ?").split()
    said = {word.strip(".,!;:…") for word in words}
    if clause.book.spaced:
        return "?" in said or bool(said & clause.book.chat)
    return clause.text[-1:] in "?？" or any(word in clause.text for word in clause.book.chat)


def _is_praise(text: str, book: Phrasebook, prompt: str = "") -> bool:
    if not book.spaced:
        return praises(text, book, prompt)
    words = [word.strip(".,!?¡¿;:…~()\"'*-") for word in text.casefold().split()]
    words = [word for word in words if word]
    known = book.praise | book.filler
    if not words or not all(word in known or _drawn_out(word) in known for word in words):
        return False
    return any(word in book.praise or _drawn_out(word) in book.praise for word in words)


def _drawn_out(word: str) -> str:
    """ "sooooo" is "so"."""
    out = ""
    for char in word:
        out += "" if out[-1:] == char else char
    return out


def _halves(clause: Clause) -> tuple[SaidWish, ...]:
    """The text as one wish, where a rule knows it in two halves: 不要剑，要弓."""
    text = clause.book.without_politeness(clause.text.strip(" ?？!！.。,，;；~…"))
    if len(text) > LONGEST:
        return ()
    for found in clause.book.find(text, of=clause.shown.medium, whole=True):
        if HANDLERS[found.rule.does](found, clause.saying(text)):
            return (SaidWish(text=text, question=False, whole=True),)
    return ()


def _wishes(clause: Clause) -> tuple[Intents, bool]:
    """What the wishes of a text mean, and whether something of it is a guess."""
    wishes: list[Intent] = []
    left: list[SaidWish] = []
    for part in _halves(clause) or parts(clause):
        found = _wish(replace(clause, text=part.text, continuing=bool(wishes)), part)
        wishes += found or ()
        if not found and not _is_praise(part.text, clause.book):
            left.append(part)
    guessed = False
    for part in left:
        inner = replace(clause, text=part.text, question=part.question)
        short = len(part.text) <= LONGEST  # what is longer is a description, and no list of wishes
        pieces = clause.book.listing.split(part.text) if short else []
        if len(pieces) > 1:
            for piece in filter(None, (piece.strip() for piece in pieces)):
                one = replace(inner, text=piece)
                found = _wish(one, SaidWish(text=piece, question=False))
                wishes += found or (() if _is_chat(one) else described(one, bool(wishes)))
            guessed = True
        elif not _is_chat(inner) and (shown := described(inner, bool(wishes))):
            wishes += shown
            guessed = True
    return tuple(wishes), guessed and not wishes


def _wish(clause: Clause, part: SaidWish) -> Intents | None:
    if len(clause.text) > LONGEST:
        return None
    clause = replace(clause, question=part.question)
    of, question, whole = clause.shown.medium, part.question, part.whole
    for found in clause.book.find(clause.text, of=of, question=question, whole=whole):
        if wishes := HANDLERS[found.rule.does](found, clause):
            return wishes
    return None


def _together(wishes: Iterable[Intent]) -> Intents:
    """Wishes of one kind as one; where anything is to be drawn, what asks for nothing goes."""
    wishes = tuple(wishes)
    if any(wish.kind is IntentKind.PARAMETERS for wish in wishes):
        # "the same seed, but other steps" is no picture that was there before.
        wishes = tuple(wish for wish in wishes if wish.kind is not IntentKind.REPRODUCE)
    drawn = tuple(wish for wish in wishes if wish.kind not in QUIET)
    if drawn:
        wishes = drawn
    elif len(wishes) > 1:
        # "scrap that, go back" throws a change away and no picture.
        if any(wish.kind is IntentKind.UNDO for wish in wishes):
            wishes = tuple(wish for wish in wishes if wish.kind is IntentKind.UNDO)
        for empty in (IntentKind.NONE, IntentKind.ASK):
            wishes = tuple(wish for wish in wishes if wish.kind is not empty) or wishes
        wishes = wishes[:1]
    out: list[Intent] = []
    for wish in wishes:
        at = next((i for i, other in enumerate(out) if other.kind is wish.kind), None)
        if wish.kind is IntentKind.EDIT and out and _only_named(out[-1]):
            region = out[-1].region
            inside = (replace(c, what=c.what or region) for c in wish.changes)
            out[-1] = replace(out[-1], changes=tuple(inside))
            continue
        if at is None:
            out.append(wish)
        elif wish.kind in (IntentKind.EDIT, IntentKind.PARAMETERS, IntentKind.INPAINT):
            out[at] = replace(
                out[at],
                changes=(*out[at].changes, *wish.changes),
                settings=(*out[at].settings, *wish.settings),
            )
        else:
            out[at] = wish
    return tuple(out)


def _only_named(wish: Intent) -> bool:
    """A region to be drawn anew, of which what it becomes is still to be said."""
    return wish.kind is IntentKind.INPAINT and not wish.changes


def _with_pick(wishes: Intents, pick: tuple[int, ...]) -> Intents:
    return tuple(replace(wish, pick=pick) for wish in wishes) if pick else wishes
