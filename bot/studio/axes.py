"""Axes: what an option says that is to differ from picture to picture, as its values.

    steps     4, 8, 16 · 4-8 · 2..10 step 2 · 1-10 (+3) · 1-10 [4]     numbers, and ranges of them
    seed      1, 2, 3 · random, random · 4 random
    sampler   euler, dpmpp_2m · all                                     names
    lora      ink:0.5, 1 | sketch:0.8, ink:0.2 | none                   one or several, by strengths
    prompt    a cat | a dog · a {red, blue} cat                         wordings

An option with one value is fixed.  Pure, but for what is installed.  Invariant: a value that cannot
be drawn is refused by its own text, with what would do; and no list is longer than a sheet holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from bot.studio.offers import Offers
from bot.studio.wishes import Wish, seed_named, sized
from generation import names
from generation.draft import Draft
from generation.errors import OutOfRange
from generation.families.model_family import Family
from generation.parameters import PARAMETERS, AmountParameter, WholeParameter
from generation.recipe import Adapter, Sha256
from generation.samplers import SAMPLERS, SCHEDULERS
from generation.spans import on_one
from generation.tasks import IMAGE
from prompting import wildcards
from prompting.errors import TooMany
from storage.people import AssistMode
from storage.sheets import MOST_CELLS

NONE, ALL, RANDOM = "none", "all", "random"
_NONE, _ALL = frozenset((NONE, "无", "没有")), frozenset((ALL, "全部", "所有"))  # as they are typed

Put = Callable[[Wish], Wish]


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisValue:
    """One value, as it is read on a sheet, and the wish with it."""

    label: str
    put: Put


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """The values of one option, in the order in which they were said."""

    name: str  # of the option
    values: tuple[AxisValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisReader:
    """Reads what is typed into options, by what is installed here.

    `family` is the usual model's, by which shapes are checked; `seed` throws a fresh one.
    """

    offers: Offers
    family: Family
    seed: Callable[[], int]
    offered: Callable[[Sha256], bool] = lambda _: True  # which models "all" stands for

    def read(self, name: str, typed: str) -> Axis:
        """The values that an option's text means.

        Raises Unacceptable or PromptingError with the value that is wrong.
        """
        values = tuple(_different(_READERS[name](self, name, typed)))
        if not values:
            raise OutOfRange(name, typed, "one value, or several with commas between them")
        if len(values) > MOST_CELLS:
            raise OutOfRange(name, f"{len(values)} values", f"at most {MOST_CELLS} of them")
        return Axis(name=name, values=values)

    # -- numbers ---------------------------------------------------------------------------

    def numbers(self, name: str, typed: str) -> Iterator[AxisValue]:
        """A number of the sampling or of the words."""
        row = PARAMETERS[name]
        assert isinstance(row, (WholeParameter, AmountParameter))
        whole = isinstance(row, WholeParameter)
        for number in _numbers(name, typed, whole=whole):
            value: Any = int(number) if whole else float(number)
            row.check(value)
            yield AxisValue(label=f"{value:g}", put=_in_section(row.section, row.field, value))

    def seeds(self, name: str, typed: str) -> Iterator[AxisValue]:
        """Seeds; each "random" is another fresh one, which is then known."""
        for item in _items(typed):
            if (thrown := _RANDOM.fullmatch(item)) is not None:
                many = int(thrown[1] or thrown[2] or 1)
                _check_many(name, item, many)
                found: Sequence[int] = [self.seed() for _ in range(many)]
            else:
                found = [int(one) for one in _numbers(name, item, whole=True)]
            for seed in found:
                yield AxisValue(label=str(seed), put=_with(seed=seed_named(str(seed))))

    # -- names -----------------------------------------------------------------------------

    def models(self, name: str, typed: str) -> Iterator[AxisValue]:
        """Checkpoints of the catalog."""
        here = self.offers.checkpoints(IMAGE)
        there = [entry.name for entry in here if self.offered(entry.weights.sha256)]
        for one in self._named(name, typed, there):
            entry = self.offers.catalog.find(one, medium=IMAGE)
            yield AxisValue(label=entry.name, put=_with(model=one))

    def vaes(self, name: str, typed: str) -> Iterator[AxisValue]:
        """VAEs, and the model's own."""
        for one in self._named(name, typed, [entry.name for entry in self.offers.vaes()]):
            self.offers.check_vae(one)
            yield AxisValue(label=one, put=_with(vae=one))

    def styles(self, name: str, typed: str) -> Iterator[AxisValue]:
        """Styles of the library, and none."""
        for one in self._named(name, typed, list(self.offers.styles)):
            if one.casefold() in _NONE:
                yield AxisValue(label=NONE, put=_with(style=""))
            else:
                style = self.offers.styles.named(one)
                yield AxisValue(label=style.en, put=_with(style=style.key))

    def samplers(self, name: str, typed: str) -> Iterator[AxisValue]:
        """Samplers, by any program's names."""
        for one in self._named(name, typed, list(SAMPLERS)):
            meant = names.sampler(one)
            label = " ".join(filter(None, (meant.name, meant.scheduler)))
            yield AxisValue(label=label, put=_in_section("sampling", "sampler", one))

    def schedulers(self, name: str, typed: str) -> Iterator[AxisValue]:
        """Schedulers, by any program's names."""
        for one in self._named(name, typed, list(SCHEDULERS)):
            label = names.scheduler(one) or names.USUAL
            yield AxisValue(label=label, put=_in_section("sampling", "scheduler", one))

    def sizes(self, name: str, typed: str) -> Iterator[AxisValue]:
        """Shapes and sizes."""
        for one in self._named(name, typed, ()):
            sized(Draft(), one, self.family)
            yield AxisValue(label=one, put=_with(size=one))

    def assists(self, name: str, typed: str) -> Iterator[AxisValue]:
        """Whether more words are found."""
        for one in self._named(name, typed, list(AssistMode)):
            try:
                mode = AssistMode(one.casefold())
            except ValueError:
                raise OutOfRange(name, one, "on, off or auto") from None
            yield AxisValue(label=mode.value, put=_with(assist=mode))

    def _named(self, what: str, typed: str, there: Sequence[str]) -> Iterator[str]:
        """The names in it, of which "all" stands for every one that is there."""
        if typed.strip() in there:
            yield typed.strip()  # a comma may be a part of it
            return
        for one in _items(typed):
            if one.casefold() not in _ALL or not there:
                yield one
                continue
            _check_many(what, one, len(there))
            yield from there

    # -- what is said at length ------------------------------------------------------------

    def loras(self, _: str, typed: str) -> Iterator[AxisValue]:
        """LoRAs: between bars each a stack of them, with one strength or several for one of it."""
        for part in filter(None, map(str.strip, typed.split("|"))):
            if part.casefold() in _NONE:
                yield AxisValue(label=NONE, put=_wearing(()))
                continue
            stacks: list[tuple[Adapter, ...]] = [()]
            for one in _each_lora(part):
                stacks = [(*stack, worn) for stack in stacks for worn in self._strengths(one)]
            for stack in stacks:
                label = ", ".join(f"{worn.weights.name} {worn.said}" for worn in stack)
                yield AxisValue(label=label, put=_wearing(stack))

    def _strengths(self, typed: str) -> Iterator[Adapter]:
        """One LoRA, as often as it has strengths: "ink", "ink:0.8", "ink:0..1 step 0.25:high"."""
        said, expert = on_one(typed)
        name, colon, strengths = said.rpartition(":")
        if not colon or not _STRENGTHS.match(strengths):
            yield self.offers.lora(typed)
            return
        worn = self.offers.lora(f"{name}:{expert}" if expert else name)
        for strength in _numbers("lora", strengths, whole=False):
            yield replace(worn, strength=float(strength))

    def wordings(self, name: str, typed: str) -> Iterator[AxisValue]:
        """Words with bars between them, each of which may stand for several."""
        row = PARAMETERS[name]
        for part in filter(None, map(str.strip, _bars(typed))):
            try:
                said = wildcards.permutations(part, limit=MOST_CELLS)
            except TooMany as error:
                raise TooMany("wordings", error.count, MOST_CELLS) from error
            for words in said:
                yield AxisValue(label=words, put=_in_section(row.section, row.field, words))


# -- what is typed ---------------------------------------------------------------------------

_NUMBER = r"-?\d+(?:\.\d+)?"
_RANGE = re.compile(
    rf"({_NUMBER})\s*(?:-|–|—|\.{{2,3}}|…|~|to|bis|到|至)\s*({_NUMBER})"
    rf"(?:\s*(?:step|steps|by|/|schritt|步长|步)\s*({_NUMBER})"
    rf"|\s*\(\s*\+?({_NUMBER})\s*\)|\s*\[\s*(\d{{1,4}})\s*\])?",
    re.IGNORECASE,
)
_RANDOM = re.compile(
    rf"(?:(\d{{1,4}})\s*[x×*]?\s*)?(?:{RANDOM}|随机)(?:\s*[x×*]\s*(\d{{1,4}}))?|-1", re.IGNORECASE
)
_STRENGTHS = re.compile(rf"\s*{_NUMBER}(?:\D|$)")
_BETWEEN = re.compile(r"[,;|，；、]")


def _items(typed: str) -> Iterator[str]:
    return filter(None, map(str.strip, _BETWEEN.split(typed)))


def _numbers(name: str, typed: str, *, whole: bool) -> Iterator[Decimal]:
    """The numbers of a list with ranges in it.  Raises OutOfRange with the item that is none."""
    said = 0
    for item in _items(typed):
        if (found := _RANGE.fullmatch(item)) is not None:
            numbers = _between(name, item, found, whole=whole)
        elif re.fullmatch(_NUMBER, item):
            numbers = (Decimal(item),)
        else:
            raise _no_numbers(name, item, whole=whole)
        said += len(numbers)
        _check_many(name, typed, said)
        for number in numbers:
            if whole and number != number.to_integral_value():
                raise _no_numbers(name, item, whole=True)
            yield number


def _no_numbers(name: str, item: str, *, whole: bool) -> OutOfRange:
    if whole:
        return OutOfRange(name, item, "whole numbers such as `4, 8, 16`, `4-8` or `2..10 step 2`")
    return OutOfRange(name, item, "numbers such as `3, 5.5, 8`, `1-5` or `0.2..1 step 0.2`")


def _between(name: str, item: str, found: re.Match[str], *, whole: bool) -> tuple[Decimal, ...]:
    """The numbers from one end of a range to the other, both of which are in it where they fit."""
    first, last = Decimal(found[1]), Decimal(found[2])
    if found[5]:
        return _spread(name, item, first, last, int(found[5]), whole=whole)
    step = abs(Decimal(found[3] or found[4] or _usual_step(first, last)))
    if not step:
        raise OutOfRange(name, item, "a range whose step is not 0")
    many = int(abs(last - first) / step) + 1
    _check_many(name, item, many)
    towards = step if last >= first else -step
    return tuple(first + nth * towards for nth in range(many))


def _spread(
    name: str, item: str, first: Decimal, last: Decimal, many: int, *, whole: bool
) -> tuple[Decimal, ...]:
    """So many numbers from one to the other, at equal distances."""
    _check_many(name, item, many)
    if many < 2:
        raise OutOfRange(name, item, "a range of at least [2]")
    step = (last - first) / (many - 1)
    unit = Decimal(1) if whole else Decimal("0.001")
    found = (first + nth * step for nth in range(many))
    return tuple(number.quantize(unit, ROUND_HALF_UP).normalize() for number in found)


def _usual_step(first: Decimal, last: Decimal) -> Decimal:
    """1, or one of the last place that is written."""
    places = min(int(end.as_tuple().exponent) for end in (first, last))
    return Decimal(1).scaleb(min(0, places))


def _check_many(name: str, item: str, many: int) -> None:
    if many > MOST_CELLS:
        raise OutOfRange(
            name,
            f"{item}, which is {many}",
            f"at most {MOST_CELLS} values: name those to compare",
        )


def _each_lora(part: str) -> Iterator[str]:
    """The LoRAs of a stack; a number after a comma is one more strength of the one before it."""
    gathered: list[str] = []
    for one in filter(None, map(str.strip, part.split(","))):
        if (
            gathered
            and ":" in gathered[-1]
            and (_STRENGTHS.fullmatch(one) or _RANGE.fullmatch(one))
        ):
            gathered[-1] += f", {one}"
        else:
            gathered.append(one)
    return iter(gathered)


def _bars(typed: str) -> Iterator[str]:
    """The text cut at its bars: not at those that are escaped or within braces."""
    depth, part, escaped = 0, "", False
    for char in typed:
        if char == "|" and not depth and not escaped:
            yield part
            part = ""
            continue
        depth += {"{": 1, "}": -1}.get(char, 0) if not escaped else 0
        depth = max(depth, 0)
        escaped = char == "\\" and not escaped
        part += char
    yield part


def _different(values: Iterator[AxisValue]) -> Iterator[AxisValue]:
    """Each value once."""
    said: set[str] = set()
    for value in values:
        if value.label not in said:
            said.add(value.label)
            yield value


# -- the wish with a value -------------------------------------------------------------------


def _with(**facts: Any) -> Put:
    return lambda wish: replace(wish, **facts)


def _in_section(section: str, field: str, value: object) -> Put:
    """Puts a value into a section of the draft."""

    def put(wish: Wish) -> Wish:
        inner = replace(getattr(wish.draft, section), **{field: value})
        return replace(wish, draft=replace(wish.draft, **{section: inner}))

    return put


def _wearing(adapters: tuple[Adapter, ...]) -> Put:
    return lambda wish: replace(wish, draft=replace(wish.draft, adapters=adapters))


_READERS: dict[str, Callable[[AxisReader, str, str], Iterator[AxisValue]]] = {
    **dict.fromkeys(
        ("steps", "clip_skip", "cfg", "guidance", "shift", "denoise"), AxisReader.numbers
    ),
    **dict.fromkeys(("prompt", "negative"), AxisReader.wordings),
    "seed": AxisReader.seeds,
    "model": AxisReader.models,
    "vae": AxisReader.vaes,
    "style": AxisReader.styles,
    "sampler": AxisReader.samplers,
    "scheduler": AxisReader.schedulers,
    "size": AxisReader.sizes,
    "lora": AxisReader.loras,
    "assist": AxisReader.assists,
}

AXES = tuple(_READERS)
