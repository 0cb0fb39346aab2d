"""A comparison over one or two options in words: what it would cost, and what is compared.

Pure.  Invariant: every value of what is compared is told, also where its letters cannot be drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.languages.amounts import listed
from bot.languages.speaking import mark, name_of, tr, trn
from bot.pages.lettering import drawable
from bot.pages.quoting import code, plain, quoted
from bot.studio.sheets import NoComparison, PlannedSheet
from storage.pictures import StoredPicture
from storage.sheets import Sheet, SheetAxis

WORDINGS = ("prompt", "negative")  # whose values are sentences
VALUES = 400  # characters of an axis's values in a message
SHORT = 40  # characters of a wording that is read as it is


def planned_page(planned: PlannedSheet, same: str) -> str:
    """What the comparison would cost, before it is drawn; `same` is what all of it shares."""
    count, seconds = planned.priced.pictures, max(1, round(planned.priced.seconds))
    drawn = trn("**{n} picture**", "**{n} pictures**", count)
    lines = [
        tr(
            "{pictures} on one sheet, about {seconds} s of drawing. Shall I queue them?",
            pictures=drawn,
            seconds=seconds,
        ),
        axes_line(planned.sheet),
    ]
    if same:
        lines.append(tr("-# The same everywhere: {settings}", settings=same))
    places = [cell.recipe for cell in planned.sheet.cells if cell.recipe is not None]
    if (twice := len(places) - len(set(places))) > 0:
        lines.append(
            trn(
                "-# {n} place shows a picture that another one shows, too; it is drawn once.",
                "-# {n} places show pictures that others show, too; each is drawn once.",
                twice,
            )
        )
    empty = [cell.why for cell in planned.sheet.cells if cell.why is not None]
    if empty:
        lines.append(
            trn(
                "⚠️ {n} place stays empty: {why}",
                "⚠️ {n} places stay empty: {why}",
                len(empty),
                why=" ".join(dict.fromkeys(empty)),
            )
        )
    return "\n".join(lines)[:1990]


NOTHING_TO_COMPARE = mark(
    "Nothing is to be compared yet: give one or two options several values, such as "
    "`steps: 4, 8, 16` or `prompt: a cat | a dog`, or name two to nine `pictures`."
)


def no_comparison(error: NoComparison) -> str:
    """Why what was said is no comparison, and what would be one."""
    names = listed(code(name_of(name)) for name in error.names)
    match error.what:
        case "axes":
            return tr(
                "A sheet has two sides, and {names} have several values each. Give one value to "
                "all but two of them.",
                names=names,
            )
        case "alike":
            return tr(
                "{names} would make no difference here: every value gives the same picture. "
                "Compare something else, or with a model that heeds it.",
                names=names,
            )
        case "pictures":
            return tr(
                "Side by side stand pictures as they are. To draw one in other ways, name that "
                "one alone in `pictures`."
            )
    return tr(NOTHING_TO_COMPARE)


def axes_line(sheet: Sheet) -> str:
    """What is compared: "🔬 steps 4, 8, 16 × cfg 3, 7"."""
    return "🔬 " + " × ".join(_values(axis) for axis in _axes(sheet))


def picked_label(sheet: Sheet, recipe: int) -> str:
    """What tells the picture of one of the request's recipes from the others, in a list."""
    for at, cell in enumerate(sheet.cells):
        if cell.recipe == recipe:
            row, column = divmod(at, len(sheet.across.labels))
            said = [titled(sheet.across)[column]]
            if sheet.down is not None:
                said.append(titled(sheet.down)[row])
            return " · ".join(said)
    return ""


def _axes(sheet: Sheet) -> list[SheetAxis]:
    return [axis for axis in (sheet.across, sheet.down) if axis is not None]


def _values(axis: SheetAxis) -> str:
    between = " | " if axis.name in WORDINGS else ", "
    each = VALUES // len(axis.labels)
    said = [quoted(label, max(each, 20)) for label in axis.labels]
    if not all(map(drawable, axis.labels)):
        said = [f"({nth}) {label}" for nth, label in enumerate(said, 1)]
    return f"**{quoted(name_of(axis.name))}** {between.join(said)}"


def titled(axis: SheetAxis) -> list[str]:
    """Each value with what it is of; a wording speaks for itself."""
    if axis.name in WORDINGS:
        return told_apart(axis.labels)
    return [f"{name_of(axis.name)} {label}" for label in axis.labels]


def lettered(axis: SheetAxis) -> list[str]:
    """The same in letters that can be drawn; the message says which is which."""
    if all(map(drawable, axis.labels)):
        return titled(axis)
    return [f"{name_of(axis.name)} ({nth})" for nth in range(1, len(axis.labels) + 1)]


def told_apart(wordings: Sequence[str]) -> list[str]:
    """Wordings without the words with which all of them begin and end, where they are long."""
    if max(map(len, wordings)) <= SHORT:
        return list(wordings)
    split = [wording.split() for wording in wordings]
    begin = _shared(split)
    end = _shared([words[begin:][::-1] for words in split])
    said = []
    for whole, words in zip(wordings, split, strict=True):
        own = " ".join(words[begin : len(words) - end])
        said.append(f"{'… ' * bool(begin)}{own}{' …' * bool(end)}" if own else whole)
    return said


def _shared(lists: Sequence[Sequence[str]]) -> int:
    """With how many equal words all of them begin."""
    found = 0
    for words in zip(*lists, strict=False):
        if len(set(words)) > 1:
            break
        found += 1
    return found


def numbered(pictures: Sequence[StoredPicture]) -> str:
    """The pictures' numbers: "#7–#15" where they follow each other."""
    ids = sorted(picture.id for picture in pictures)
    if len(ids) > 2 and ids == list(range(ids[0], ids[0] + len(ids))):
        return f"#{ids[0]}–#{ids[-1]}"
    return ", ".join(f"#{number}" for number in ids)


def option_label(picture: StoredPicture, label: str) -> str:
    """A picture in the list from which one is picked."""
    return plain(f"#{picture.id} · {label}", 100)
