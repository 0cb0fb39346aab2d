"""What one picture has otherwise than another, in people's words.

    red → blue, seed 7 → 8; size, model stay

Pure, and read off the two recipes (`generation.difference`), so that it is true of what was drawn,
whoever asked for it and how.  Invariant: every field that differs is said, or follows from one that
is; and what is said to stay is the same in both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from bot.languages.amounts import listed
from bot.languages.speaking import mark, tr, trn
from bot.pages.quoting import quoted
from generation.difference import Changed, difference
from generation.recipe import Adapter, Canvas, Masking, Placement, Recipe, Weights

LONG = 60  # characters of a part of a prompt
MOST_PARTS = 3  # of a prompt that is not another one altogether

_WORD = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s]")
_PUNCTUATION = re.compile(r"^\W+|\W+$")

# How a picture is made of another one, by its task.
_MADE: Mapping[str, str] = {
    "text-to-image": mark("drawn from words alone"),
    "image-to-image": mark("drawn over it"),
    "inpaint": mark("a part of it drawn anew"),
    "outpaint": mark("drawn on around it"),
    "upscale": mark("enlarged"),
    "edit": mark("changed as it was told"),
    "blend": mark("blended"),
}

# Fields that change with others, or say what these say.
_FOLLOW = frozenset(
    (
        *("sampling.sigmas", "sampling.prediction", "sampling.noise", "words.syntax", "shows"),
        *("canvas.height", "family", "components", "inputs", "precision"),
        *("drawn.width", "drawn.height"),
    )
)
_SECTIONS = ("words", "canvas", "sampling")


def change_of(before: Recipe, after: Recipe) -> str:
    """What changed, and what stays; "nothing" where nothing differs."""
    changes = {change.name: change for change in difference(before, after)}
    if not changes:
        return tr("nothing")
    parts = tuple(_parts(changes, before, after)) or (tr("noise levels"),)
    stays = tuple(_stays(changes, before, after))
    kept = trn("{what} stays", "{what} stay", len(stays), what=listed(stays)) if stays else ""
    return tr("; ").join(filter(None, (listed(parts), kept)))


def _parts(changes: Mapping[str, Changed], before: Recipe, after: Recipe) -> Iterator[str]:
    # What is only enlarged is drawn by nothing: no model, no seed, no words.
    drawn = after.sampling is not None
    # What it shows comes first, then how it was made.
    for name, change in sorted(changes.items(), key=lambda item: item[0] != "words.prompt"):
        section = name.partition(".")[0]
        if not drawn or (section in _SECTIONS and getattr(after, section) is None):
            continue  # its task says it
        if (say := _SAID.get(name)) is not None:
            yield from say(_Pair(before=before, after=after, change=change))
        elif name not in _FOLLOW and section not in _OF_A_TASK:
            yield _turned(name.rpartition(".")[2].replace("_", " "), change.before, change.after)
    told = {name.partition(".")[0] for name in changes}
    for section, say in _OF_A_TASK.items():
        if section in told:
            yield from say(_Pair(before=before, after=after))
    alone = set(changes) <= {"components", "precision", "family"}
    for name in ("components", "precision", "family") if alone else ():
        if name in changes:
            yield tr(_ANOTHER[name])
    if set(changes) == {"inputs"}:
        yield tr("another start")


def _stays(changes: Mapping[str, Changed], before: Recipe, after: Recipe) -> Iterator[str]:
    """The three that people ask about first, and the model."""
    here = {
        "words": after.words is not None and before.words is not None,
        "seed": after.sampling is not None and before.sampling is not None,
        "size": after.canvas is not None and before.canvas is not None,
        "model": after.sampling is not None,
    }
    of = {
        "words": ("words.prompt", "words.negative_prompt"),
        "seed": ("seed", "variations"),
        "size": ("canvas.width", "canvas.height"),
        "model": ("checkpoint", "family"),
    }
    for name, fields in of.items():
        if here[name] and not any(f in changes for f in fields):
            yield tr(name)


_ANOTHER = {
    "components": mark("another component"),
    "precision": mark("another precision"),
    "family": mark("another family"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """Two recipes and, where one field alone is told, that field."""

    before: Recipe
    after: Recipe
    change: Changed = field(default_factory=lambda: Changed(name="", before=None, after=None))


def _turned(name: str, old: object, new: object) -> str:
    if old in (None, "", ()):
        return f"{tr(name)} {_value(new)}"
    return f"{tr(name)} {_value(old)} → {_value(new)}"


def _value(value: object) -> str:
    if isinstance(value, Weights):
        return quoted(value.name, LONG)
    if isinstance(value, float):
        return f"{value:g}"
    return tr("none") if value in (None, "", ()) else quoted(str(value), LONG)


def _prompt(pair: _Pair) -> Iterator[str]:
    yield words_changed(str(pair.change.before or ""), str(pair.change.after or ""))


def _negative(pair: _Pair) -> Iterator[str]:
    changed = words_changed(str(pair.change.before or ""), str(pair.change.after or ""))
    yield tr("not shown: {changed}", changed=changed)


def words_changed(old: str, new: str) -> str:
    """The words that went and came; all of the new ones where nearly all are others."""
    before, after = _WORD.findall(old), _WORD.findall(new)
    parts: list[str] = []
    same = 0
    for what, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        gone, come = (_joined(text) for text in (before[i:j], after[k:m]))
        same += m - k if what == "equal" else 0
        if what == "equal" or not (gone or come):
            continue
        parts.append(f"{gone} → {come}" if gone and come else f"+ {come}" if come else f"− {gone}")
    if not new.strip():
        return tr("no words any more")
    if not same or len(parts) > MOST_PARTS:
        return tr("new words: {words}", words=quoted(new, 2 * LONG))
    return listed(parts) or tr("other punctuation")


def _joined(words: list[str]) -> str:
    text = re.sub(r"\s+([,.;:!?)\]])", r"\1", " ".join(words))
    return quoted(_PUNCTUATION.sub("", text), LONG)


def _task(pair: _Pair) -> Iterator[str]:
    if pair.after.task not in ("inpaint", "outpaint", "upscale"):  # their own sections say more
        yield tr(_MADE.get(pair.after.task, f"{pair.after.task}"))


def _size(pair: _Pair) -> Iterator[str]:
    old, new = pair.before.canvas, pair.after.canvas
    if new is None or old is None or pair.after.placement or pair.after.enlarging:
        return  # how it got larger is said there
    yield f"{tr('size')} {_pixels(old)} → {_pixels(new)}"


def _height(pair: _Pair) -> Iterator[str]:
    old, new = pair.before.canvas, pair.after.canvas
    if old is not None and new is not None and old.width == new.width:
        yield from _size(pair)


def _pixels(canvas: Canvas) -> str:
    return f"{canvas.width}×{canvas.height}"


def _denoise(pair: _Pair) -> Iterator[str]:
    if pair.after.task.needs.redraws and isinstance(pair.change.after, float):
        yield tr("{share} redrawn", share=f"{pair.change.after:.0%}".replace("%", " %"))


def _adapters(pair: _Pair) -> Iterator[str]:
    old, new = ({a.place: a for a in r.adapters} for r in (pair.before, pair.after))
    for place, adapter in new.items():
        if place not in old:
            yield f"+ {_adapter(adapter)}"
        elif old[place] != adapter:
            yield f"{_called(adapter)} {old[place].said} → {adapter.said}"
    gone = [_adapter(adapter) for place, adapter in old.items() if place not in new]
    yield from (f"− {name}" for name in gone)
    if list(old.values()) != list(new.values()) and old == new:
        yield tr("LoRAs in another order")


def _adapter(adapter: Adapter) -> str:
    return f"{_called(adapter)} {adapter.said}"


def _called(adapter: Adapter) -> str:
    return f"{_value(adapter.kind)} {_value(adapter.weights)}"


def _masking(pair: _Pair) -> Iterator[str]:
    masking: Masking | None = pair.after.masking
    if masking is not None:
        if masking.region:
            yield tr("only “{region}” drawn anew", region=quoted(masking.region, LONG))
        else:
            yield tr("only what is masked drawn anew")


def _placement(pair: _Pair) -> Iterator[str]:
    placed, canvas = pair.after.placement, pair.after.canvas
    if placed is None or canvas is None:
        return
    sides = [
        f"{more} px {tr(where)}" for where, more in _around(placed, canvas).items() if more > 0
    ]
    if sides:
        yield tr("more around it: {sides}", sides=listed(sides))
    else:
        yield tr("moved on the canvas")


def _around(placed: Placement, canvas: Canvas) -> dict[str, int]:
    return {
        "left": placed.left,
        "right": canvas.width - placed.left - placed.width,
        mark("above"): placed.top,
        mark("below"): canvas.height - placed.top - placed.height,
    }


def _sparing(pair: _Pair) -> Iterator[str]:
    if pair.before.task is not pair.after.task:
        return  # a word of how it was made is enough
    how = pair.after.sparing
    if how:
        yield tr("unchanged within {n} delta E", n=f"{how.within:g}")
    else:
        yield tr("all of it as drawn")


def _enlarging(pair: _Pair) -> Iterator[str]:
    old, new, how = pair.before.canvas, pair.after.canvas, pair.after.enlarging
    if how is None:
        return
    by = quoted(how.upscaler.name, LONG) if how.upscaler else ""
    if old is None or new is None:
        yield tr("enlarged by {upscaler}", upscaler=by) if by else tr("enlarged")
        return
    sizes = f"{_pixels(old)} → {_pixels(new)}"
    factor = f"{new.width / old.width:.3g}"
    if by:
        yield tr(
            "{factor} times as large by {upscaler}: {sizes}",
            factor=factor,
            upscaler=by,
            sizes=sizes,
        )
    else:
        yield tr("{factor} times as large: {sizes}", factor=factor, sizes=sizes)


def _passes(pair: _Pair) -> Iterator[str]:
    if pair.after.second is None:
        yield tr("in one pass")
    elif pair.before.second is None:
        yield tr("in two passes")
    else:
        yield tr("another second pass")


def _shares(pair: _Pair) -> Iterator[str]:
    shares = pair.after.shares
    if shares:
        said = " : ".join(f"{share:.0%}".removesuffix("%") for share in shares)
        yield f"{tr('shares')} {said}"


def _variations(pair: _Pair) -> Iterator[str]:
    old, new = pair.before.variations, pair.after.variations
    for one in new[len(old) :] if new[: len(old)] == old else new:
        yield tr("varied by {share}", share=f"{one.strength:.0%}".replace("%", " %"))
    if len(new) < len(old):
        yield tr("no longer varied")


_SAID: Mapping[str, Callable[[_Pair], Iterator[str]]] = {
    "task": _task,
    "words.prompt": _prompt,
    "words.negative_prompt": _negative,
    "canvas.width": _size,
    "canvas.height": _height,
    "sampling.denoise": _denoise,
    "adapters": _adapters,
    "variations": _variations,
    "shares": _shares,
}

# What a task brings whole is told whole.
_OF_A_TASK: Mapping[str, Callable[[_Pair], Iterator[str]]] = {
    "masking": _masking,
    "placement": _placement,
    "enlarging": _enlarging,
    "sparing": _sparing,
    "second": _passes,
}
