"""Wishes that need no rewording: they already say what the picture shows.

    "a kitty wearing a red hat"              ▶  "a kitty wearing a red hat"
    "could the cat be, like, blue? on snow"  ▶  None: a writer has to make sense of it

The invariant: what needs no rewording is said in the person's own words and order.
"""

from __future__ import annotations

import re

from prompting.reading.lexicon import Lexicon, fold
from prompting.slots import WishText
from prompting.speaking.head import verbatim

# Words of talking about a picture instead of describing it.
_TALK = re.compile(
    r"i|i'm|i'd|i'll|we|you|u|it|it's|is|are|was|were|be|been|should|could|would|can|will|shall"
    r"|wants?|needs?|make|draw|paint|create|generate|render|please|thanks|then|so|maybe|but|what"
    r"|where|when|how|colou?red|do|does|don't|remove|change|replace|turn|add"
)
# A can of a drink, which asks nothing: at the end of what is said, or before a preposition.
_A_CAN = re.compile(r"\bcan(?=\s*(?:$|[,.;]|(?:of|on|in|with|under|beside|near|at|and)\b))", re.I)
_TALK_ZH = re.compile(r"[我你您吗吧呢要想能是让把请画给帮]|可以|什么|怎么|谢谢|不")


def plain(wish: WishText, lexicon: Lexicon) -> str | None:
    """The wish's own words, if they describe a picture; None if they talk about one."""
    text = verbatim(wish, lexicon).rstrip(" .!。！")
    if not text or _asks(text):
        return None
    if wish.language == "zh":
        return None if _TALK_ZH.search(text) else text
    if wish.language != "en":
        return None
    unquoted = _A_CAN.sub(" ", text)
    for part in wish.opaque:
        unquoted = unquoted.replace(part.text, " ")
    talk = any(_TALK.fullmatch(fold(word.text)) for word in lexicon.read(unquoted, "en"))
    return None if talk else text


def _asks(text: str) -> bool:
    return any(mark in text for mark in "?？")
