"""What a text denies in a language that divides its words by blanks.

    "a girl without any red shoes or socks on the beach"
            ╰ cue ╯     ╰ thing ╯    ╰ th. ╯ ╰ stays

The invariant: what is denied is the thing alone, or an action with what belongs to it; the words
that only lead to a denial go with it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from prompting.reading.cues import Cues
from prompting.reading.denied_things import DeniedThing, Things
from prompting.reading.forms import fold
from prompting.reading.lexicon import Lexicon

_ENCLOSING = frozenset({"leave", "leaving", "keep", "keeping"})  # the cars and the people out
_MOVES = frozenset({"person", "animal", "vehicle"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """A part of a text that denies."""

    start: int  # characters
    end: int
    what: str  # "hats"


class Spaced:
    """The denials of one text, by the words around them."""

    def __init__(self, text: str, lexicon: Lexicon, language: str, cues: Cues) -> None:
        self._cued = Things(text, lexicon, language, cues)

    def denials(self) -> list[Denial]:
        """Every denial of the text, in reading order."""
        found: list[Denial] = []
        at = 0
        while cue := self._cued.cues.search.search(self._cued.text, at):
            at = cue.end()
            denied = self._denied(cue)
            found += denied
            at = max([at, *(denial.end for denial in denied)])
        return found

    def _denied(self, cue: re.Match[str]) -> list[Denial]:
        if cue["idiom"] or self._is_name(cue):
            return []
        if cue["free"]:
            return self._freed(cue)
        behind = self._cued.index(cue.end())
        if cue["nobody"]:
            what = self._cued.cues.nobody[fold(" ".join(cue[0].split())).replace("’", "'")]
            return self._spans(cue, [DeniedThing(what, behind)], acting=False)
        if fold(" ".join(cue[0].split())) not in self._cued.cues.acts:
            before = self._cued.word(self._cued.index(cue.start()) - 1)
            self._cued.enclosed = fold(cue[0]) in _ENCLOSING
            self._cued.singular = before in ("has", "does", "is")
            things, acting = self._cued.things(self._cued.light(behind)), False
        else:
            things, acting = self._cued.acts(cue, behind)
        return self._spans(cue, things, acting=acting) if things else []

    def _freed(self, cue: re.Match[str]) -> list[Denial]:
        """Of "crowd-free", the crowd; a sugar-free cola is called so, and stays one."""
        if fold(cue["free"]) in self._cued.cues.free:
            return []
        return [Denial(start=cue.start(), end=cue.end(), what=cue["free"])]

    def _is_name(self, cue: re.Match[str]) -> bool:
        """A capital within a clause, and another behind: a No Parking sign."""
        if self._cued.language != "en" or not cue["cue"] or not cue[0][:1].isupper():
            return False
        before = self._cued.text[: cue.start()].rstrip()
        follows = re.match(r"\s+[A-Z]", self._cued.text[cue.end() :])
        return bool(before and before[-1] not in ",.;:!?" and follows and not before.isupper())

    def _spans(
        self, cue: re.Match[str], things: Sequence[DeniedThing], *, acting: bool
    ) -> list[Denial]:
        """The denials, with the words that go with them."""
        begin = self._cued.index(cue.start())
        if self._cued.language == "de" and acting and self._cued.kind(begin - 1) == "action":
            begin -= 1
        lead = self._lead(begin)
        if self._partial(lead):
            return []
        start = min([cue.start(), *(word.start for word in self._cued.words[lead : begin + 1])])
        things = self._with_participle(begin, things)
        out: list[Denial] = []
        for thing in things:
            end = self._cued.words[thing.after - 1].end if thing.after else cue.end()
            out.append(Denial(start=start, end=max(end, cue.end()), what=thing.what))
            start = out[-1].end
        verbs = self._cued.folded[lead:begin]
        said = acting or any(word in self._cued.cues.light for word in verbs)
        return [*out[:-1], replace(out[-1], end=self._tail(out[0].start, out[-1].end, said))]

    def _lead(self, begin: int) -> int:
        """The first of the words before the cue that go with it."""
        lead = begin
        while lead and self._cued.word(lead - 1) in self._cued.cues.lead:
            lead -= 1
        relative = lead < begin and self._cued.word(lead) in ("which", "whom", "welcher", "welchem")
        if relative and lead and self._cued.word(lead - 1) in self._cued.cues.preposition:
            lead -= 1
        return lead

    def _partial(self, lead: int) -> bool:
        """Whether only some of several are without: "one with a hat, one without"."""
        before = self._cued.word(lead - 1) if lead else ""
        return bool(before) and (before in self._cued.cues.partial or before.isdigit())

    def _with_participle(self, begin: int, things: Sequence[DeniedThing]) -> list[DeniedThing]:
        """With what they do, where nobody else is there to do it: no cars parked."""
        last = things[-1]
        at = last.after
        other = self._cued.cues.preposition | self._cued.cues.light
        if self._cued.language != "en" or self._cued.mark(at) or not self._cued.verbal(at):
            return list(things)
        clause = self._clause(begin)
        moves = self._cued.kind(at - 1) in _MOVES
        kinds = {self._cued.kind(i) for i in clause}
        still = not kinds & _MOVES and ("" not in kinds or self._cued.word(at) == "parked")
        if self._cued.word(at) in other or (clause and not (moves and still)):
            return list(things)
        what = f"{last.what} {self._cued.words[at].text}"
        return [*things[:-1], DeniedThing(what, at + 1)]

    def _denies(self, at: int) -> bool:
        """Whether a cue stands here, or behind the words that lead to one."""
        while self._cued.word(at) in self._cued.cues.lead:
            at += 1
        cue = self._cued.cue(at)
        return cue is not None and cue["idiom"] is None

    def _clause(self, begin: int) -> list[int]:
        """The content words from the last mark to here."""
        out: list[int] = []
        for at in range(begin - 1, -1, -1):
            if self._cued.words[at].mark:
                break
            if self._cued.words[at].content:
                out.append(at)
        return out

    def _tail(self, start: int, end: int, said: bool) -> int:
        """Where the cut ends: what only went with the denial goes as well."""
        while trail := self._cued.cues.trail.match(self._cued.text, end):
            end = trail.end()
        at = self._cued.index(end)
        before = self._cued.text[:start].rstrip()
        opens = not before or before[-1] in ",.;:!?，。；"
        linked = self._cued.word(at) in self._cued.cues.both | {"but", "sondern", "sino"}
        if linked and (said or opens) and not self._denies(at + 1):
            end = self._cued.words[at].end
            at += 1
        if (
            opens
            and self._cued.word(at) in self._cued.cues.preposition
            and not self._cued.mark(at + 1)
        ):
            end = self._cued.words[at].end  # "no people in a city" leaves a city
        return end
