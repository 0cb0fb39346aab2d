"""Held words: the words of several wishes that differ in other things, found once for all of them.

Whoever compares styles, models or steps wants to see these, and not another scene in each place.
Invariant: two wishes with the same own words, spoken to in the same way, say the same, but for
their styles.
"""

from __future__ import annotations

from dataclasses import replace

from bot.studio.defaults import suffixed
from bot.studio.drafting import Drafting
from bot.studio.layers import Around, RequestDraft
from bot.studio.wishes import Wish
from generation.draft import Checkpoint
from prompting.assist import Assisted
from storage.people import AssistMode

_Key = tuple[str, str, AssistMode | None, tuple[str, str]]


class HeldWords:
    """Of one person's wishes that are drawn together."""

    def __init__(self, drafting: Drafting, around: Around) -> None:
        self._drafting, self._around = drafting, around
        self._found: dict[_Key, Assisted | None] = {}

    async def still(self, wish: Wish) -> Wish:
        """The wish with its words, where they are not the person's own as they stand there.

        Raises Unacceptable and PromptingError.
        """
        if not (wish.draft.words.prompt or "").strip():
            return wish
        model = self._drafting.checkpoint_for(wish, self._around)
        phrasing, negative = self._drafting.phrasing, wish.draft.words.negative_prompt or ""
        behind = suffixed(wish, self._around.suffix)
        words = await self._unstyled(behind, model)
        if wish.style:
            own = behind.draft.words.prompt or ""
            words = words or await phrasing.spoken(
                own, model.spoken_to, style=None, negative=negative
            )
            style = self._drafting.offers.styles.named(wish.style).key
            words = await phrasing.restyled(words, style, model, negative=negative)
        return replace(wish, words=words)

    async def _unstyled(self, wish: Wish, model: Checkpoint) -> Assisted | None:
        """What the assistant finds; None where nobody asked it, or it was not needed."""
        said = wish.draft.words
        to = model.spoken_to
        key = (said.prompt or "", said.negative_prompt or "", wish.assist, (to.name, to.dialect))
        if wish.assist not in (None, AssistMode.OFF) and key not in self._found:
            draft = RequestDraft(words=said, assist=wish.assist)
            wording = await self._drafting.phrasing.wording(draft, model, wish.seed or 0, None)
            self._found[key] = wording.assisted if wording is not None else None
        return self._found.get(key)
