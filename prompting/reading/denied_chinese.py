"""What a Chinese text denies.

    没有红色帽子的女孩在雪地里: a word that denies stands before the thing, and 的 or 在 ends it

The invariant: what is denied is the thing alone, or an action; what a preposition divides from it
stays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from prompting.reading.cues import patterns
from prompting.reading.denied_spaced import Denial
from prompting.reading.lexicon import OBJECTS, SCENERY, Lexicon, Word

_DESCRIBES = frozenset({"colour", "quality"})
_APART = frozenset({"time", "weather", "light", "style", "look", "number"})
_FARTHEST = 40  # characters that a thing and those of its list may take


@lru_cache(maxsize=1)
def _search() -> re.Pattern[str]:
    table = patterns("zh")
    either = table.either
    refusal, quality = either("refusal"), either("quality")
    return re.compile(
        rf"(?P<idiom>{either('idiom')})|(?P<nobody>{either('nobody')})"
        rf"|(?P<nothing>{either('nothing')})"
        rf"|(?P<not>(?<!而)不是)"
        rf"|(?P<act>(?:{refusal})(?={either('act')}))"
        rf"|(?P<light>(?:{refusal})(?:{either('light')}))"
        rf"|(?P<quality>不(?:{quality}))"
        rf"|(?P<thing>{either('thing')})"
        rf"|(?P<plain>不)"
    )


@dataclass(frozen=True, slots=True)
class _Found:
    start: int  # of the thing, without what leads to it
    end: int

    def said(self, text: str) -> str:
        return text[self.start : self.end].strip(" 的")


class Chinese:
    """The denials of one text."""

    def __init__(self, text: str, lexicon: Lexicon) -> None:
        self._text, self._lexicon = text, lexicon
        self._table = patterns("zh")
        self._ends = self._table.words("preposition")
        self._links = self._table.words("and")

    def denials(self) -> list[Denial]:
        """Every denial, in reading order."""
        found: list[Denial] = []
        at = 0
        while cue := _search().search(self._text, at):
            at = cue.end()
            denied = self._denied(cue)
            found += denied
            at = max([at, *(denial.end for denial in denied)])
        return found

    def _denied(self, cue: re.Match[str]) -> list[Denial]:
        if cue["idiom"]:
            return []
        if cue["nobody"] or cue["nothing"]:
            what = "人" if cue["nobody"] else "其他物体"
            end = self._over(cue.end(), "的")
            return [Denial(start=self._lead(cue.start()), end=end, what=what)]
        if cue["thing"] and self._in_a_name(cue):
            return []
        if cue["act"]:
            things = [self._action(cue.end())]
        elif cue["quality"] or cue["plain"]:
            things = self._quality(cue)
        elif cue["not"]:
            things = self._described(cue.end())
        else:
            things = self._things(self._carried(cue))
        return self._spans(cue, things)

    def _in_a_name(self, cue: re.Match[str]) -> bool:
        """无 and 没 also begin names and other words: a known word must follow."""
        if cue[0] not in ("无", "没", "别有", "别放", "别加"):
            return False
        behind = self._text[cue.end() : cue.end() + _FARTHEST]
        words = self._lexicon.read(behind, "zh")
        known = bool(words) and words[0].entry is not None
        alone = behind[:1] in self._table.words("character") and (
            len(behind) < 2 or behind[1] in "的,，。、;；! ！"
        )
        return not known and not alone

    def _carried(self, cue: re.Match[str]) -> int:
        """Behind a verb that only carries the thing: 没有穿鞋."""
        end = cue.end()
        light = self._table.match("light", self._text, end)
        if cue["light"] or light < 0:
            return end
        words = self._lexicon.read(self._text[light : light + _FARTHEST], "zh")
        whole = self._lexicon.read(self._text[end : end + _FARTHEST], "zh")
        swallowed = whole[0].entry is not None and len(whole[0].text) > light - end
        known = bool(words) and words[0].entry is not None and words[0].entry.kind in OBJECTS
        return light if known and not swallowed else end

    def _action(self, at: int, end: int = 0) -> _Found:
        end = end or max(self._table.match("act", self._text, at), at + 1)
        if self._text[end : end + 1] in ("", "的", "着", *"，,。、;； "):
            return _Found(at, end)
        thing = self._thing(end)
        return _Found(at, thing.end if thing and thing.start == end else end)

    def _quality(self, cue: re.Match[str]) -> list[_Found]:
        words = self._lexicon.read(self._text[cue.end() : cue.end() + 8], "zh")
        if not words or words[0].entry is None:
            return []
        entry, end = words[0].entry, cue.end() + words[0].end
        if cue["plain"] and entry.kind == "action":
            return [self._action(cue.end(), end)]
        behind = self._text[end : end + 1]
        if entry.kind not in _DESCRIBES | {"light"} or (
            cue["plain"] and behind not in "的,，。、;；"
        ):
            return []
        return [_Found(end - len(words[0].text), end)]  # 不要太暗 denies the dark

    def _described(self, at: int) -> list[_Found]:
        """What "is not" denies: of 不是红色的汽车 the colour, of 不是猫 the cat."""
        words = self._lexicon.read(self._text[at : at + 8], "zh")
        if words and words[0].entry and words[0].entry.kind in _DESCRIBES:
            return [_Found(at, at + words[0].end)]
        thing = self._thing(at)
        return [thing] if thing else []

    def _things(self, at: int) -> list[_Found]:
        first = self._thing(at)
        things = [first] if first else []
        while things:
            at = self._table.match("and", self._text, things[-1].end)
            if at < 0:
                break
            more = self._thing(at)
            if more is None or not self._bare(at):
                break
            things.append(more)
        return things

    def _bare(self, at: int) -> bool:
        """Whether what follows a link has no number, colour or quality, as what is denied has."""
        words = [w for w in self._lexicon.read(self._text[at : at + 8], "zh") if not w.mark]
        cue = _search().match(self._text, at)
        if not words or cue:
            return False
        entry = words[0].entry
        counted = words[0].function and words[0].text.startswith(("一", "两"))
        return not counted and (
            entry is None or entry.kind not in _DESCRIBES | {"number", "action"}
        )

    def _thing(self, at: int) -> _Found | None:
        while (skipped := self._table.match("article", self._text, at)) > 0:
            at = skipped
        words = list(self._lexicon.read(self._text[at : at + _FARTHEST], "zh"))
        seen: list[Word] = []
        for index, word in enumerate(words):
            if seen and word.text[0] == "的" != word.text:  # 帽子的士兵 has no 的士
                break
            if word.text == "的":
                if not seen or not self._goes_on(seen, words[index + 1 :]):
                    break
                continue
            if word.mark and word.text not in " -" and not (word.text == " " and not seen):
                break
            if word.text == " " and seen and not seen[-1].text.isascii():
                break
            if word.mark:
                continue
            if word.text in self._ends or word.text in self._links or word.function:
                break
            if seen and self._apart(seen[-1], word):
                break
            seen.append(word)
        if not seen:
            return None
        return _Found(at + seen[0].start, at + seen[-1].end)

    def _goes_on(self, seen: Sequence[Word], rest: Sequence[Word]) -> bool:
        """Whether 的 stands between a colour or quality and its noun."""
        entry = seen[-1].entry
        noun = bool(rest) and rest[0].content and rest[0].entry is not None
        return entry is not None and entry.kind in _DESCRIBES and noun

    def _apart(self, last: Word, word: Word) -> bool:
        """Whether a word behind a thing belongs to something else."""
        kind = word.entry.kind if word.entry else ""
        noun = last.entry is None or last.entry.kind in OBJECTS | SCENERY
        if kind == "action":
            return True
        return noun and (kind in _APART or (kind in _DESCRIBES and last.entry is not None))

    def _spans(self, cue: re.Match[str], things: Sequence[_Found]) -> list[Denial]:
        start = self._lead(cue.start())
        if self._partial(start):
            return []
        out: list[Denial] = []
        for thing in things:
            what = thing.said(self._text)
            if what:
                out.append(Denial(start=start, end=thing.end, what=what))
                start = thing.end
        if not out:
            return []
        last = out[-1]
        end = self._over(last.end, "着", "的")
        if cue["not"]:
            end = self._over(end, "，", ",", "而是", "是")
        opens = not self._text[: out[0].start].rstrip(" ,，。；;")
        if opens:
            end = self._over(end, "在")
        return [*out[:-1], Denial(start=last.start, end=end, what=last.what)]

    def _over(self, end: int, *words: str) -> int:
        for word in words:
            if self._text.startswith(word, end):
                end += len(word)
        return end

    def _lead(self, start: int) -> int:
        leads = tuple(self._table.words("lead"))
        while lead := max(
            (len(it) for it in leads if self._text.endswith(it, 0, start)), default=0
        ):
            start -= lead
        return start

    def _partial(self, start: int) -> bool:
        return self._text.endswith(tuple(self._table.words("partial")), 0, start)
