"""Upscaler files: told by their tensors, in every spelling that people have, or refused by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn.functional import interpolate

from generation.catalog.catalog import Catalog
from generation.catalog.quantised import Contents
from generation.catalog.recognition import of_file
from generation.catalog.upscalers import UpscalerBuild, read_upscaler, tensors
from generation.errors import PickleRefused, UnusableWeights
from generation.modules.rrdb import RRDBNet
from tests.given import upscalers
from tests.given.upscalers import FOUR, ONE_BY_SHUFFLE, SPELLINGS, TINY, TWO_BY_SHUFFLE, Spelling

Shapes = dict[str, tuple[int, ...]]


def shapes(build: UpscalerBuild, spelling: Spelling = upscalers.as_real_esrgan) -> Shapes:
    return {spelling(key, build): shape for key, shape in tensors(build).items()}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("build", [TINY, FOUR, replace(FOUR, ups=3), replace(FOUR, ups=0)])
def test_every_spelling_says_the_same_network(build: UpscalerBuild, spelling: Spelling) -> None:
    reading = read_upscaler(Contents(shapes=shapes(build, spelling)), "x")
    assert reading.build == build
    assert reading.used == {key: spelling(key, build) for key in tensors(build)}
    found = of_file(shapes(build, spelling), "x")
    assert (found.kind, found.factor) == ("upscaler", 2**build.ups)


@pytest.mark.parametrize(("build", "factor"), [(TWO_BY_SHUFFLE, 2), (ONE_BY_SHUFFLE, 1)])
def test_pixels_that_are_taken_together_are_counted_against_the_factor(
    build: UpscalerBuild, factor: int
) -> None:
    assert of_file(shapes(build), "x").factor == factor


def test_the_network_has_the_tensors_that_are_written_down_and_enlarges_by_its_factor() -> None:
    for build in (TINY, FOUR, TWO_BY_SHUFFLE, ONE_BY_SHUFFLE):
        network = RRDBNet(
            width=build.width,
            growth=build.growth,
            blocks=build.blocks,
            ups=build.ups,
            shuffle=build.shuffle,
        )
        found = {key: tuple(value.shape) for key, value in network.state_dict().items()}
        assert found == tensors(build)
        with torch.inference_mode():
            made = network(torch.rand(1, 3, 8, 12))
        assert made.shape == (1, 3, 8 * build.factor, 12 * build.factor)


def test_a_catalog_lists_upscalers_and_refuses_pickled_ones_with_the_way_out(
    tmp_path: Path,
) -> None:
    upscalers.write(tmp_path / "sharp.safetensors", FOUR, upscalers.as_before_esrgan)
    (tmp_path / "RealESRGAN_x4plus.pth").write_bytes(b"\x80\x02}q\x00.")
    catalog = Catalog([tmp_path], tmp_path / "digests.json")
    catalog.scan()
    (entry,) = catalog.entries("upscaler")
    assert (entry.name, entry.factor, entry.family) == ("sharp", 4, "")
    assert catalog.find("SHARP.safetensors", "upscaler") == entry
    (refused,) = catalog.refused()
    assert isinstance(refused, PickleRefused)
    assert refused.name == "RealESRGAN_x4plus.pth"
    assert "safetensors" in refused.reason


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"body.0.rdb1.conv5.bias": None}, "are missing, such as body.0.rdb1.conv5.bias"),
        ({"conv_first.weight": None}, "are missing, such as conv_first.weight"),
        ({"conv_hr.weight": (8, 8, 1, 1)}, "has the shape (8, 8, 1, 1)"),
        ({"body.0.rdb1.conv1x1.weight": (4, 8, 1, 1)}, "conv1x1"),
        ({"body.99999999999.rdb1.conv1.weight": (4, 8, 3, 3)}, "missing"),
        ({"conv_first.weight": (8, 5, 3, 3)}, "takes 5 channels"),
        ({"conv_last.weight": (1, 8, 3, 3)}, "1 channels"),
        ({"RRDB_trunk.0.RDB1.conv1.weight": (4, 8, 3, 3)}, "RRDB_trunk"),
    ],
)
def test_a_file_that_is_not_wholly_one_is_refused_with_the_tensor(
    change: dict[str, tuple[int, ...] | None], says: str
) -> None:
    changed = {key: s for key, s in (shapes(TINY) | change).items() if s is not None}
    with pytest.raises(UnusableWeights) as refused:
        of_file(changed, "x")
    assert says in refused.value.reason


def test_numbers_that_are_no_floats_are_refused() -> None:
    with pytest.raises(UnusableWeights, match="quantised"):
        of_file(shapes(TINY), "x", dtypes=dict.fromkeys(shapes(TINY), "I8"))


def test_a_card_that_calls_another_file_an_upscaler_is_refused() -> None:
    with pytest.raises(UnusableWeights, match="an upscaler like ESRGAN's that holds decoder"):
        of_file({"decoder.conv_in.weight": (512, 4, 3, 3)}, "x", kind="upscaler")


def test_twice_as_large_means_each_pixel_four_times_and_then_a_convolution() -> None:
    """The rectifier and the order of the last layers, written a second time for one network."""
    network = RRDBNet(width=8, growth=4, blocks=2, ups=1)
    network.load_state_dict(upscalers.weights(TINY))
    pixels = torch.rand(1, 3, 6, 6)
    with torch.inference_mode():
        first = network.conv_first(pixels)
        deep = network.body[1](network.body[0](first))
        wide = interpolate(first + network.conv_body(deep), scale_factor=2, mode="nearest")
        conv_up = network.get_submodule("conv_up1")
        rest = torch.where((y := conv_up(wide)) > 0, y, 0.2 * y)
        rest = torch.where((y := network.conv_hr(rest)) > 0, y, 0.2 * y)
        assert torch.allclose(network(pixels), network.conv_last(rest), atol=1e-6)
