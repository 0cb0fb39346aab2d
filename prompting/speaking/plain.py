"""Wishes that need no rewording: they already say what the picture shows.

    "draw me a kitty wearing a red hat please"   ▶  "a kitty wearing a red hat"
    "could the cat be, like, blue? on snow"      ▶  None: a writer has to make sense of it

The invariant: what is taken away is asking, never describing; no word with a meaning for the
picture goes.
"""

from __future__ import annotations

import re

from prompting.reading.lexicon import Lexicon, fold
from prompting.slots import WishText
from prompting.speaking.head import verbatim

_REQUEST = re.compile(
    r"""^(?:(?:please|pls|hey|hi|hello|bot|ok|okay|just)[\s,]+)*
    (?:(?:can|could|would|will)\s(?:you|u|i)\s|(?:i|we)\s(?:want|need|would\s(?:like|love))\s
       |(?:i|we)'d\s(?:like|love)\s|let's\s)?
    (?:to\s(?:see|have|get)\s|you\sto\s|to\s|have\s|get\s)?(?:please\s|pls\s)?
    (?:(?:draw|paint|make|create|generate|render|show|give)\s(?:me\s|us\s)?)?
    (?:(?:a|an|the)\s(?:picture|image|pic)\sof\s)?(?=\w)""",
    re.IGNORECASE | re.VERBOSE,
)
_THANKS = re.compile(r"(?:[\s,.!]+(?:please|pls|plz|thanks|thank\syou|thx|for\sme))*[\s.!]*$", re.I)
# What a description begins with behind a verb; "paint bucket" and "show dog" ask for nothing.
_BEGINS = re.compile(r"(?:an?|the|some|my|one|two|three|four|five|many|\d+)\b", re.IGNORECASE)
_REQUEST_ZH = re.compile(
    r"^(?=.)(?:请|麻烦)?(?:你|您)?(?:能不能|可以|可不可以|能)?(?:帮我|给我|帮忙|为我)?"
    r"(?:我?想要|我要|我?想看|画|生成|做|来)(?=[一二两三四五六七八九十几个只张幅条朵])(?:一?[张幅](?=.{2}))?"
)
_THANKS_ZH = re.compile(
    r"(?:的(?:图|图片|画))?(?:[，,。！!\s]*(?:谢谢|可以吗|好吗|就行|吧))*[。！!\s]*$"
)
# Words of talking about a picture instead of describing it.
_TALK = re.compile(
    r"i|i'm|i'd|i'll|we|you|u|it|it's|is|are|was|were|be|been|should|could|would|can|will|shall"
    r"|wants?|needs?|make|draw|paint|create|generate|render|please|thanks|then|so|maybe|but|what"
    r"|where|when|how|colou?red|do|does|don't|remove|change|replace|turn|add"
)
_TALK_ZH = re.compile(r"[我你您吗吧呢要想能是让把请画给帮]|可以|什么|怎么|谢谢|不")


def plain(wish: WishText, lexicon: Lexicon) -> str | None:
    """The wish without the asking, if it describes a picture; None if it talks about one."""
    text = verbatim(wish, lexicon)
    if wish.language == "zh":
        found = _REQUEST_ZH.match(text)
        text = _THANKS_ZH.sub("", text[found.end() :] if found else text)
        return None if not text or _TALK_ZH.search(text) or _asks(text) else text
    if wish.language != "en" or not text:
        return None
    found = _REQUEST.match(text)
    if found and found.end() and _BEGINS.match(text, found.end()):
        text = text[found.end() :]
    text = _THANKS.sub("", text)
    unquoted = text
    for part in wish.opaque:
        unquoted = unquoted.replace(part.text, " ")
    talk = any(_TALK.fullmatch(fold(word.text)) for word in lexicon.read(unquoted, "en"))
    return None if not text or talk or _asks(text) else text


def _asks(text: str) -> bool:
    return any(mark in text for mark in "?？")
