"""What a Japanese text denies.

    桜の木の下で帽子をかぶっていない女の子: what denies stands behind the thing, and で begins it

The invariant: what is denied is the thing alone, or an action; what a particle divides from it
stays.
"""

from __future__ import annotations

import re
from functools import lru_cache

from prompting.reading.cues import patterns
from prompting.reading.denied_spaced import Denial
from prompting.reading.lexicon import OBJECTS, SCENERY, Lexicon

_DESCRIBES = frozenset({"colour", "quality"})
_APART = frozenset({"time", "weather", "light", "style", "look", "number"})
_FARTHEST = 40  # characters that a noun and its colour may take


@lru_cache(maxsize=1)
def _search() -> re.Pattern[str]:
    table = patterns("ja")
    either = table.either
    verb, act, negated = either("verb"), either("act"), either("negated")
    return re.compile(
        rf"(?P<idiom>{either('idiom')})|(?P<nobody>{either('nobody')})"
        rf"|(?P<nothing>{either('nothing')})"
        rf"|(?P<verb>[をはもが](?:{verb})(?:{negated}))"
        rf"|(?P<act>(?P<doing>{act})(?:{negated}))"
        rf"|(?P<quality>{either('quality')})"
        rf"|(?P<after>{either('after')})"
    )


class Japanese:
    """The denials of one text."""

    def __init__(self, text: str, lexicon: Lexicon) -> None:
        self._text, self._lexicon = text, lexicon
        self._table = patterns("ja")
        self._particles = self._table.words("particle")
        self._links = self._table.words("and")

    def denials(self) -> list[Denial]:
        """Every denial, in reading order."""
        found: list[Denial] = []
        for cue in _search().finditer(self._text):
            floor = found[-1].end if found else 0
            found += self._denied(cue, floor)
        return found

    def _denied(self, cue: re.Match[str], floor: int) -> list[Denial]:
        if cue["idiom"]:
            return []
        end = cue.end() + self._text.startswith("の", cue.end())
        if cue["nobody"]:
            return [Denial(start=cue.start(), end=end, what="人")]
        if cue["nothing"]:
            return [Denial(start=cue.start(), end=end, what="他の物")]
        if cue["act"]:
            return self._action(cue, floor, end)
        things = self._things(cue, floor)
        out: list[Denial] = []
        for at, (start, what) in enumerate(things):
            until = things[at + 1][0] if at + 1 < len(things) else end
            out.append(Denial(start=start, end=until, what=what))
        return out

    def _action(self, cue: re.Match[str], floor: int, end: int) -> list[Denial]:
        doing = cue["doing"]
        said = f"{doing}る" if doing.endswith("てい") else doing
        start = cue.start()
        own = "をにがの" if doing in self._table.words("falls") else "をに"
        thing = self._before(start - 1, floor) if start and self._text[start - 1] in own else None
        if thing is not None:
            said, start = self._text[thing:start] + said, thing
        return [Denial(start=start, end=end, what=said)]

    def _things(self, cue: re.Match[str], floor: int) -> list[tuple[int, str]]:
        """Where each thing of a list begins, and the thing, in reading order."""
        at = cue.start()
        bare = cue["after"] is not None and cue[0][0] not in "がはものを抜"
        out: list[tuple[int, str]] = []
        while True:
            start = self._before(at, floor)
            what = self._text[start:at] if start is not None else ""
            if start is None or (bare and not out and not self._is_noun(what)):
                return out
            out.insert(0, (start, what))
            if start <= floor or self._text[start - 1] not in self._links:
                return out
            if self._text[start - 1] == "と":  # a cat and no hat
                return out
            if self._text[start - 1] == "も" and cue[0][0] not in "も":
                return out
            if self._text[start - 1] == "、" and cue[0][0] != "も":
                return out
            at = start - 1

    def _before(self, at: int, floor: int) -> int | None:
        """Where the noun begins that ends here, with the colour before it."""
        floor = max(floor, at - _FARTHEST)
        words = list(self._lexicon.read(self._text[floor:at], "ja"))
        start: int | None = None
        for index in range(len(words) - 1, -1, -1):
            word = words[index]
            kind = word.entry.kind if word.entry else ""
            if word.text == "の" and start is not None and index:
                before = words[index - 1].entry
                if before is None or before.kind not in _DESCRIBES:
                    break
                continue
            if word.mark or not word.content or (word.text in self._particles):
                break
            if start is not None and (kind in _APART | {"action"} or kind in OBJECTS | SCENERY):
                break
            start = floor + word.start
        return start

    def _is_noun(self, text: str) -> bool:
        """Whether it is known, or written as nouns are; a verb's stem ends in hiragana."""
        known = self._lexicon.find(text, "ja")
        return known is not None or not re.search(r"[\u3041-\u3096]$", text)
