"""Changes in prompts that are written without spaces, Chinese and Japanese.

    一只橘猫坐在窗台上，窗外下着雪     橘猫→白猫 ▶ 一只白猫坐在窗台上，窗外下着雪
                                     雪 goes    ▶ 一只橘猫坐在窗台上
                                     晴天       ▶ 一只橘猫坐在窗台上，晴天

A prompt is parts between commas, a part is words.  The invariant: what the change does not speak
of keeps its characters and its order; the words of the change arrive as they were said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from prompting.changing.aspects import content, kind_of
from prompting.changing.intents import Action, Aspect, ContentChange
from prompting.changing.meanings import meanings
from prompting.changing.traditional import simplified
from prompting.changing.vocabulary import vocabulary
from prompting.reading.lexicon import OBJECTS, Word

_BREAK = re.compile(r"[,，、。;；\n.]")
_SLIGHTLY = re.compile(r"一?[点些]儿?\Z")  # "a bit": the picture shows no amounts
_AGAIN = re.compile(r"\A(?:再|更(?!多)加?|稍微|也)(?=.)")
_COMMA = {"zh": "，", "ja": "、"}
_OF = {"zh": "的", "ja": "の"}
_THINGS = OBJECTS | {"part", "structure", "nature", "place"}
# What stands before a thing and says how it is.
_BEFORE = frozenset({"colour", "material", "quality", "number"})
_MEASURE = re.compile(
    r"(?:[一两二三四五六七八九十几\d]+|这|那|每)?[只个条头匹位座棵朵辆艘顶件把副本杯束盏片群支枝块台架"
    r"间栋扇面根颗滴道层双对种轮串瓶碗盘名隻個條頭]\Z|[一两二三四五六七八九十\d]+(?:匹|人|つ|本|枚|羽|輪)?の?\Z"
)
_PLACE_END = re.compile(
    r"(?:里面?|裡|上面?|中间?|下面?|旁边?|边上?|前面?|后面?|内|外|之间|の中|の上|の下)"
)
_AT = re.compile(
    r"(?:站|坐|躺|走|跑|飞|睡|停|漂浮?|行走|奔跑|趴|蹲|放|挂|生长|散步|玩耍?)?在|位于|于"
)
_LINKS = ("和", "与", "跟", "以及", "と")
# 一碗拉面: how much of something, and no thing of its own.
_AMOUNT = re.compile(
    r"[一两二三四五六七八九十几半\d][碗杯盘瓶盆束篮串座把朵片盒袋锅桶壶](?=[^，,、。 的])"
)
_MATTER = re.compile(r"[木石铁铜竹布皮纸]")
_LOCATED = re.compile(r".(?:外|里|上|下|边|中|前|后)面?\Z|远处|背后|身后|天空")


@dataclass(frozen=True, slots=True)
class _Thing:
    """A thing in a prompt: its own word, and where what describes it begins."""

    start: int  # of its number, colour, ...
    noun: int
    end: int


def changed_prompt(prompt: str, language: str, change: ContentChange) -> str:
    """The prompt with the change in it, in the prompt's own language."""
    text = _Text(prompt, language)
    into = _SLIGHTLY.sub("", _AGAIN.sub("", change.into)) or change.into
    change = replace(change, into=into)
    if change.action is Action.REMOVE:
        return text.without(change.what)
    if change.aspect is Aspect.TEXT:
        return text.lettered(change)
    if change.aspect is Aspect.BACKGROUND:
        return text.set_in(change.into)
    if change.action is Action.SWAP:
        return text.swapped(change.what, change.into)
    if change.action is Action.ADD and not change.to and text.only_counts(change.into):
        return text.counted(change.into)
    if change.action is Action.ADD and change.aspect is Aspect.WEATHER and not change.where:
        return text.whole(change)
    if change.action is Action.ADD:
        return text.with_more(f"{change.to}{_placed(change)}")
    if change.aspect is Aspect.FRAMING:
        return text.replacing(("look",), change.what + change.into)
    if change.what:
        return text.became(change.what, change.into, change.aspect)
    return text.whole(change)


def only_counts(text: str, language: str) -> bool:
    """Whether the words say how many, and not of what: 两只."""
    return _Text(text, language).only_counts(text)


def is_located(place: str) -> bool:
    """Whether the words name a place beside a thing: 窗外, 街上."""
    return bool(_LOCATED.search(place))


# 桌上[放着]苹果: what only says that something is there.
_BEING_THERE = re.compile(r"(?:[^着有是]着|有|是)(?=.)")


def said_at(place: str, prompt: str) -> str:
    """What a prompt says of a place that it names: of 窗外下着雪 what is outside is 下着雪."""
    if not is_located(place) or place not in prompt:
        return ""
    after = _BREAK.split(prompt.partition(place)[2], maxsplit=1)[0]
    being = _BEING_THERE.match(after)
    rest = after[being.end() :] if being and after[:1] not in "下飘刮起" else after
    return rest.strip()


def _placed(change: ContentChange) -> str:
    if not change.where:
        return change.into
    return f"{change.where}{'' if change.into.startswith('有') else '有'}{change.into}"


class _Text:
    """One prompt in its words."""

    def __init__(self, text: str, language: str) -> None:
        self.text = text
        self.language = language
        self.comma = _COMMA[language]
        self.plain = simplified(text) if language == "zh" else text
        self.words = [
            word for word in vocabulary().read(self.plain, language) if not word.text.isspace()
        ]

    def only_counts(self, into: str) -> bool:
        """Whether the words say how many, and not of what: 两只."""
        return self._counts(into) and not any(
            word.content and kind_of(word) != "number"
            for word in vocabulary().read(into, self.language)
        )

    def counted(self, into: str) -> str:
        """So many of the main thing."""
        main = self._main()
        if not main:
            return self.text
        return self.became(self.text[main[0].noun : main[0].end], into, Aspect.OBJECT)

    def with_more(self, words: str) -> str:
        """Words behind the prompt."""
        kept = self.text.rstrip("。，,、 .")
        return f"{kept}{self.comma}{words}" if kept else words

    def without(self, what: str) -> str:
        """The prompt without a thing, and without what is only said of it."""
        spans = [self._reach(thing) for thing in self._find(what)]
        if not spans:
            return self.text
        rest = self._cut(spans)
        return rest or self.text

    def swapped(self, what: str, into: str) -> str:
        """Something in the place of a thing, or of the main one."""
        found = self._find(what) if what else self._like(into)
        if not found:
            return self.with_more(into)
        out = self.text
        counted = bool(_MEASURE.match(into[:2] + "\n")) or self._counts(into)
        coloured = any(kind_of(word) in ("colour", "material") for word in self._said(into))
        for thing in reversed(found):
            start = thing.start if counted and coloured else self._kept_until(thing, into)
            out = out[:start] + into + out[thing.end :]
        return out

    def became(self, what: str, into: str, aspect: Aspect) -> str:
        """A thing is otherwise now: of another colour, number or kind."""
        found = self._find(what)
        described = into.removesuffix(self._of)
        what = what.removesuffix("再") or what
        if not found and aspect is Aspect.COLOUR:
            return self.with_more(f"{described}{self._of}{what}")
        if not found:
            return self.with_more(f"{what}{described}")
        out = self.text
        kinds = {kind_of(word) for word in self._said(into)}
        if what in into or kinds == {"number"} or (not kinds and self._counts(into)):
            count = into.removesuffix(what)
            counts = self.only_counts(count)
            full = into if what in into else f"{into}{what}"
            for thing in reversed(found):
                kept = self._counted_until(thing) if counts else thing.end
                out = out[: thing.start] + (count if counts else full) + out[kept:]
            return out
        if "action" in kinds and any(kind_of(word) == "action" for word in self._said(what)[:1]):
            return self.swapped(what, into)
        if (posture := self._posture(found[0])) and self._postures(self._said(into)):
            doing = re.sub(r"\A(?:在|正在)(?=.)", "", into)
            return self.text[: posture.start] + doing + self.text[posture.end :]
        if aspect is not Aspect.COLOUR and kinds - _BEFORE:
            return self.with_more(f"{what}{described}")
        for thing in reversed(found):
            out = self._described(out, thing, described, kinds)
        return out

    def _posture(self, thing: _Thing) -> Word | None:
        """What a thing is said to do where it can do only one of its kind: 睡觉, 坐."""
        last = self._part_of(thing.noun)[1]
        return next(iter(self._postures(self._within(thing.end, last))), None)

    def _postures(self, words: list[Word]) -> list[Word]:
        return [word for word in words if word.key in meanings()["together"]["postures"]]

    def _described(self, out: str, thing: _Thing, into: str, kinds: set[str]) -> str:
        for word in self._within(thing.start, thing.noun):
            if word.entry and kind_of(word) in kinds:
                joined = self._before(into, word, thing)
                return out[: word.start] + joined + out[word.end :]
        noun = out[thing.noun : thing.end]
        matter = len(noun) > 1 and "material" in kinds and _MATTER.match(noun)
        return f"{out[: thing.noun]}{self._adjective(into)}{out[thing.noun + bool(matter) :]}"

    def _adjective(self, into: str) -> str:
        """A description as it stands before a thing: 红色的, 青の, 赤い."""
        if self.language == "ja" and into.endswith(("く", "い", "な")):
            return f"{into[:-1]}い" if into.endswith("く") else into
        return f"{into}{self._of}"

    def _before(self, into: str, word: Word, thing: _Thing) -> str:
        """A description in the place of an old one: 黑衣 ▶ 白衣, 红伞 ▶ 深蓝色的伞."""
        if self.language == "ja" and into.endswith("く"):
            return f"{into[:-1]}い"
        if len(word.text) > 1 or word.end != thing.noun:
            ends = word.text.endswith(self._of) and not into.endswith(self._of)
            return f"{into}{self._of}" if ends else into
        short = into.removesuffix("色")
        if len(short) == 1 and thing.end - thing.noun == 1:
            return short
        return into if len(into) == 1 else f"{into}{self._of}"

    def whole(self, change: ContentChange) -> str:
        """The picture, or its main thing, is otherwise: its hour, its weather, its colour."""
        new = self._said(change.into)
        if change.aspect in (Aspect.LIGHT, Aspect.WEATHER, Aspect.MOOD):
            return self.replacing_words(new, change.into)
        if change.aspect is Aspect.STYLE:
            return self.replacing(("style",), change.into)
        main = self._main()
        if change.aspect is Aspect.COLOUR and main:
            noun = self.text[main[0].noun : main[0].end]
            return self.became(noun, change.into, change.aspect)
        return self.with_more(change.into)

    def replacing_words(self, new: list[Word], into: str) -> str:
        """What cannot be beside the new words gives way to them."""
        keys = {word.key for word in new}
        gone = [word for word in self.words if _contradicts(keys, word.key)]
        if not gone:
            return self.with_more(into)
        place = next((word for word in gone if self._alone(word)), None)
        if place is None and len(gone) == 1 and self._ends_part(gone[0]):
            place = gone[0]
        if place is None or len(into) > 6:
            rest = _Text(self._cut([self._whole_of(word) for word in gone]), self.language)
            return rest.with_more(into)
        others = [self._whole_of(word) for word in gone if word is not place]
        start, end = self._whole_of(place) if self._alone(place) else (place.start, place.end)
        return self._cut([*others, (start, end)], {(start, end): into})

    def replacing(self, kinds: tuple[str, ...], into: str) -> str:
        """Words of these kinds that are a part of their own give way to the new ones."""
        spans = [
            self._whole_of(word)
            for word in self.words
            if word.entry and kind_of(word) in kinds and self._alone(word)
        ]
        rest = self._cut(spans) if spans else self.text
        return _Text(rest, self.language).with_more(into) if into else rest or self.text

    def set_in(self, into: str) -> str:
        """Another place: in the old one's words, or as a background."""
        if self.language == "zh":
            for start, end in self._places():
                inside = self.text[start:end].endswith(("里", "里面", "中", "内"))
                tail = "里" if inside and not _PLACE_END.search(into[-1:]) else ""
                return f"{self.text[:start]}{into}{tail}{self.text[end:]}"
        background = {"zh": "背景", "ja": "背景"}[self.language]
        old = [(start, end) for start, end in self._parts() if background in self.text[start:end]]
        said = into if background in into else f"{into}{background}"
        if old:
            return self._cut(old, {old[0]: said})
        return self.with_more(said)

    def lettered(self, change: ContentChange) -> str:
        """Letters that are to be read in the picture."""
        quoted = re.search(r"[“\"「『《].*?[”\"」』》]", self.text)
        quote = change.into if change.into[:1] in '“"「『《' else f"“{change.into}”"
        if quoted:
            return self.text[: quoted.start()] + quote + self.text[quoted.end() :]
        holder = change.where or change.what
        on = f"{holder}上写着" if holder and not holder.endswith(("上", "里")) else f"{holder}写着"
        return self.with_more(
            f"{on}{quote}" if self.language == "zh" else f"{holder}に{quote}の文字"
        )

    # What is where.

    @property
    def _of(self) -> str:
        return _OF[self.language]

    def _said(self, text: str) -> list[Word]:
        return list(content(text, self.language))

    def _counts(self, into: str) -> bool:
        words = vocabulary().read(into, self.language)
        return bool(words) and (
            kind_of(words[0]) == "number" or bool(_MEASURE.fullmatch(words[0].text))
        )

    def _parts(self) -> Iterator[tuple[int, int]]:
        start = 0
        for found in _BREAK.finditer(self.text):
            yield start, found.start()
            start = found.end()
        yield start, len(self.text)

    def _part_of(self, at: int) -> tuple[int, int]:
        return next(part for part in self._parts() if part[0] <= at < max(part[1], part[0] + 1))

    def _within(self, start: int, end: int) -> list[Word]:
        return [word for word in self.words if start <= word.start and word.end <= end]

    def _find(self, what: str) -> list[_Thing]:
        """The things of that name: as it is written, or else by what its words mean."""
        what = what.strip().strip("的の")
        if literal := list(self._written(what)):
            return [self._thing(start, end) for start, end in literal]
        said = self._said(what)
        heads = [word for word in said if kind_of(word) in _THINGS] or said[-1:]
        if not heads:
            return []
        name = heads[-1].key
        exact = [
            word
            for word in self.words
            if word.content and word.key == name and not self._measures(word.start)
        ]
        wide = [word for word in self.words if word.content and _is_a(word.key, name)]
        return [self._thing(word.start, word.end) for word in exact or wide]

    def _measures(self, at: int) -> bool:
        """Whether a thing is named there only as a measure of another: the 碗 of 一碗拉面."""
        return at > 0 and bool(_AMOUNT.match(self.plain, at - 1))

    def _written(self, what: str) -> Iterator[tuple[int, int]]:
        """Where it is written, as a word or as words: the 花 of 花园 is none."""
        keys = [word.key for word in self._said(what)]
        for found in re.finditer(re.escape(what), self.plain) if what else ():
            if self._measures(found.start()):
                continue
            around = [w for w in self.words if w.start <= found.start() and found.end() <= w.end]
            if not around or around[0].text == what:
                yield found.span()
            elif around[0].entry is None:
                whole = around[0].text.endswith(what) and len(around[0].text) < len(what) + 3
                yield (around[0].start, around[0].end) if whole else found.span()
            elif kind_of(around[0]) == "action" and around[0].text.endswith(what):
                yield found.span()  # 撑着伞: an umbrella, and what is done with it
            elif len(what) > 1 and around[0].text[:-1] == what:
                yield found.span()  # 樱花树
            elif around[0].key in keys:
                yield around[0].start, around[0].end

    def _like(self, into: str) -> list[_Thing]:
        """What something takes the place of that is said without a place: its like, or the main."""
        heads = [word for word in self._said(into) if kind_of(word) in _THINGS]
        if not heads:
            return self._main()
        like = self._find(heads[-1].text)
        return like if like or kind_of(heads[-1]) == "part" else self._main()

    def _main(self) -> list[_Thing]:
        """The first thing that the prompt names."""
        for kinds in (frozenset({"animal", "person"}), OBJECTS, _THINGS):
            for word in self.words:
                if kind_of(word) in kinds and word.entry:
                    return [self._thing(word.start, word.end)]
        return []

    def _thing(self, noun: int, end: int) -> _Thing:
        start = noun
        for word in reversed([word for word in self.words if word.end <= noun]):
            if word.end != start or word.mark:
                break
            describes = kind_of(word) in _BEFORE or word.text == self._of
            if not describes and not (word.function and _MEASURE.fullmatch(word.text)):
                break
            start = word.start
        return _Thing(start, noun, end)

    def _counted_until(self, thing: _Thing) -> int:
        """Where the words end that say how many of a thing there are."""
        for word in self._within(thing.start, thing.noun):
            if not word.function and kind_of(word) != "number" and not _MEASURE.match(word.text):
                return word.start
        return thing.noun

    def _kept_until(self, thing: _Thing, into: str) -> int:
        """Where the old thing's description ends that also fits the new one."""
        said = {kind_of(word) for word in self._said(into)} | (
            {"number"} if self._counts(into) else set()
        )
        for word in self._within(thing.start, thing.noun):
            kind = "number" if word.function and word.text != self._of else kind_of(word)
            if kind in said or (kind == "colour" and "material" in said):
                return word.start
        return thing.noun

    def _reach(self, thing: _Thing) -> tuple[int, int]:
        """What goes with a thing: all of its part, or the words that lead to it."""
        first, last = self._part_of(thing.noun)
        inside = [word for word in self._within(first, last) if word.content]
        others = [
            word
            for word in inside
            if word.entry and kind_of(word) in _THINGS and not thing.start <= word.start < thing.end
        ]
        linked = self.text[thing.end :].startswith(_LINKS)
        linked = linked or self.text[: thing.start].endswith(_LINKS)
        if not others and not linked:
            return first, last
        after = [word for word in others if word.start >= thing.end]
        before = [word for word in others if word.end <= thing.start]
        start, end = thing.start, thing.end
        led = [word for word in self.words if word.end <= start and word.start >= first]
        while led and led[-1].end == start and self._leads(led[-1]):
            start = led.pop().start
            verb = self.text[start : start + 1] in "着了过"
            if verb and led and led[-1].end == start and not led[-1].entry:
                start = led.pop().start  # a verb that nobody knows: 冒着
        if self.text[end : end + 1] == self._of:
            end += 1
        for link in _LINKS:
            if self.text[end:].startswith(link):
                return thing.start, end + len(link)
            if self.text[: thing.start].endswith(link):
                return thing.start - len(link), thing.end
        if ending := _PLACE_END.match(self.text, end):
            end = ending.end()
        if not before and after:
            # The subject of a clause that says something of another thing.
            return (first, last) if start == first and not self._only_part() else (start, end)
        return start, end

    def _only_part(self) -> bool:
        return sum(1 for start, end in self._parts() if self.text[start:end].strip()) == 1

    def _leads(self, word: Word) -> bool:
        """Whether a word only leads to the thing behind it: 戴着, 手持, 在."""
        return (
            kind_of(word) == "action"
            or word.text in ("在", "着", "了", "有", "带", "带着", "里", "上", "被", "用")
            or bool(_AT.fullmatch(word.text))
        )

    def _alone(self, word: Word) -> bool:
        """Whether nothing else of weight stands in the word's part."""
        first, last = self._part_of(word.start)
        return not any(
            other.content and other is not word and kind_of(other) not in ("number", "quality")
            for other in self._within(first, last)
        )

    def _ends_part(self, word: Word) -> bool:
        return word.end == self._part_of(word.start)[1]

    def _whole_of(self, word: Word) -> tuple[int, int]:
        """A word, or its part where that says nothing else."""
        first, last = self._part_of(word.start)
        if all(other is word for other in self._within(first, last) if other.content):
            return first, last
        linked = self.text[: word.start].endswith(("在", "的"))
        return word.start - linked, word.end

    def _places(self) -> Iterator[tuple[int, int]]:
        """Where the picture's place is named: 在 [花园里], [公园]."""
        for found in _AT.finditer(self.text):
            last = self._part_of(found.start())[1]
            words = self._within(found.end(), last)
            if not words or words[0].start != found.end():
                continue
            end = words[0].start
            for word in words:
                end = word.end
                if word.entry and kind_of(word) in ("place", "nature"):
                    break
                if word.entry and kind_of(word) in OBJECTS | {"structure", "part"}:
                    end = -1
                    break
            else:
                end = -1
            if end < 0:
                continue
            while ending := _PLACE_END.match(self.text, end):
                end = ending.end()
            yield words[0].start, end

    def _cut(
        self, spans: list[tuple[int, int]], instead: dict[tuple[int, int], str] | None = None
    ) -> str:
        """The text without these spans, and with no comma that divides nothing."""
        out = self.text
        for start, end in sorted(set(spans), reverse=True):
            out = out[:start] + (instead or {}).get((start, end), "") + out[end:]
        out = re.sub(r"(?:\s*[,，、;；]\s*)+(?=[,，、;；。])", "", out)
        return re.sub(r"\A[\s,，、;；。]+|[\s,，、;；]+\Z", "", out)


def _is_a(key: str, name: str) -> bool:
    """Whether a word of that meaning is one of those that a wider one names."""
    return key in meanings()["wide"].get(name, ()) or key.endswith(f" {name}")


def _contradicts(new: set[str], old: str) -> bool:
    groups = meanings()["together"]
    if any(old in groups[name] and new & groups[name] for name in ("hours", "seasons")):
        return True
    fair, foul = groups["fair"], groups["foul"]
    if old in fair:
        return bool(new & (foul | groups["dark"]))
    return old in foul and old not in new and bool(new & (fair | foul | {"calm waters"}))
