"""Makes an answer keep the wish: what is against it goes, what is missing is put back.

    draft ─ missing? against? ─▶ drop our additions ─▶ own words ─▶ append ─▶ nothing missing

The invariant: whatever the slots were, the result lacks nothing of the wish that the keep-check
can name, and what it holds against the wish is the wish's own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from prompting.reading.denials import denials, without
from prompting.reading.facts import facts
from prompting.reading.invention import displaced, invented
from prompting.reading.keep import LostWord, contradictions, missing
from prompting.reading.prose import together
from prompting.reading.scene import read_scene
from prompting.scenery.gist import gist_of
from prompting.scenery.judging import known, violations
from prompting.slots import Slots
from prompting.speaking import captions
from prompting.speaking.dialects import Speech
from prompting.speaking.order import Order
from prompting.speaking.render import Rendered
from prompting.speaking.untranslated import untranslated


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotVerdict:
    """What is wrong with slots that were spoken."""

    slots: Slots
    rendered: Rendered
    losses: tuple[LostWord, ...]
    against: tuple[str, ...]
    left: tuple[str, ...] = ()  # words as they were written, which this writer might translate

    @property
    def good(self) -> bool:
        return not self.losses and not self.against

    @property
    def faults(self) -> int:
        """A contradiction is worse than a loss, which can be put back."""
        return 2 * len(self.losses) + 6 * len(self.against) + len(self.left)


class Repairer:
    """Judges and repairs slots for one order.

    `closed` says that the writer can spell only the lexicon's words and the wish's own.
    """

    def __init__(self, order: Order, *, closed: bool = False) -> None:
        self._order, self._wish, self._lexicon = order, order.wish, order.lexicon
        self._closed = closed

    def judge(self, slots: Slots) -> SlotVerdict:
        """Compare the slots with the wish, and the prompt that they make."""
        slots = self._without_contradictions(slots)
        rendered = self._order.speak(slots)
        losses = missing(
            self._wish,
            rendered.prompt,
            lexicon=self._lexicon,
            negative=rendered.negative,
            handled=rendered.handled,
            language=self._order.language,
        )
        return SlotVerdict(
            slots=slots,
            rendered=rendered,
            losses=self._without_drawn(self._without_translated(losses, slots), rendered),
            against=self._faults_of_subject(slots),
            left=() if self._closed else self._left(rendered),
        )

    def _faults_of_subject(self, slots: Slots) -> tuple[str, ...]:
        """What the subject says against the wish, and what beyond it."""
        found, beyond = self._against(slots.subject, slots), self._invented(slots)
        if beyond or self._closed or self._wish.language == slots.language:
            return (*found, *beyond)
        # Without more than the wish's unknown words can have become, they are what those became.
        became = self._beyond(slots)
        return tuple(word for word in found if word not in became)

    def _beyond(self, slots: Slots, *, free: bool = False) -> tuple[str, ...]:
        return invented(
            self._wish, slots.subject, lexicon=self._lexicon, language=slots.language, free=free
        )

    def _without_translated(
        self, losses: tuple[LostWord, ...], slots: Slots
    ) -> tuple[LostWord, ...]:
        """The losses without those words that only this writer could translate, and did."""
        wish, lexicon = self._wish, self._lexicon
        if self._closed or wish.language == self._order.language:
            return losses
        asked = facts(wish.words, lexicon, wish.language)
        unknown = [
            loss
            for loss in losses
            if loss.what == "word" and loss.keys[0] not in asked.kinds and loss.text.isalpha()
        ]
        if len(unknown) > len(asked.kinds):  # then it could be the translation of anything
            return losses
        if len(self._beyond(slots)) < len(unknown):
            return losses
        return tuple(loss for loss in losses if loss not in unknown)

    def _without_drawn(
        self, losses: tuple[LostWord, ...], rendered: Rendered
    ) -> tuple[LostWord, ...]:
        """The losses without colours and numbers of things for which others are drawn."""
        if not self._order.dialect.kind.of_few_words:
            return losses
        found = facts(rendered.prompt, self._lexicon, "en")
        there = found.colours | found.numbers
        drawn = captions.vocabulary().drawn
        return tuple(
            loss
            for loss in losses
            if len(loss.keys) == 1 or (loss.keys[0], drawn(loss.keys[1]) or "") not in there
        )

    def _left(self, rendered: Rendered) -> tuple[str, ...]:
        return untranslated(
            self._wish, rendered.prompt, lexicon=self._lexicon, language=self._order.language
        )

    def same(self, subject: str) -> bool:
        """Whether a subject says what the wish says, in the wish's language and another order."""
        said = facts(subject, self._lexicon, "en")
        asked = facts(self._wish.words, self._lexicon, "en")
        return (
            self._wish.language == self._order.language == "en"
            and set(asked.words) <= set(said.words)
            and asked.firm <= said.colours | said.numbers
            and not said.unwanted
            and not self._strange(Slots(subject=subject))
        )

    def repair(self, verdict: SlotVerdict) -> SlotVerdict:
        """The verdict's slots, changed until nothing of the wish is missing."""
        own = self._closed or self._order.language == self._wish.language
        if verdict.against or (own and verdict.losses) or any(map(self._binds, verdict.losses)):
            verdict = self._owned(verdict)
        verdict = self._appended(verdict)
        if verdict.losses:  # what was appended came apart from what it belongs to
            verdict = self._appended(self._owned(verdict))
        return verdict

    def _owned(self, verdict: SlotVerdict) -> SlotVerdict:
        return self.judge(replace(verdict.slots, subject=self.own_subject()))

    def _appended(self, verdict: SlotVerdict) -> SlotVerdict:
        words = [self._english(loss) for loss in verdict.losses if loss.what != "opaque"]
        if not words:
            return verdict
        subject = ", ".join((verdict.slots.subject, *dict.fromkeys(words)))
        return self.judge(replace(verdict.slots, subject=subject))

    def own_subject(self) -> str:
        """The wish itself as a subject, in English; for the starter, in its own phrasing."""
        wish, lexicon = self._wish, self._lexicon
        said = facts(wish.words, lexicon, wish.language)
        known = all(key in said.kinds for key in said.words)
        starter = self._order.dialect.kind is Speech.STARTER
        once = len({thing for _, thing in said.firm}) == len(said.firm)  # one colour or number each
        if starter and known and once and said.words and not said.relations:
            return captions.caption(said, lexicon)
        text = without(wish.words, denials(wish.words, lexicon, wish.language))
        if wish.language != self._order.language:
            text = lexicon.english(text, wish.language) or text
        return text.rstrip(" .!?。！？") or wish.words

    def _without_contradictions(self, slots: Slots) -> Slots:
        """The slots without those additions of the writer that make another picture."""
        return replace(
            slots,
            details=self._fitting(
                tuple(it for it in slots.details if not self._against(it, slots))
            ),
            style=tuple(
                it
                for it in slots.style
                if not self._against(it, slots) and self._is_style(it, slots.subject)
            ),
            avoid=tuple(it for it in slots.avoid if self._unwanted(it)),
            scene=self._scene(slots),
        )

    def _fitting(self, details: tuple[str, ...]) -> tuple[str, ...]:
        """The details that agree with the wish and with each other; a grammar's own do."""
        if self._closed or not details:
            return details
        gist = gist_of(self._wish, self._lexicon, style=self._order.template)
        bad = {it.detail for it in violations(details, known(gist))}
        return tuple(it for it in details if it not in bad)

    def _scene(self, slots: Slots) -> str:
        """The sentences of the scene that belong to the wish's picture."""
        if not slots.scene or not self._order.dialect.words:
            return ""
        if self._closed:  # a grammar has composed it for this wish
            return slots.scene
        scene = read_scene(
            slots.scene,
            self._wish,
            self._lexicon,
            language=self._order.language,
            subject=slots.subject if slots.language == self._order.language else "",
            styles=self._order.media,
        )
        return together(scene.sentences, self._order.language)

    def _binds(self, loss: LostWord) -> bool:
        """Whether a colour, a number or a place is lost, which means nothing where it is added."""
        kinds = {entry.kind for key in loss.keys if (entry := self._lexicon.entries.get(key))}
        return loss.what == "relation" or bool(kinds & {"colour", "number"})

    def _against(self, text: str, slots: Slots) -> tuple[str, ...]:
        return contradictions(self._wish, text, lexicon=self._lexicon, language=slots.language)

    def _is_style(self, text: str, subject: str) -> bool:
        """Whether it is a style that the wish names, and the subject does not."""
        said = facts(self._wish.words, self._lexicon, self._wish.language).words
        words = [word for word in self._lexicon.read(text) if word.content]
        there = {word.key for word in self._lexicon.read(subject)}
        return not {word.key for word in words} <= there and all(
            word.key in said and word.entry is not None and word.entry.kind == "style"
            for word in words
        )

    def _invented(self, slots: Slots) -> tuple[str, ...]:
        """What the subject says that the wish does not: words, or where things stand."""
        return () if slots.subject == self.own_subject() else self._strange(slots)

    def _strange(self, slots: Slots) -> tuple[str, ...]:
        found = self._beyond(slots, free=not self._closed)
        if not found and self._wish.language == slots.language == "en":
            turned = displaced(self._wish, slots.subject, lexicon=self._lexicon)
            return (slots.subject,) if turned else ()
        return found

    def _unwanted(self, thing: str) -> bool:
        """Whether the wish allows that this is avoided."""
        wanted = facts(self._wish.words, self._lexicon, self._wish.language).words
        words = [word for word in self._lexicon.read(thing) if word.content]
        return not any(word.key in wanted for word in words)

    def _english(self, loss: LostWord) -> str:
        """What has to be added, in the prompt's language."""
        if self._order.language == self._wish.language:
            return f"no {loss.text}" if loss.what == "unwanted" else loss.text
        text = self._lexicon.english(loss.text, self._wish.language) or loss.text
        return f"no {text}" if loss.what == "unwanted" else text
