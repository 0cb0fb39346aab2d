"""The same picture with more pixels: what is promised of it, with the real worker's parts."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from generation import enlarging
from generation.catalog.catalog import Catalog
from generation.draft import Draft, DraftCanvas
from generation.draft_enlarged import enlarged
from generation.enlarging import starts, tiles
from generation.errors import MissingWeights, OutOfRange
from generation.families.architecture import Stage
from generation.fleet.wire import Stepped
from generation.media.image import recipe_in
from generation.modules.rrdb import RRDBNet
from generation.recipe import Input, Recipe, Sha256, Weights, needed
from generation.tasks import Task
from generation.worker.memory import needs
from generation.worker.tasks.more_pixels import more_pixels
from generation.worker.tasks.tiles import Joining
from tests.given import tinymodels, upscalers
from tests.given.builders import a_digest, encoded
from tests.given.pausing import House, Table, a_table
from tests.given.upscalers import FOUR, TINY, TWO_BY_SHUFFLE
from tests.given.worker_process import WorkerProcess

Pixels = NDArray[np.uint8]

START = Input(role="init", sha256=a_digest("b"), fit="cover")


@cache
def a_picture(width: int = 48, height: int = 40) -> Image.Image:
    """Hard edges, thin lines and noise: what filters ring at."""
    dice = np.random.default_rng(5)
    made = dice.integers(20, 236, (height // 8, width // 8, 3), dtype=np.uint8)
    made = made.repeat(8, axis=0).repeat(8, axis=1)
    made[height // 2] = 255
    made[: height // 4] = dice.integers(110, 130, (height // 4, width, 3))
    return Image.fromarray(made)


def a_file(width: int = 48, height: int = 40) -> bytes:
    return encoded(a_picture(width, height))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    folder = tmp_path_factory.mktemp("upscaling")
    tinymodels.build_sd15(folder / "mine", seed=1)
    tinymodels.build_sd3(folder / "flow", seed=6)
    upscalers.write(folder / "two.safetensors", TINY)
    upscalers.write(folder / "four.safetensors", FOUR, upscalers.as_before_esrgan, seed=1)
    upscalers.write(folder / "shuffled.safetensors", TWO_BY_SHUFFLE, seed=2)
    catalog = Catalog([folder], folder.parent / "upscaling.json")
    catalog.scan()
    return House(folder=folder, catalog=catalog)


@pytest.fixture(scope="module")
def table(house: House) -> Table:
    return a_table(house, None)


@pytest.fixture(scope="module")
def worker(house: House) -> Iterator[WorkerProcess]:
    process = WorkerProcess(house.folder)
    yield process
    process.close()


def larger(house: House, upscaler: str | None = None, factor: int = 2, **changes: object) -> Draft:
    """A draft of the picture, that many times as large."""
    weights = own = None
    if upscaler is not None:
        entry = house.catalog.find(upscaler, "upscaler")
        weights, own = entry.weights, entry.factor
    how = replace(enlarging.plain(weights, own), **changes)  # type: ignore[arg-type]  # fields of it
    return Draft(
        task=Task.UPSCALE,
        canvas=DraftCanvas(width=48 * factor, height=40 * factor),
        enlarging=how,
        inputs=(START,),
    )


def redrawn(house: House, draft: Draft, model: str = "mine", sampler: str = "euler") -> Recipe:
    """The recipe that draws over it."""
    return house.recipe(
        model,
        task=Task.UPSCALE,
        inputs=(START,),
        enlarging=draft.enlarging,
        width=draft.canvas.width,
        height=draft.canvas.height,
        prompt="a red cat",
        sampler=sampler,
        denoise=0.5,
        seed=7,
    )


def pixels_of(png: bytes) -> Pixels:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def alike(one: Image.Image, other: Image.Image) -> float:
    """Decibels; a difference of one grey level everywhere is 48."""
    off = np.asarray(one, float) - np.asarray(other, float)
    return float(20 * np.log10(255 / max(np.sqrt((off**2).mean()), 1e-9)))


WAYS: dict[str, Callable[[House], Recipe]] = {
    "lanczos": lambda house: enlarged(larger(house)),
    "network": lambda house: enlarged(larger(house, "two", tile=32, overlap=8)),
    "network, twice": lambda house: enlarged(larger(house, "shuffled", 4)),
    "network, too much": lambda house: enlarged(larger(house, "four", 3)),
    "drawn over": lambda house: redrawn(house, in_pieces(larger(house))),
    "both": lambda house: redrawn(house, in_pieces(larger(house, "two", tile=32, overlap=8))),
    "both, by a flow": lambda house: redrawn(house, in_pieces(larger(house, "two")), "flow"),
    "with noise in each step": lambda house: redrawn(
        house, in_pieces(larger(house)), sampler="euler_ancestral"
    ),
}


def in_pieces(draft: Draft) -> Draft:
    how = replace(needed(draft.enlarging), redrawn_tile=64, redrawn_overlap=16)
    return replace(draft, enlarging=how)


# The others are these, with other sizes.
MATRIX = ("lanczos", "network", "both", "both, by a flow", "with noise in each step")


@pytest.mark.parametrize("way", MATRIX)
def test_paused_at_each_step_by_others_and_in_another_process_from_the_png_alone(
    house: House, table: Table, worker: WorkerProcess, way: str
) -> None:
    recipe, other = WAYS[way](house), house.recipe("mine", prompt="a blue dog")
    drawn = worker.draw(recipe, a_file())
    pixels = drawn.pixels_sha256, drawn.latents_sha256
    assert table.draw(recipe, a_file()) == pixels
    paused = table.draw_with_pauses(recipe, a_file(), meanwhile=lambda _: table.draw(other))
    assert paused == pixels
    found = recipe_in(drawn.file)
    assert found == recipe
    assert table.draw(found, a_file()) == pixels


def test_every_way_is_another_picture_and_only_drawing_asks_the_seed(
    house: House, table: Table
) -> None:
    drawn = {way: table.draw(recipe(house), a_file())[0] for way, recipe in WAYS.items()}
    assert len(set(drawn.values())) == len(WAYS)
    for way in ("network", "both"):
        again = table.draw(replace(WAYS[way](house), seed=8), a_file())[0]
        assert (again == drawn[way]) == (way == "network")


@pytest.mark.parametrize("spelling", upscalers.SPELLINGS)
def test_a_files_spelling_changes_no_pixel(
    tmp_path: Path, house: House, table: Table, spelling: upscalers.Spelling
) -> None:
    upscalers.write(tmp_path / "other.safetensors", TINY, spelling)
    catalog = Catalog([tmp_path], tmp_path / "digests.json")
    catalog.scan()
    other = a_table(House(folder=tmp_path, catalog=catalog), None)
    drawn = other.draw(enlarged(larger(other_house(catalog), "other")), a_file())
    assert drawn == table.draw(enlarged(larger(house, "two")), a_file())


def other_house(catalog: Catalog) -> House:
    return House(folder=Path(), catalog=catalog)


@pytest.mark.parametrize("way", ["lanczos", "network", "network, twice"])
def test_made_small_again_it_is_the_picture(house: House, worker: WorkerProcess, way: str) -> None:
    # What is at the ends of the range has no room for what a filter asks of it.
    picture = a_picture().point(lambda value: 60 + value * 136 // 255)
    drawn = worker.draw(WAYS[way](house), encoded(picture))
    large = Image.fromarray(pixels_of(drawn.file))
    for filter_ in (Image.Resampling.BOX, Image.Resampling.LANCZOS, Image.Resampling.BICUBIC):
        assert alike(large.resize((48, 40), filter_), picture) > 40


def test_steps_are_tiles_and_the_steps_of_each_piece(house: House, table: Table) -> None:
    table.heard.clear()
    table.draw(WAYS["both"](house), a_file())
    stepped = [one for one in table.heard if isinstance(one, Stepped)]
    network = len(tiles((48, 40), 32, 8))
    pieces = len(tiles((96, 80), 64, 16))
    assert (network, pieces) == (4, 4)
    assert [one.done for one in stepped] == list(range(1, network + 4 * pieces + 1))
    assert {one.total for one in stepped} == {network + 4 * pieces}
    assert [bool(one.preview) for one in stepped[:network]] == [False] * network
    shown = Image.open(io.BytesIO(stepped[network].preview))
    assert shown.size == (96, 80)


def test_tiles_cover_each_pixel_and_fade_where_they_meet() -> None:
    for side, tile, overlap in ((100, 100, 20), (101, 40, 8), (64, 40, 20), (41, 40, 0)):
        found = starts(side, tile, overlap)
        assert found[0] == 0
        assert found[-1] + tile == side
        assert all(b - a <= tile - overlap for a, b in pairwise(found))
    joining = Joining((64, 16), (40, 16), 16)
    joining.add(np.zeros((16, 40, 3), np.float32), 0, 0)
    joining.add(np.ones((16, 40, 3), np.float32), 24, 0)
    row = joining.whole()[3, :, 0]
    assert row[:28].max() == 0.0
    assert row[36:].min() == 1.0
    assert (np.diff(row) >= 0).all()
    assert np.diff(row).max() <= 0.13


def test_tiles_that_share_what_the_network_sees_give_what_the_whole_gives() -> None:
    network = RRDBNet(width=8, growth=4, blocks=1, ups=1)
    network.load_state_dict(upscalers.weights(replace(TINY, blocks=1)))
    picture = np.asarray(a_picture(200, 96), np.float32)

    def made(tile: int | None, overlap: int | None) -> Pixels:
        how = replace(enlarging.plain(), corrections=None, tile=tile, overlap=overlap)
        with torch.inference_mode():
            return np.rint(more_pixels(picture, (400, 192), how, network, lambda: None))

    whole = made(None, None)
    # One block sees 19 pixels to each side; a quarter of what is shared counts for nothing.
    assert np.array_equal(made(168, 80), whole)
    assert not np.array_equal(made(32, 0), whole)


def test_a_picture_of_another_shape_gives_its_middle_and_a_larger_one_is_refused(
    house: House, worker: WorkerProcess
) -> None:
    recipe = enlarged(larger(house))
    wide = Image.new("RGB", (80, 40), (0, 0, 255))
    wide.paste(a_picture(), (16, 0))
    assert (
        worker.draw(recipe, encoded(wide)).pixels_sha256
        == worker.draw(recipe, a_file()).pixels_sha256
    )
    with pytest.raises(OutOfRange, match="at least 200x160"):
        worker.draw(recipe, encoded(a_picture(200, 160)))


def test_an_upscaler_that_is_not_here_is_named(house: House, worker: WorkerProcess) -> None:
    recipe = enlarged(larger(house, "two"))
    how = needed(recipe.enlarging)
    gone = Weights(name="gone", sha256=Sha256("0" * 64))
    with pytest.raises(MissingWeights) as missing:
        worker.draw(replace(recipe, enlarging=replace(how, upscaler=gone)), a_file())
    assert missing.value.name == "gone"


def test_memory_is_counted_for_a_tile_and_a_piece_not_for_the_whole_picture(house: House) -> None:
    cache = a_table(house, None).cache
    small, large = (redrawn(house, in_pieces(larger(house, "two", n))) for n in (2, 8))
    for recipe in (small, large):
        with cache.take(recipe, on_load=lambda _: None) as model:
            assert set(needs.stages(recipe)) == set(Stage) - {Stage.REFINE}
            needed_bytes = {s: needs.activations(recipe, model, s) for s in Stage}
            assert min(needed_bytes[s] for s in (Stage.ENLARGE, Stage.DENOISE, Stage.DECODE)) > 0
    assert needs.stages(enlarged(larger(house))) == ()
    assert needs.stages(enlarged(larger(house, "two"))) == (Stage.ENLARGE,)
    with cache.take(small, on_load=lambda _: None) as model:
        assert needs.most_activations(small, model) == needs.most_activations(large, model)


def test_neighbours_that_were_drawn_apart_meet_without_a_seam(
    house: House, worker: WorkerProcess
) -> None:
    """How steep pixels are across the borders of pieces, against everywhere else."""
    recipe = redrawn(house, in_pieces(larger(house, None, 4)))
    made = pixels_of(worker.draw(recipe, a_file()).file).astype(float)
    across = np.abs(np.diff(made, axis=1)).mean(axis=(0, 2))
    lefts = {left for left, _ in tiles((192, 160), 64, 16)} - {0}
    borders = {edge + shift for left in lefts for edge in (left, left + 16) for shift in (-1, 0)}
    inside = sorted(set(range(len(across))) - borders)
    at_borders = np.mean([across[edge] for edge in sorted(borders)])
    assert at_borders < 1.15 * np.mean(across[inside])
