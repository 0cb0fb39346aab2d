"""Asks a writer about an order until an answer keeps the wish, or the time is up.

The invariant: the same writer, order and seed give the same words, in any process; the seeds of
later tries are derived from the first.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from prompting.errors import Unreadable, WriterFailed, WriterTimeout
from prompting.filling import composed, filled
from prompting.hiding import hide
from prompting.reading.cleaning import cleaned
from prompting.reading.denials import denials, without
from prompting.repair import Repairer, SlotVerdict
from prompting.slots import Language, OpaqueKind, Slots, WishText
from prompting.speaking.dialects import Speech
from prompting.speaking.head import verbatim
from prompting.speaking.order import Order
from prompting.speaking.plain import plain
from prompting.speaking.render import Rendered
from prompting.writers import template
from prompting.writers.cache import AnswerCache, Key
from prompting.writers.questions import question
from prompting.writers.writer import Ask, Writer

TRIES = 3  # seeds asked for one prompt
GRACE = 1.0  # seconds that a writer may take to notice its deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What came of asking."""

    slots: Slots  # after repair
    rendered: Rendered
    raw: str  # the answer that they are made of
    kept: bool  # the answer kept the wish without being repaired,
    more: bool  # and said more than it, where that is wanted


def derived(seed: int, purpose: str) -> int:
    """A seed of 31 bits that depends on another and on what it is for."""
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


class Asking:
    """One order and the writer that is asked about it; `clock` is in seconds."""

    def __init__(
        self, writer: Writer, order: Order, *, cache: AnswerCache, deadline: float, clock: Clock
    ) -> None:
        self._writer, self._order, self._cache = writer, order, cache
        self._clock, self._deadline, self._until = clock, deadline, clock() + deadline
        self._took = 0.0  # seconds of the last answer
        self._judge = Repairer(order, closed=writer.placeholders > 0)
        self._language = order.language if order.language in template.LANGUAGES else "en"
        self._own = _own(order, small=writer.placeholders > 0)
        most = writer.placeholders
        row = order.dialect
        # A model that reads any word can tell a scene; the built-in ones have learned no sentences.
        self._question = row.name if row.words and not most else row.ask
        self._hidden = (
            hide(
                order.wish.words,
                order.lexicon,
                spoken=order.wish.language,
                language=self._language,
                most=most,
            )
            if most
            else None
        )

    async def told(self, seed: int, temperature: float) -> Told:
        """The best of a few answers, repaired.  Raises what the writer raised if there is none."""
        best: tuple[SlotVerdict, str] | None = None
        trouble: WriterFailed | Unreadable = WriterTimeout(self._deadline)
        for at in range(TRIES):
            # What takes twice the time that is left would only be cut, or late.
            if self._clock() + self._took / 2 >= self._until:
                break
            try:
                raw = await self._answer(derived(seed, f"try {at}") if at else seed, temperature)
                await asyncio.sleep(0)  # a remembered answer took no time, and judging does
                verdict = self._judge.judge(self._slots(raw, seed))
            except Unreadable as error:
                trouble = error
                continue
            except WriterFailed as error:
                trouble = error
                break
            if best is None or verdict.faults < best[0].faults:
                best = verdict, raw
            if verdict.good and not (verdict.left and not at):  # another seed may translate more
                break
        if best is None:
            raise trouble
        await asyncio.sleep(0)
        kept = self._judge.repair(best[0])
        more = _more(kept.slots) or not self._order.dialect.kind.takes_more
        if not self._writer.placeholders:
            kept = self._judge.judge(filled(kept.slots, self._order, seed))
        return Told(
            slots=kept.slots, rendered=kept.rendered, raw=best[1], kept=best[0].good, more=more
        )

    async def _answer(self, seed: int, temperature: float) -> str:
        left = self._until - self._clock()
        ask = Ask(
            text=self._hidden.text if self._hidden else spelled(self._order.wish),
            dialect=self._question,
            seed=seed & 0x7FFFFFFF,
            temperature=temperature,
            deadline=left,
            language=self._language,
        )
        key = Key.of(self._writer, ask)
        answer = self._cache.get(key)
        if answer is None:
            try:
                async with asyncio.timeout(left + GRACE):
                    answer = await self._writer.write(ask)
            except TimeoutError as error:
                raise WriterTimeout(left) from error
            self._took = answer.seconds
            if not answer.cut:
                self._cache.put(key, answer)
        return answer.raw

    def _slots(self, raw: str, seed: int) -> Slots:
        """The answer's slots, with hidden words put back.  Raises Unreadable."""
        slots = Slots.from_json(raw)
        show: Callable[[str], str] = self._hidden.show if self._hidden else str
        slots = replace(
            slots,
            subject=show(slots.subject).strip(),
            details=tuple(filter(None, map(show, slots.details))),
            style=tuple(filter(None, map(show, slots.style))),
            avoid=tuple(filter(None, map(show, slots.avoid))),
            quoted=self._order.wish.quoted,
        )
        slots = self._composed(slots, seed) if self._writer.placeholders else self._cleaned(slots)
        subject = slots.subject
        if not subject:
            raise Unreadable("answer", "no subject", raw)
        # A model that was asked for Chinese may answer in English all the same.
        chinese = self._language == "zh" and re.search(r"[\u3400-\u9fff]", subject)
        language: Language = "zh" if chinese else "en"
        if self._own and language == self._order.language and not self._better(subject):
            subject = self._own
        return replace(slots, subject=subject, language=language)

    def _better(self, subject: str) -> bool:
        """Whether a writer that spells any word only put the person's own in a better order."""
        return not self._writer.placeholders and self._judge.same(subject)

    def _composed(self, slots: Slots, seed: int) -> Slots:
        """The slots of a small writer, which has learned no scenes, with a composed one."""
        order = self._order
        more = composed(order.wish, order, seed)
        if order.dialect.words:
            return replace(slots, details=(), scene=more.scene)
        return replace(slots, details=more.details)

    def _cleaned(self, slots: Slots) -> Slots:
        """The slots of a writer that can spell anything, without what no prompt may hold."""
        return cleaned(
            slots,
            self._order.wish,
            lexicon=self._order.lexicon,
            language=self._order.language,
            told=question(self._question).instructions(self._question, self._language),
        )


Clock = Callable[[], float]


def _own(order: Order, *, small: bool) -> str | None:
    """The subject that no writer says better: the person's own words, or their translation."""
    wish, lexicon = order.wish, order.lexicon
    if order.language == wish.language:
        # The starter was trained on captions of its own, so there a writer's words are better.
        own = None if order.dialect.kind is Speech.STARTER else plain(wish, lexicon)
        if own is None and small and wish.language == "zh":  # it garbles what it does not know
            return verbatim(wish, lexicon)
        return own
    # A small model reads English and Chinese alone, and Chinese worse than it is put by rules; but
    # it knows what the starter was trained with, and how to tell a change.
    written = wish.language == "zh" and order.dialect.kind in (Speech.STARTER, Speech.INSTRUCTION)
    if small and not written:
        text = without(wish.words, denials(wish.words, lexicon, wish.language))
        return lexicon.english(text, wish.language) or None
    return None


def _more(slots: Slots) -> bool:
    """Whether there is anything that the wish does not say."""
    return bool(slots.details or slots.scene)


def spelled(wish: WishText) -> str:
    """The wish for a model that reads any word: with its quotations, without its markup."""
    out: list[str] = []
    end = 0
    for part in wish.opaque:
        out.append(wish.text[end : part.start])
        out.append(part.text if part.kind is OpaqueKind.QUOTE else part.reading)
        end = part.start + len(part.text)
    out.append(wish.text[end:])
    return " ".join("".join(out).split())
