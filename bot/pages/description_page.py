"""What people read where a picture was described: who says so, how sure it is, and what it cannot.

Pure.  Invariant: a captioner that cannot tell is quoted with no words at all.
"""

from __future__ import annotations

from bot.languages.speaking import mark, tr
from bot.pages.proposals_page import proposals
from bot.pages.quoting import quoted
from bot.pages.replies import whole
from bot.studio.describing import Description

# What there is to say of captioners to whoever has only ours.
_MORE = mark(
    "Only the built-in captioner is here: it knows the starter's own pictures, and nothing else. "
    "The owner can put a larger one as a folder into `models`, such as BLIP (BSD, 1 GB) or "
    "Florence-2 (MIT, 0.5 GB): docs/describing.md."
)
_UNSURE = 0.5


def description_page(found: Description) -> str:
    """The description, and the prompts that were made of it."""
    lines = [*_known(found), *_seen(found)]
    if found.proposed is None:
        return whole("\n".join(lines))
    return whole("\n".join([*lines, proposals(found.proposed.words, found.proposed.notes)]))


def _known(found: Description) -> list[str]:
    if found.known is None:
        return []
    return [tr("I know what this was drawn by: **1.** is its prompt, word for word.")]


def _seen(found: Description) -> list[str]:
    words, title = found.said.words, quoted(found.captioner.title)
    if words:
        said = quoted(words, 500)
        if found.said.sure < _UNSURE:
            return [tr("{who} sees, and is not sure of it: {what}", who=title, what=said)]
        return [tr("{who} sees: {what}", who=title, what=said)]
    if not found.built_in:
        return [tr("{who} said nothing of this picture.", who=title)]
    if found.known is not None:
        return [tr("-# My captioner cannot tell what it came to show.")]
    return [f"{tr('I cannot tell what this shows.')} {tr(_MORE)}"]
