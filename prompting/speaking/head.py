"""The person's part of a prompt: what may be put into other words, and never shortened.

    slots.subject "a cat on a sign", wish 'kitty on a sign "OPEN" <lora:x:1>'
    ▶ Head(text='a kitty on a sign', quotes=('"OPEN"',), floating=('<lora:x:1>',))

The invariant: text, quotes and floating parts together hold every opaque part, byte by byte.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from prompting.reading.denials import denials, without
from prompting.reading.lexicon import OBJECTS, SCENERY, Lexicon, fold
from prompting.slots import Language, OpaqueKind, Slots, WishText

_FLOATING = frozenset(
    {OpaqueKind.LORA, OpaqueKind.EMBEDDING, OpaqueKind.FLAG}
)  # mean the same wherever they stand
# Words of these kinds may be swapped for another form of themselves without harm to the grammar.
_EXCHANGEABLE = OBJECTS | SCENERY | {"colour", "style", "quality"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The person's part of a prompt."""

    text: str
    quotes: tuple[str, ...] = ()  # that the text does not hold yet
    floating: tuple[str, ...] = ()  # to stand behind everything


def head(slots: Slots, wish: WishText, lexicon: Lexicon, language: Language, *, own: bool) -> Head:
    """The person's part, in that language.

    `own` asks for their very words.  They are also taken where a part means something only in its
    place, and where the slots are in another language than the prompt.
    """
    floating = tuple(part.text for part in wish.opaque if part.kind in _FLOATING)
    anchored = tuple(part.text for part in wish.opaque if part.anchored)
    readable = wish.language == language
    if readable and (own or anchored or slots.language != language):
        return Head(text=verbatim(wish, lexicon), floating=floating)
    text = own_words(slots.subject, wish, lexicon) if wish.language == "en" else slots.subject
    text = ", ".join(part for part in (text, *anchored) if part)
    quotes: list[str] = []
    for part in wish.opaque:
        if part.kind is OpaqueKind.QUOTE:
            text, placed = _place(text, part.text)
            quotes += () if placed else (part.text,)
    return Head(text=text, quotes=tuple(quotes), floating=floating)


def unfloated(wish: WishText) -> tuple[str, tuple[str, ...]]:
    """The wish as it was typed without the parts that float, and those."""
    text, _ = _hidden(wish)
    floating = tuple(part.text for part in wish.opaque if part.kind in _FLOATING)
    return text.strip(), floating


def verbatim(wish: WishText, lexicon: Lexicon) -> str:
    """The wish as it was typed, without what floats and without what it does not want."""
    text, hidden = _hidden(wish)
    unwanted = denials(hidden.replace(_BLANK, ","), lexicon, wish.language)
    # Opaque parts stand aside while spaces and commas are tidied, so that no byte of them changes.
    marks = [(found[0], text[found.start() : found.end()]) for found in _BLANKS.finditer(hidden)]
    tidy = without(hidden, unwanted)
    for blank, part in marks:
        tidy = tidy.replace(blank, part, 1)
    return tidy


def _hidden(wish: WishText) -> tuple[str, str]:
    """The wish without what floats; and the same with every other opaque part blanked out."""
    text = hidden = wish.text
    for part in reversed(wish.opaque):
        end = part.start + len(part.text)
        if part.kind in _FLOATING:
            text = f"{text[: part.start].rstrip()} {text[end:].lstrip()}"
            hidden = f"{hidden[: part.start].rstrip()} {hidden[end:].lstrip()}"
        else:
            hidden = hidden[: part.start] + _BLANK * len(part.text) + hidden[end:]
    return text, hidden


_BLANK = "\x00"
_BLANKS = re.compile("\x00+")


def own_words(subject: str, wish: WishText, lexicon: Lexicon) -> str:
    """The subject with the person's own spelling: "kitty" where a writer made it "cat"."""
    words = list(lexicon.read(subject, "en"))
    there = {fold(word.text) for word in words}
    wished = without(wish.words, denials(wish.words, lexicon, wish.language))
    for asked in lexicon.read(wished, "en"):
        if asked.entry is None or asked.entry.kind not in _EXCHANGEABLE:
            continue
        same = [at for at, word in enumerate(words) if word.entry is asked.entry]
        if fold(asked.text) not in there and len(same) == 1:
            words[same[0]] = asked
            there.add(fold(asked.text))
    return "".join(word.text for word in words)


def _place(text: str, quote: str) -> tuple[str, bool]:
    """Puts a quotation where the text has its words without the quotes."""
    if quote in text:
        return text, True
    inner = re.escape(quote[1:-1])
    found = re.search(rf"[\"'“”‘’「」『』«»]?(?<!\w){inner}(?!\w)[\"'“”‘’「」『』«»]?", text)
    if not found or not quote[1:-1].strip():
        return text, False
    return text[: found.start()] + quote + text[found.end() :], True
