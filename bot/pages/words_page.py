"""What people read of the words that were found for a wish: under a result.

Pure.  Invariant: what the assistant added is shown apart from what the person said.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.languages.amounts import listed
from bot.languages.speaking import trn
from bot.pages.quoting import plain, quoted
from prompting.assist import Assisted
from prompting.speaking.added import seen
from storage.words import Wording

ADDED, PHRASE = 160, 70  # characters of what the assistant added, and of one phrase of it


def found_words(wording: Wording) -> list[str]:
    """What the assistant made of the wish, and its one line where it has something to say."""
    words = wording.assisted
    style = f"*({quoted(words.style, 40)})*" if words.style else ""
    lines = [f"🎨 {style}"] if style else []
    if words.other_words:
        lines = [f"✨ {_found(words)} {style}".rstrip()]
    return lines + ([f"-# {quoted(words.note, 200)}"] if words.note else [])


def _found(words: Assisted) -> str:
    """The words that were added, briefly, behind the subject where that is another than typed."""
    added = words.added
    slots = words.slots
    said = quoted(words.prompt, 300)
    if slots is None or not added:
        return said
    subject = slots.subject.strip(" .。")
    told = "" if seen(subject) <= seen(words.wish) else f"{quoted(subject, 160)} "
    return f"{told}＋ {briefly(added)}"


def briefly(phrases: Sequence[str]) -> str:
    """Phrases in a line that is read at a glance; what does not fit is counted."""
    shown: list[str] = []
    room = ADDED
    for phrase in phrases:
        text = plain(phrase, PHRASE)
        if shown and len(text) > room:
            break
        shown.append(quoted(text))
        room -= len(text)
    more = len(phrases) - len(shown)
    return listed(shown) + (f" {trn('… and {n} more', '… and {n} more', more)}" if more else "")
