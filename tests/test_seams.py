"""How well a part that is drawn anew meets the rest, with the built-in model and its judge.

python -m pytest tests/test_seams.py -s -m slow     the tables of docs/changing.md
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import distance_transform_edt

from bot.studio.reshaping import Base, masked, widened
from bot.studio.wishes import Wish
from generation.draft import DraftWords
from generation.families.family import FAMILIES
from generation.media.colour import apart
from generation.recipe import Sha256
from generation.training.editor.trials import EditTrial, edit_trials
from tests.given.apps import a_wish
from tests.given.builders import a_draft, encoded
from tests.given.partly import a_mask, white_in
from tests.given.starter_pictures import drawn, recipe_of, seen

COUNT = int(os.environ.get("SEAMS", "10"))
DENOISES = (0.6, 0.8, 1.0)
ANOTHER = 25.0  # delta E: a thing of another colour, and no shade of the ground
NEAR = 8  # pixels: what the seam is compared with

Area = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A picture of the starter, and what it shall become."""

    asked: EditTrial
    picture: Image.Image
    base: Base
    png: bytes


def seam(picture: Image.Image, area: Area) -> float:
    """The contrast of neighbours across the border of the area, by that of neighbours near it."""
    levels = np.asarray(picture, dtype=np.float64)
    away = np.where(area, distance_transform_edt(area), distance_transform_edt(~area))
    across, beside = [], []
    for axis in (0, 1):
        step = np.abs(np.diff(levels, axis=axis)).mean(axis=2)
        differs = np.diff(area, axis=axis)
        close = np.delete(away, -1, axis=axis)
        across.append(step[differs])
        beside.append(step[~differs & (close > 2) & (close <= NEAR)])
    return float(np.concatenate(across).mean() / np.concatenate(beside).mean())


def trials(aspect: str) -> Iterator[Trial]:
    """Of combinations that were never in its training; no watercolours, whose paper is a frame."""
    chosen = [one for one in edit_trials(aspect, 3 * COUNT, 1) if one.before.style != "watercolor"]
    for asked in chosen[:COUNT]:
        recipe = recipe_of(a_draft(asked.caption_before), asked.seed)
        picture = drawn(recipe)
        png = encoded(picture)
        base = Base(
            origin=a_wish().origin,
            file=Sha256(hashlib.sha256(png).hexdigest()),
            width=picture.width,
            height=picture.height,
            family=FAMILIES[recipe.family],
        )
        yield Trial(asked=asked, picture=picture, base=base, png=png)


def of(trial: Trial, wish: Wish, prompt: str, denoise: float, *inputs: bytes) -> Image.Image:
    sampling = replace(wish.draft.sampling, denoise=denoise)
    draft = replace(wish.draft, words=DraftWords(prompt=prompt), sampling=sampling)
    return drawn(recipe_of(draft, trial.asked.seed), *inputs)


def means(rows: Sequence[tuple[float, ...]]) -> list[float]:
    return [float(np.mean(column)) for column in zip(*rows, strict=True)]


@pytest.mark.slow
def test_what_is_drawn_further_meets_the_picture() -> None:
    given = list(trials("object"))
    print(f"\n{COUNT} pictures\n| denoise | seam | another thing in it |")
    for denoise in DENOISES:
        rows = []
        for trial in given:
            wish = widened(trial.base, ("right",), None)
            new = of(trial, wish, trial.asked.caption_before, denoise, trial.png)
            width = trial.picture.width
            assert np.array_equal(np.asarray(new)[:, :width], np.asarray(trial.picture))
            area = np.zeros((new.height, new.width), dtype=bool)
            area[:, width:] = True
            edge = np.repeat(np.asarray(trial.picture)[:, -1:], new.width - width, axis=1)
            added = new.crop((width, 0, new.width, new.height))
            other = (apart(Image.fromarray(edge), added) > ANOTHER).mean()
            rows.append((seam(new, area), float(other > 0.05)))
        meets, another = means(rows)
        print(f"| {denoise:g} | {meets:.2f} | {another:.2f} |", flush=True)
        assert meets < 6.0


@pytest.mark.slow
@pytest.mark.parametrize("aspect", ["object", "colour"])
def test_what_is_asked_of_a_part_comes_true_and_the_rest_is_copied(aspect: str) -> None:
    mask, given = a_mask(128, 128, share=0.85), list(trials(aspect))
    best = 0.0
    print(f"\n{COUNT} pictures, another {aspect}\n| denoise | came | stayed | seam | before |")
    for denoise in DENOISES:
        rows, verdicts = [], []
        for trial in given:
            wish = masked(trial.base, Sha256(hashlib.sha256(mask).hexdigest()), None)
            new = of(trial, wish, trial.asked.caption_after, denoise, trial.png, mask)
            area = white_in(mask, recipe_of(wish.draft, 1))
            assert np.array_equal(np.asarray(new)[~area], np.asarray(trial.picture)[~area])
            rows.append((seam(new, area), seam(trial.picture, area)))
            verdicts.append(verdict(trial, new, aspect))
        (meets, before), (came, stayed) = means(rows), means(verdicts)
        print(f"| {denoise:g} | {came:.2f} | {stayed:.2f} | {meets:.2f} | {before:.2f} |")
        best = max(best, came)
        assert denoise < 1.0 or meets < 2.0
    assert best >= 0.7


def verdict(trial: Trial, new: Image.Image, aspect: str) -> tuple[float, float]:
    """Whether the judge reads what was asked, and all else as it read it before."""
    before, after = seen([trial.picture, new])
    wanted = getattr(trial.asked.after, aspect)
    others = [kind for kind in before if kind != aspect]
    return float(after[aspect] == wanted), float(
        all(before[kind] == after[kind] for kind in others)
    )
