"""Masks that people send are opened where they hurt nobody, and the result keeps the size."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bot.studio.opening import Opening
from bot.studio.reshaping import Base, masked, named
from generation.draft import complete
from generation.errors import BadMask, BadPicture, NoSegmenter, OutOfRange
from generation.families import sizes
from generation.families.family import FAMILIES
from generation.media import masks, photos
from generation.recipe import Recipe, Weights, needed
from tests.given.apps import a_wish, an_app
from tests.given.builders import a_digest, a_model, encoded
from tests.given.fakes import FakeWorker
from tests.given.segmenters import build_segmenter

FINDER = Weights(name="finder", sha256=a_digest("e"))


def a_base(width: int, height: int) -> Base:
    family = FAMILIES["starter"]
    return Base(
        origin=a_wish().origin,
        file=a_digest("c"),
        width=128,
        height=128,
        family=family,
        own=(width, height),
    )


def completed(wish: object) -> Recipe:
    return complete(wish.draft, a_model(), seed=1, device="cpu")  # type: ignore[attr-defined]


async def test_a_heavy_mask_is_opened_in_a_process_of_its_own_with_the_same_result() -> None:
    large = Image.new("L", (3000, 2000))
    large.paste(255, (600, 400, 1500, 1500))
    assert not photos.is_light(encoded(large))
    opening = Opening()
    assert await opening.mask("attached", encoded(large)) == masks.attached(encoded(large))
    with pytest.raises(BadMask):
        await opening.mask("attached", encoded(Image.new("L", (3000, 2000))))
    copy = large.convert("RGB")
    copy.paste((255, 0, 255), (0, 0, 300, 300))
    drawn_over = await opening.mask("drawn_over", encoded(large), encoded(copy))
    with Image.open(io.BytesIO(drawn_over)) as mask:
        assert np.asarray(mask)[:200, :200].all()
        assert not np.asarray(mask)[250:, :].any()


async def test_what_is_no_mask_is_refused_by_either_way() -> None:
    opening = Opening()
    for bad in (b"", b"words", encoded(Image.new("L", (1, 1)))):
        with pytest.raises(BadPicture):
            await opening.mask("attached", bad)
    with pytest.raises(OutOfRange):
        await opening.mask("guessed", encoded(Image.new("L", (64, 64))))
    assert await opening.mask("transparent", encoded(Image.new("L", (64, 64)))) == b""


@pytest.mark.parametrize("size", [(128, 128), (901, 603), (17, 300), (4000, 3000)])
def test_the_result_has_the_size_of_the_picture_even_if_no_model_draws_that(
    size: tuple[int, int],
) -> None:
    recipe = completed(masked(a_base(*size), a_digest("d"), "a hat"))
    assert (needed(recipe.canvas).width, needed(recipe.canvas).height) == size
    assert sizes.fit(recipe.drawn_at.width, recipe.drawn_at.height, FAMILIES["starter"])
    assert needed(recipe.sampling).denoise == 1.0
    assert needed(recipe.masking).blur == pytest.approx(min(size) / 64, abs=0.06)


@pytest.mark.parametrize(
    ("said", "region", "inverse"),
    [
        ("the hat", "the hat", None),
        ("everything but the cat", "the cat", True),
        ("All except for the dog", "the dog", True),
        ("除了猫", "猫", True),
        ("alles außer dem Boot", "dem Boot", True),
        ("the wall behind the cat", "the wall behind the cat", None),
    ],
)
def test_a_region_in_words_is_that_or_all_but_that(
    said: str, region: str, inverse: bool | None
) -> None:
    recipe = completed(named(a_base(128, 128), said, FINDER, "a hat"))
    masking = needed(recipe.masking)
    assert (masking.region, masking.inverse, masking.segmenter) == (region, inverse, FINDER)
    assert (masking.grow == 0) == bool(inverse)
    assert [item.role for item in recipe.inputs] == ["init"]


async def test_what_finds_a_region_is_what_lies_in_the_folder_of_models(tmp_path: Path) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        with pytest.raises(NoSegmenter):
            app.studio.offers.segmenter()
        build_segmenter(tmp_path / "models" / "finder")
        await app.studio.offers.changed()
        assert app.studio.offers.segmenter().name == "finder"
        assert app.studio.offers.segmenter("finder") == app.studio.offers.segmenter()
