"""An edit and a blend are the same pixels: again, in another process, and from the PNG alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from generation.media.image import pixels_sha256, recipe_in
from generation.picture import Picture
from generation.recipe import Recipe, Sparing, Variation, needed
from tests.given import tinymodels
from tests.given.builders import a_blue_png, a_recipe, changed
from tests.given.told import blending, editing, levels
from tests.given.worker_process import WorkerProcess, a_photo

EDITORS = {"edits": "starter", "edits-xl": "sdxl"}


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[WorkerProcess, WorkerProcess]]:
    """Two workers over the same models, of which the second has drawn another thing."""
    folder = tmp_path_factory.mktemp("models")
    models = (
        tinymodels.build_sd15(folder / "edits", channels=8),
        tinymodels.build_sdxl(folder / "edits-xl", channels=8),
        tinymodels.sd15(),
    )
    pair = WorkerProcess(*models), WorkerProcess(*models)
    pair[1].draw(plain(pair[1], "tiny-sd15", "starter"))
    yield pair
    for worker in pair:
        worker.close()


def plain(worker: WorkerProcess, name: str, family: str) -> Recipe:
    weights = worker.model(name).weights
    return a_recipe(checkpoint=weights, family=family, width=64, height=64, steps=3)


def same(one: Picture, two: Picture) -> bool:
    pixels = one.pixels_sha256 == two.pixels_sha256 == pixels_sha256(two.file)
    return pixels and one.latents_sha256 == two.latents_sha256


def is_exact(two: tuple[WorkerProcess, WorkerProcess], recipe: Recipe, *pictures: bytes) -> Picture:
    first, second = two
    drawn = first.draw(recipe, *pictures)
    found = needed(recipe_in(drawn.file))
    assert found == recipe
    assert same(drawn, first.draw(recipe, *pictures))
    assert same(drawn, second.draw(found, *pictures))
    return drawn


@pytest.mark.parametrize(("name", "sampler"), [("edits", "dpmpp_2m_sde"), ("edits-xl", "euler")])
def test_an_edit(two: tuple[WorkerProcess, WorkerProcess], name: str, sampler: str) -> None:
    recipe = plain(two[0], name, EDITORS[name])
    told = editing(recipe, a_photo(), **levels(recipe, sampler, 3), shows="a blue photo")
    varied = changed(told, variations=(Variation(seed=7, strength=0.3),))
    copied = changed(told, sparing=Sparing(within=40.0, soft=1.5, most=1.0))
    drawn = [is_exact(two, one, a_photo()) for one in (told, varied, copied)]
    assert drawn[0].recipe.described == "a blue photo"
    assert len({one.pixels_sha256 for one in drawn}) == 3
    # It is decided behind the drawing.
    assert drawn[0].latents_sha256 == drawn[2].latents_sha256


def test_a_blend(two: tuple[WorkerProcess, WorkerProcess]) -> None:
    photos = a_photo(), a_blue_png()
    recipe = plain(two[0], "tiny-sd15", "starter")
    drawn = is_exact(two, blending(recipe, *photos, shares=(0.3, 0.7)), *photos)
    other = two[0].draw(blending(recipe, *photos, shares=(0.7, 0.3)), *photos)
    assert other.pixels_sha256 != drawn.pixels_sha256
