"""Sheets: a comparison over one or two options, as recipes that differ in these and nothing else.

    what is said    ▶  axes (`bot.studio.axes`)  ▶  a wish for each place  ▶  recipes, each once
                                                     └ or why nothing can be drawn there

The same seed and the same words are in every place, unless they are what is compared: words are
found once for all, and a style is spoken over the same wording.  Invariant: a place that cannot be
drawn keeps no other from being drawn, and places that mean the same picture share it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.studio.axes import Axis, AxisReader
from bot.studio.confirming import Confirming, Priced
from bot.studio.defaults import Defaults
from bot.studio.drafting import Drafting
from bot.studio.held_words import HeldWords
from bot.studio.requests import Requests
from bot.studio.servers import NotOffered
from bot.studio.wishes import Wish, init_from, seeds
from generation.errors import OutOfRange, Unacceptable
from generation.recipe import Recipe, RecipeId
from prompting.errors import PromptingError, TooMany
from storage.people import AssistMode
from storage.sheets import MOST_CELLS, Sheet, SheetAxis, SheetCell
from storage.unconfirmed import Unconfirmed

MOST_AXES = 2

Explain = Callable[[BaseException], str]


class NoComparison(Exception):
    """There is nothing to compare: nothing differs ("none"), too much does ("axes", by its names),
    or what is said of `names` makes no difference ("alike")."""

    def __init__(self, what: str, names: tuple[str, ...] = ()) -> None:
        super().__init__(f"{what}: {', '.join(names)}")
        self.what, self.names = what, names


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSheet:
    """A comparison that waits for a yes."""

    sheet: Sheet
    recipes: tuple[Recipe, ...]
    priced: Priced


class Sheets:
    """Plans comparisons.  `dice` throws a fresh seed."""

    def __init__(
        self,
        *,
        defaults: Defaults,
        drafting: Drafting,
        requests: Requests,
        confirming: Confirming,
        dice: Callable[[], int],
    ) -> None:
        self._defaults, self._drafting, self._requests = defaults, drafting, requests
        self._confirming, self._dice = confirming, dice

    def reader(self, guild: int | None = None) -> AxisReader:
        """What reads options in that server."""
        offers = self._drafting.offers
        return AxisReader(
            offers=offers,
            family=offers.family_of(None),
            seed=lambda: self._dice() % 2**32,
            offered=lambda model: self._drafting.offered(guild, model),
        )

    async def plan(
        self, wish: Wish, typed: Mapping[str, str], words: str, explain: Explain
    ) -> PlannedSheet:
        """Price what is typed into the options, of which one or two have several values.

        `wish` is what is said besides, `words` what is shown above the sheet; `explain` tells why a
        place stays empty.  Raises NoComparison, TooMany, and what every place raises.
        """
        reader = self.reader(wish.origin.guild)
        axes = [reader.read(name, text) for name, text in typed.items()]
        several = [axis for axis in axes if len(axis.values) > 1]
        if not several or len(several) > MOST_AXES:
            what = "axes" if several else "none"
            raise NoComparison(what, tuple(axis.name for axis in several))
        for axis in axes:
            if axis not in several:
                wish = axis.values[0].put(wish)
        wish = await self._begun(self._requests.read(wish), {axis.name for axis in axes})
        across, *down = sorted(several, key=lambda axis: len(axis.values))
        if (count := _count(several)) > MOST_CELLS:
            raise TooMany("pictures", count, MOST_CELLS)
        sheet, recipes, notes = await self._drafted(wish, across, *down, explain=explain)
        wanted = Unconfirmed(
            owner=wish.origin.owner,
            source=wish.origin.source,
            words=self._requests.unflagged(words),
            recipes=recipes,
            parent=wish.parent.id if wish.parent is not None else None,
            notes=notes,
            sheet=sheet,
        )
        priced = await self._confirming.ask(wanted)
        return PlannedSheet(sheet=sheet, recipes=recipes, priced=priced)

    async def _begun(self, wish: Wish, said: set[str]) -> Wish:
        """The wish with one seed for all, in its own words unless found ones are asked for."""
        if "denoise" in said and not wish.draft.inputs:
            if wish.parent is None:
                raise OutOfRange(
                    "denoise",
                    "without one",
                    "beside a picture: `pictures: #12`, or an `image` of yours",
                )
            start = init_from(wish.parent.png_sha256)
            wish = replace(wish, draft=replace(wish.draft, task=None, inputs=(start,)))
        around = await self._defaults.around(wish)
        [seed] = seeds(wish.seed, 1, around.counting, self._dice)
        assist, style = wish.assist or AssistMode.OFF, wish.style or ""
        return replace(wish, seed=seed, assist=assist, style=style, count=1)

    async def _drafted(
        self, wish: Wish, across: Axis, down: Axis | None = None, *, explain: Explain
    ) -> tuple[Sheet, tuple[Recipe, ...], tuple[str, ...]]:
        """Each place, row by row."""
        held = HeldWords(self._drafting, await self._defaults.around(wish))
        recipes: dict[RecipeId, Recipe] = {}
        cells: list[SheetCell] = []
        notes: dict[str, None] = {}
        failed: Exception | None = None
        for row in down.values if down is not None else (None,):
            for column in across.values:
                here = column.put(row.put(wish) if row is not None else wish)
                try:
                    here = await held.still(self._requests.read(here))
                    [drafted] = (await self._requests.drafted((here,))).found
                except (Unacceptable, PromptingError, NotOffered) as error:
                    failed = failed or error
                    cells.append(SheetCell(why=explain(error)))
                    continue
                notes |= dict.fromkeys(drafted.notes)
                [recipe] = drafted.recipes
                recipes.setdefault(recipe.id, recipe)
                cells.append(SheetCell(recipe=list(recipes).index(recipe.id)))
        if failed is not None and not recipes:
            raise failed
        sheet = Sheet(
            across=_labelled(across),
            down=_labelled(down) if down is not None else None,
            cells=tuple(cells),
        )
        _check_differences(sheet)
        return sheet, tuple(recipes.values()), tuple(notes)


def _count(axes: Sequence[Axis]) -> int:
    count = 1
    for axis in axes:
        count *= len(axis.values)
    return count


def _labelled(axis: Axis) -> SheetAxis:
    return SheetAxis(name=axis.name, labels=tuple(value.label for value in axis.values))


def _check_differences(sheet: Sheet) -> None:
    """Raise NoComparison where an axis makes no difference anywhere."""
    wide = len(sheet.across.labels)
    rows = [sheet.cells[at : at + wide] for at in range(0, len(sheet.cells), wide)]
    lines = [(sheet.across, rows)]
    if sheet.down is not None:
        lines.append((sheet.down, list(zip(*rows, strict=True))))
    for axis, groups in lines:
        drawn = [[cell.recipe for cell in group if cell.recipe is not None] for group in groups]
        if any(len(line) > 1 for line in drawn) and all(len(set(line)) < 2 for line in drawn):
            raise NoComparison("alike", (axis.name,))
