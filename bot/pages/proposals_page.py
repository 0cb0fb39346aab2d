"""What people read where several ways to say a wish are offered.

Pure.  Invariant: what is drawn from a proposal is shown in it, as far as a message has room.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.pages.quoting import quoted
from bot.pages.replies import whole
from prompting.assist import Assisted


def proposals(found: Sequence[Assisted], remarks: Sequence[str] = ()) -> str:
    """Different ways to say a wish, numbered, with what is to be said of them."""
    lines = [f"**{number}.** {_shown(words)}" for number, words in enumerate(found, 1)]
    notes = dict.fromkeys((*(f.note for f in found if f.note), *remarks))
    lines += [f"-# {quoted(note)}" for note in notes]
    return whole("\n".join(lines))


def _shown(words: Assisted) -> str:
    style = f" *({quoted(words.style, 40)})*" if words.style else ""
    return f"{quoted(words.prompt, 560)}{style}"
