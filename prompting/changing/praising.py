"""Praise that is written without spaces: 好看, 太美了吧, 兔兔好萌啊啊啊.

The invariant: what names a thing and says plainly how it is to be is no praise; how good the
thing is must be said as people exclaim it.
"""

from __future__ import annotations

import re

from prompting.changing.aspects import content, kind_of
from prompting.changing.clause import keys_of
from prompting.changing.phrasebook import Phrasebook

_MARKS = " ,，。.!！~～…？?、"
_DRAWN_OUT = re.compile(r"(.)\1+")
# 好萌, 太可爱啦, 也太美了吧: said with force.
_EXCLAIMED = re.compile(
    r"(?:好|太|真|超|超级|也太|这么|那么|多么|巨|贼|绝|怎么这么|すごく|とても|めっちゃ|かわい)(?=.)"
    r"|[啊呀哇啦哦呢]\Z|极了|死了|なあ?\Z|[!！]\Z"
)


def praises(text: str, book: Phrasebook, prompt: str) -> bool:
    """Whether a text says how good the picture is, or something in it."""
    return any(_only_praise(form, book, prompt) for form in (text, _DRAWN_OUT.sub(r"\1", text)))


def _only_praise(text: str, book: Phrasebook, prompt: str) -> bool:
    rest = text
    for word in sorted(book.praise | book.filler, key=len, reverse=True):
        rest = rest.replace(word, " ")
    if not any(word in text for word in book.praise):
        return False
    named = rest.replace("们", "").strip(_MARKS)
    if not named:
        return True
    if re.search(r"[把将让给换改加变]|更|一?[点些]", text) or not _EXCLAIMED.search(text):
        return False
    language = book.language
    words = content(named, language)
    seen = keys_of(prompt)
    moods = {w.key for w in content(text, language) if kind_of(w) == "mood"}
    return bool(words) and not moods and all(word.key in seen for word in words)
