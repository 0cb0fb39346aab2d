"""Claims about a picture of which a part is drawn anew: the rest is the picture, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from generation.errors import OutOfRange
from generation.families.family import FAMILIES
from generation.media.photos import load
from generation.recipe import Canvas, Placement, Recipe, needed
from generation.samplers import SAMPLERS
from generation.worker.codecs.joining import grown, joined
from generation.worker.render import render
from tests.given import loaded, tinymodels
from tests.given.builders import changed
from tests.given.partly import a_mask, further, masked, white_in
from tests.given.worker_process import a_photo

PHOTO = a_photo()


def pixels(recipe: Recipe, *inputs: bytes) -> NDArray[np.uint8]:
    architecture = FAMILIES[recipe.family].architecture.name
    model = loaded.model("sd1" if recipe.family == "starter" else architecture)
    canvas = needed(recipe.canvas)
    content = render(recipe, inputs, model, on_step=lambda *_: None).content
    return np.frombuffer(content, np.uint8).reshape(canvas.height, canvas.width, 3)


def fitted(recipe: Recipe) -> NDArray[np.uint8]:
    canvas = needed(recipe.canvas)
    return np.asarray(load(PHOTO, width=canvas.width, height=canvas.height, fit="cover"))


def of(architecture: str, **changes: object) -> Recipe:
    return changed(loaded.recipe_of(architecture), **changes)


@pytest.mark.parametrize("denoise", [0.5, 1.0])
@pytest.mark.parametrize("architecture", tinymodels.PICTURES)
def test_outside_a_mask_no_pixel_differs_and_inside_they_do(
    architecture: str, denoise: float
) -> None:
    mask = a_mask(90, 70)
    recipe = masked(of(architecture, width=96, height=64), PHOTO, mask, denoise=denoise)
    drawn, area = pixels(recipe, PHOTO, mask), white_in(mask, recipe)
    assert np.array_equal(drawn[~area], fitted(recipe)[~area])
    assert (drawn[area] != fitted(recipe)[area]).any(axis=1).mean() > 0.9


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_nor_do_they_with_any_sampler_and_what_is_kept_stays_kept_in_the_latents(
    sampler: str,
) -> None:
    mask = a_mask()
    recipe = masked(of("sd1", sampler=sampler, scheduler="karras"), PHOTO, mask, blur=0.0)
    guesses: list[torch.Tensor] = []
    inputs, model = (PHOTO, mask), loaded.sd15()
    made = render(
        recipe, inputs, model, on_step=lambda _, __, x0: guesses.append(needed(x0).clone())
    )
    drawn = np.frombuffer(made.content, np.uint8).reshape(64, 64, 3)
    area = white_in(mask, recipe)
    assert np.array_equal(drawn[~area], fitted(recipe)[~area])
    corners = [guess[0, :, 0, 0] for guess in guesses]
    assert all(torch.equal(corner, corners[0]) for corner in corners)
    assert not torch.equal(guesses[0][0, :, 4, 4], guesses[-1][0, :, 4, 4])


@pytest.mark.parametrize("grow", [0, 1, 9])
@pytest.mark.parametrize("blur", [0.0, 2.5, 40.0])
def test_however_soft_its_edge_nothing_outside_the_grown_mask_differs(
    grow: int, blur: float
) -> None:
    mask = a_mask(share=0.3)
    recipe = masked(of("sd1"), PHOTO, mask, grow=grow, blur=blur)
    drawn, area = pixels(recipe, PHOTO, mask), grown(white_in(mask, recipe), grow)
    assert np.array_equal(drawn[~area], fitted(recipe)[~area])
    assert (area.sum() > white_in(mask, recipe).sum()) == (grow > 0)


def test_a_picture_of_a_size_that_is_not_drawn_keeps_its_size_and_all_outside_the_mask() -> None:
    mask = a_mask(90, 70)
    for drawn in (Canvas(width=80, height=64), Canvas(width=128, height=96)):
        small = of("sd1", width=drawn.width, height=drawn.height)
        recipe = changed(masked(small, PHOTO, mask), drawn=drawn, width=91, height=71)
        after, area = pixels(recipe, PHOTO, mask), white_in(mask, recipe)
        assert after.shape == (71, 91, 3)
        assert np.array_equal(after[~area], fitted(recipe)[~area])
        assert (after[area] != fitted(recipe)[area]).any(axis=1).mean() > 0.9


def test_a_mask_grows_by_whole_pixels_in_every_direction() -> None:
    point = np.zeros((21, 21), dtype=bool)
    point[10, 10] = True
    ys, xs = np.mgrid[-10:11, -10:11]
    for pixels_more in (0, 1, 3, 7):
        assert np.array_equal(grown(point, pixels_more), ys**2 + xs**2 <= pixels_more**2)


def test_a_step_across_the_border_is_only_what_was_drawn() -> None:
    dice = np.random.default_rng(1)
    picture = np.full((40, 40, 3), 120, np.uint8)
    missed = dice.integers(-40, 40, (40, 1, 3))
    drawn, area = (picture + missed).astype(np.uint8), np.zeros((40, 40), dtype=bool)
    area[:, 20:] = True
    met = joined(picture, drawn, area, 2.0).astype(int)
    assert np.abs(met[:, 20] - met[:, 19]).max() <= 1
    assert np.array_equal(met[:, 36:], drawn[:, 36:]), "far inside it is what was drawn"


def test_an_edge_that_differs_in_colour_alone_is_not_seen() -> None:
    """The network gave everything back darker: where it joins, there is no step."""
    picture = np.full((64, 64, 3), 150, dtype=np.uint8)
    area = np.zeros((64, 64), dtype=bool)
    area[:, 32:] = True
    darker = picture - 20
    soft, hard = joined(picture, darker, area, 6.0), joined(picture, darker, area, 0.0)
    steps = np.abs(np.diff(soft[32].astype(int), axis=0)).max()
    assert steps <= 3
    assert np.abs(np.diff(hard[32].astype(int), axis=0)).max() == 20
    assert np.array_equal(soft[:, 52:], darker[:, 52:])


def test_another_seed_draws_another_part_and_the_same_rest() -> None:
    mask = a_mask()
    one = masked(of("sd1"), PHOTO, mask)
    first, second = (pixels(changed(one, seed=seed), PHOTO, mask) for seed in (1, 2))
    area = white_in(mask, one)
    assert np.array_equal(first[~area], second[~area])
    assert not np.array_equal(first[area], second[area])


def test_where_everything_is_drawn_anew_nothing_shines_through_of_what_lay_there() -> None:
    """Another thing inside the mask, the same around it: the same drawing."""
    from io import BytesIO

    from PIL import Image

    from tests.given.builders import encoded

    mask = a_mask(share=0.25)
    with Image.open(BytesIO(PHOTO)) as opened:
        plain = opened.convert("RGB").resize((64, 64))
    thing = plain.copy()
    thing.paste((255, 255, 0), (31, 31, 33, 33))
    recipes = [masked(of("sd1"), encoded(p), mask, blur=0.0) for p in (plain, thing)]
    half = [masked(of("sd1"), encoded(p), mask, blur=0.0, denoise=0.6) for p in (plain, thing)]
    model = loaded.sd15()

    def inside(recipe: Recipe, picture: Image.Image) -> NDArray[np.float64]:
        made = render(recipe, (encoded(picture), mask), model, on_step=lambda *_: None).content
        return np.frombuffer(made, np.uint8).reshape(64, 64, 3)[28:36, 28:36].astype(float)

    anew = np.abs(inside(recipes[0], plain) - inside(recipes[1], thing)).mean()
    over = np.abs(inside(half[0], plain) - inside(half[1], thing)).mean()
    assert anew < over / 3


@pytest.mark.parametrize("architecture", ["sd1", "sd2", "sdxl", "sd3"])
@pytest.mark.parametrize(
    "placement",
    [
        Placement(left=0, top=0, width=64, height=64),
        Placement(left=32, top=0, width=64, height=64),
        Placement(left=19, top=5, width=45, height=35),
        Placement(left=-24, top=-8, width=96, height=64),
    ],
    ids=["to the right", "to the left", "zoomed out", "panned"],
)
def test_what_is_drawn_further_holds_the_picture_as_it_is(
    architecture: str, placement: Placement
) -> None:
    recipe = further(of(architecture, width=96, height=64), PHOTO, placement)
    drawn = pixels(recipe, PHOTO)
    here = load(PHOTO, width=placement.width, height=placement.height, fit="cover")
    left, top = max(0, placement.left), max(0, placement.top)
    kept = np.asarray(here)[top - placement.top :, left - placement.left :][: 64 - top, : 96 - left]
    there = drawn[top : top + kept.shape[0], left : left + kept.shape[1]]
    assert np.array_equal(there, kept)
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) > len(
        np.unique(kept.reshape(-1, 3), axis=0)
    )


def test_a_place_beside_the_canvas_or_all_of_it_leaves_nothing_to_draw() -> None:
    recipe = of("sd1", width=96, height=64)
    for placement in (
        Placement(left=96, top=0, width=64, height=64),
        Placement(left=0, top=-64, width=64, height=64),
        Placement(left=0, top=0, width=96, height=64),
        Placement(left=-8, top=-8, width=200, height=200),
    ):
        with pytest.raises(OutOfRange, match="placement"):
            further(recipe, PHOTO, placement)
