"""A short wish in, a detailed prompt out, in the dialect of the model that draws.

    wish ─policy─▶ cleaned ─▶ writer ─▶ slots ─keep-check─▶ rendered ─policy─▶ Assisted
                                 ▲          │ lost, or against the wish: two more seeds,
                                 └──────────┘ then our additions go, then the words are appended

A spare writer steps in for a wish where the writer is of no use (`prompting.fallback`).

The invariant: whatever the writer does, the person gets a prompt, and it holds every word of
theirs.  Where no writer was of use it is their own words, and one line that says so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from prompting.asking import Clock, derived
from prompting.fallback import WordLimits, Writers
from prompting.reading import lexicon as lexicons
from prompting.reading import markup, opaque
from prompting.reading.facts import facts
from prompting.reading.filler import wished
from prompting.reading.lexicon import Lexicon
from prompting.reading.policy import Policy
from prompting.refining import Refined, refined, refitted, unsaid
from prompting.slots import Slots, WishText
from prompting.speaking import dialects
from prompting.speaking import styles as named_styles
from prompting.speaking.added import added, seen
from prompting.speaking.budget import Count
from prompting.speaking.notes import joined, note
from prompting.speaking.order import Order
from prompting.speaking.render import Rendered
from prompting.speaking.styles import Styles
from prompting.speaking.taglists import TagLists
from prompting.writers.cache import AnswerCache, Memory
from prompting.writers.writer import DEADLINE, Writer

TEMPERATURE = 0.7  # the seed decides: the same seed says the same at any temperature
LONGEST = 600  # characters of words; a longer wish is a prompt already,
LONGEST_TEXT = 2000  # and so is one with so much of what no writer may touch

ALTERNATIVES = 4  # wordings that are tried for one that shares nothing with those before

PATIENCE = 1.0  # seconds after which what was tried has to do

# Styles that proposals take.
_DIFFERENT = ("watercolor", "pixel-art", "flat", "line-art", "cinematic", "oil-painting")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assisted:
    """A prompt with its provenance: everything that is stored beside the picture."""

    prompt: str
    negative: str  # empty where the dialect has none
    wish: str  # as typed
    slots: Slots | None  # after repair; None: the words went through unchanged
    raw: str  # what the writer answered; empty when it was of no use
    writer: str  # its name; empty when it was of no use
    digest: str
    template: str
    seed: int  # the one that was asked for
    seconds: float  # that it took
    note: str  # one line for the person, or empty
    dialect: str
    style: str = ""  # the name of the style in it, or empty

    @property
    def added(self) -> tuple[str, ...]:
        """The phrases and sentences in it that the assistant brought."""
        return added(self.slots, self.prompt) if self.slots is not None else ()

    @property
    def other_words(self) -> bool:
        """Whether a person would see other words than were typed."""
        return seen(self.prompt) != seen(self.wish)


class Assistant:
    """Turns wishes into prompts, with a writer or without one.

    `spare` writes where `writer` is of no use, both within `deadline` seconds.  One instance
    serves a server's policy and styles; `clock` is monotonic, in seconds.
    """

    def __init__(
        self,
        writer: Writer | None,
        *,
        lexicon: Lexicon | None = None,
        cache: AnswerCache | None = None,
        policy: Policy | None = None,
        styles: Styles | None = None,
        deadline: float = DEADLINE,
        clock: Clock = time.monotonic,
        spare: Writer | None = None,
    ) -> None:
        self.writer, self.spare = writer, spare
        self.lexicon = lexicon or lexicons.built_in()
        self.styles = styles or named_styles.built_in()
        self.policy = policy or Policy()
        self.lists: TagLists | None = None  # of booru tags, as soon as somebody has read them
        self._clock = clock
        limits = WordLimits(deadline=deadline, clock=clock, policy=self.policy)
        self._writers = Writers(writer, spare, cache or Memory(), limits) if writer else None

    async def assist(
        self,
        text: str,
        *,
        dialect: str,
        seed: int,
        style: str | None = None,
        negative: str = "",
        count_tokens: Count | None = None,
        locale: str = "en",
        temperature: float = TEMPERATURE,
    ) -> Assisted:
        """One prompt for the wish.

        `negative` is the person's own negative prompt, `locale` the language of the note.  Raises
        Declined when the policy forbids the wish and UnknownName for an unknown dialect or style;
        never because of the writer.
        """
        await self._judged(text, negative)
        words, options = markup.without_options(text)
        order = self._order(words, dialect, style, negative, count_tokens, locale)
        return _left_out(await self._prompt(order, seed, temperature), text, options, locale)

    async def propose(
        self,
        text: str,
        *,
        dialect: str,
        seed: int,
        number: int = 3,
        style: str | None = None,
        negative: str = "",
        count_tokens: Count | None = None,
        locale: str = "en",
        temperature: float = TEMPERATURE,
    ) -> tuple[Assisted, ...]:
        """Prompts for the wish that differ, as many as `number`; the first is `assist`'s.

        The second differs in composition and light, and the third in style, too, unless one is
        chosen or said.  Where the wording leaves too little to vary, all differ in style.  Raises
        as `assist`.
        """
        await self._judged(text, negative)
        words, options = markup.without_options(text)
        order = self._order(words, dialect, style, negative, count_tokens, locale)
        found = [await self._prompt(order, seed, temperature)]
        free = style is None and not self._has_style(order.wish) and bool(order.wish.text)
        styles = self._other_styles(seed) if free else []
        if found[0].slots is not None:
            if number > 1:
                found += await self._another(order, seed, temperature, found)
            if number > 2:
                styled = replace(order, style=self.styles[styles.pop(0)]) if styles else order
                found += await self._another(styled, derived(seed, "style"), temperature, found)
        told = joined(found[0].note, note("styles", locale))
        for name in styles:
            if len(found) >= number:
                break
            await asyncio.sleep(0)  # nobody else waits for more than one of them
            other = self._restyled(found[0], replace(order, style=self.styles[name]))
            if seen(other.prompt) not in [seen(each.prompt) for each in found]:
                found.append(replace(other, note=told))
        return tuple(_left_out(each, text, options, locale) for each in found)

    async def _another(
        self, order: Order, seed: int, temperature: float, before: Sequence[Assisted]
    ) -> list[Assisted]:
        """One more prompt, of a few the least like those before; none where all are the same."""
        tried: list[tuple[int, Assisted]] = []
        began = self._clock()
        there = [frozenset(each.added) for each in before]
        for at in range(1, ALTERNATIVES + 1):
            other = await self._prompt(order, derived(seed, f"proposal {at}"), temperature)
            alike = max(len(frozenset(other.added) & added) for added in there)
            if seen(other.prompt) not in [seen(each.prompt) for each in before]:
                tried.append((alike, other))
            if other.slots is None or (tried and not alike):
                break
            if self._clock() - began > PATIENCE:  # a chat model is asked once for each proposal
                break
        return [min(tried, key=lambda each: each[0])[1]] if tried else []

    def _other_styles(self, seed: int) -> list[str]:
        """The styles that proposals take, beginning with another for another seed."""
        names = [name for name in _DIFFERENT if name in self.styles]
        at = derived(seed, "which style") % max(1, len(names))
        return names[at:] + names[:at]

    def restyle(
        self,
        assisted: Assisted,
        style: str | None,
        *,
        negative: str = "",
        count_tokens: Count | None = None,
        locale: str = "en",
    ) -> Assisted:
        """The same wording in another style, or in none; asks no writer.  Raises as `assist`."""
        order = self._order(assisted.wish, assisted.dialect, style, negative, count_tokens, locale)
        return self._restyled(assisted, order)

    def refine(
        self,
        assisted: Assisted,
        further: str,
        *,
        negative: str = "",
        began: str = "",
        count_tokens: Count | None = None,
        locale: str = "en",
    ) -> tuple[Assisted, str] | None:
        """The same words with a further wish in them ("warmer, no dog"); asks no writer.

        `negative` is the person's own so far; it comes back with what is to go.  `began` is the
        wish before all further ones.  None where this one changes nothing.  Raises as `assist`.
        """
        self.policy.check(further, "wish")
        if (new := refined(assisted.wish, negative, further)) is None:
            return None
        slots = assisted.slots
        said = self._further(new, assisted, negative, further)
        order = self._order(
            said.wish,
            assisted.dialect,
            said.style or assisted.style or None,
            said.negative,
            count_tokens,
            locale,
        )
        began = began or assisted.wish
        order = replace(order, text=new.wish, began=opaque.read(began).text)
        if slots is None:
            return _assisted(order, order.unchanged(), assisted.seed, ""), said.negative
        was = self._order(
            assisted.wish, assisted.dialect, assisted.style or None, negative, None, locale
        )
        was = replace(was, began=order.began)
        told = refitted(order, was, slots, assisted.seed)
        words = replace(
            _assisted(order, told.rendered, assisted.seed, ""),
            slots=told.slots,
            raw=assisted.raw,
            writer=assisted.writer,
            digest=assisted.digest,
            template=assisted.template,
        )
        return words, said.negative

    def _further(self, new: Refined, assisted: Assisted, negative: str, further: str) -> Refined:
        """The wish with the further one in it as the prompt says it."""
        said, slots = new, assisted.slots
        if slots is not None and self._translated(assisted):
            # What somebody put into the prompt's language is changed there, and not put again.
            said = refined(slots.subject, negative, further) or new
        if dialects.dialect(assisted.dialect).negative:
            return said
        before = slots.subject if slots is not None else assisted.wish
        return unsaid(before, said, self.lexicon)

    async def _judged(self, *texts: str) -> None:
        """Each apart, so that nobody else waits for more than one; the policy remembers them."""
        for words in texts:
            self.policy.check(words, "wish")
            await asyncio.sleep(0)

    def _order(
        self,
        text: str,
        dialect: str,
        style: str | None,
        negative: str,
        count: Count | None,
        locale: str,
    ) -> Order:
        """Reads the wish and looks everything up; the only place that raises."""
        for words in (text, negative):
            self.policy.check(words, "wish")
        return Order(
            text=text,
            wish=wished(text, self.lexicon),
            dialect=dialects.dialect(dialect),
            style=self.styles.named(style) if style else None,
            negative=opaque.clean(negative),
            lexicon=self.lexicon,
            count=count,
            locale=locale,
            lists=self.lists,
        )

    async def _prompt(self, order: Order, seed: int, temperature: float) -> Assisted:
        started = self._clock()
        reason = self._unasked(order)
        if self._writers is None or reason:
            return _assisted(order, order.unchanged(), seed, reason)
        attempt, line = await self._writers.attempt(order, seed, temperature)
        seconds, told, writer = self._clock() - started, attempt.told, attempt.writer
        if told is None:
            unchanged = _assisted(order, order.unchanged(), seed, attempt.note(order.locale))
            return replace(unchanged, seconds=seconds)
        return replace(
            _assisted(order, told.rendered, seed, line),
            slots=told.slots,
            raw=told.raw,
            writer=writer.name,
            digest=writer.digest,
            template=writer.template,
            seconds=seconds,
        )

    def _unasked(self, order: Order) -> str:
        """Why the writer is not asked; empty where it is."""
        words = order.wish.words
        if not any(char.isalnum() for char in words):
            return note("empty", order.locale)
        if len(words) > LONGEST or len(order.wish.text) > LONGEST_TEXT:
            return note("long", order.locale)
        return note("no writer", order.locale) if self.writer is None else ""

    def _restyled(self, assisted: Assisted, order: Order) -> Assisted:
        slots = assisted.slots
        rendered = order.unchanged() if slots is None else order.speak(slots)
        return replace(
            assisted,
            prompt=rendered.prompt,
            negative=rendered.negative,
            note=assisted.note if slots is None else rendered.note,
            style=order.style.name if order.style else "",
        )

    def _translated(self, assisted: Assisted) -> bool:
        """Whether the prompt is in another language than the wish."""
        spoken = self.lexicon.language(opaque.read(assisted.wish).words)
        return dialects.dialect(assisted.dialect).language(spoken) != spoken

    def _has_style(self, wish: WishText) -> bool:
        # Of a wish that is a prompt already, its begin says enough.
        said = facts(wish.words[:LONGEST], self.lexicon, wish.language)
        return "style" in said.kinds.values()


def _left_out(found: Assisted, text: str, options: tuple[str, ...], locale: str) -> Assisted:
    """The words with what was typed, and a note of the options that no prompt holds."""
    if not options:
        return found
    told = note("options", locale, options=", ".join(options))
    return replace(found, wish=text, note=joined(told, found.note))


def _assisted(order: Order, rendered: Rendered, seed: int, reason: str) -> Assisted:
    """A prompt in which no writer had a part."""
    return Assisted(
        prompt=rendered.prompt,
        negative=rendered.negative,
        wish=order.text,
        slots=None,
        raw="",
        writer="",
        digest="",
        template="",
        seed=seed,
        seconds=0.0,
        note=joined(reason, rendered.note),
        dialect=order.dialect.name,
        style=order.style.name if order.style else "",
    )
