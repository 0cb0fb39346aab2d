"""A blend starts from the mixture of its pictures, and from one alone where that has all."""

from __future__ import annotations

import io

import pytest
import torch
from PIL import Image

from generation.recipe import Input, Recipe, Sha256
from generation.tasks import Task
from generation.worker.render import render
from generation.worker.tasks.blend import mixed
from tests.given import loaded
from tests.given.builders import changed, encoded
from tests.given.worker_process import a_photo, redrawing


def another_photo() -> bytes:
    """Of another size and shape."""
    with Image.open(io.BytesIO(a_photo())) as photo:
        return encoded(photo.convert("RGB").rotate(90, expand=True).point(lambda v: 255 - v))


def blending(recipe: Recipe, *shares: float, pictures: int = 2) -> Recipe:
    """The same as a blend of photos."""
    redrawn = redrawing(recipe, a_photo())
    inputs = tuple(
        Input(role="init", sha256=Sha256(letter * 64), fit="cover") for letter in "abcd"[:pictures]
    )
    return changed(redrawn, task=Task.BLEND, inputs=inputs, shares=shares)


def latents(seed: int) -> torch.Tensor:
    return torch.randn((1, 4, 8, 8), generator=torch.Generator().manual_seed(seed))


def test_a_mixture_is_as_long_as_what_it_is_made_of() -> None:
    one, two = latents(1), latents(2)
    assert float((0.5 * one + 0.5 * two).norm()) < 0.8 * float(one.norm())
    half = mixed([one, two], (0.5, 0.5))
    assert float(half.norm()) == pytest.approx(float(one.norm() + two.norm()) / 2, rel=1e-5)
    assert torch.allclose(mixed([one, one], (0.3, 0.7)), one, atol=1e-6)


def test_shares_count_by_their_proportion_and_one_that_has_all_is_itself() -> None:
    three = [latents(seed) for seed in (1, 2, 3)]
    assert torch.equal(mixed(three, (0.2, 0.2, 0.4)), mixed(three, (0.1, 0.1, 0.2)))
    assert mixed(three, (0.0, 1.0, 0.0)) is three[1]
    near, far = (float(torch.dist(mixed(three, (s, 1 - s, 0.0)), three[0])) for s in (0.8, 0.2))
    assert near < far


def drawn(recipe: Recipe, *inputs: bytes) -> bytes:
    return render(recipe, inputs, loaded.sd15(), on_step=lambda *_: None).content


def test_two_to_four_pictures_of_any_size_are_one_picture_and_each_share_counts() -> None:
    plain, photos = loaded.recipe_of("sd1"), (a_photo(), another_photo())
    found = {
        drawn(blending(plain, *shares), *photos)
        for shares in ((0.5, 0.5), (0.2, 0.8), (1.0, 0.0), (0.0, 1.0))
    }
    assert len(found) == 4
    four = blending(plain, 0.25, 0.25, 0.25, 0.25, pictures=4)
    assert drawn(four, *photos, *photos) == drawn(blending(plain, 0.5, 0.5), *photos)
