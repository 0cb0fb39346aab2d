"""An edit that moves, zooms, tints or spills is told from one that leaves the rest as it was."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from generation.trials.preservation import Preservation, preservation

SIDE, FINER = 128, 4
RED, BLUE = (200, 40, 40), (40, 40, 200)


def scene(seed: int, *, disc: tuple[int, int, int] | None = RED) -> Image.Image:
    """A disc in a landscape with some things in it, drawn finer than it is looked at."""
    dice = np.random.default_rng(seed)
    whole = SIDE * FINER
    picture = Image.new("RGB", (whole, whole), (120, 170, 220))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, whole * 2 // 3, whole, whole), fill=(90, 150, 70))
    for _ in range(6):
        x, y, size = (int(n) for n in dice.integers(40, whole // 2, 3))
        colour = tuple(int(n) for n in dice.integers(0, 255, 3))
        pen.ellipse((x * 2 - size, y * 2 - size, x * 2, y * 2), fill=colour)
    if disc is not None:
        pen.ellipse((150, 150, 330, 330), fill=disc)
    return picture


def seen(picture: Image.Image, *, x: float = 0, y: float = 0, zoom: float = 1) -> Image.Image:
    """A scene at its size, moved by pixels of that size and zoomed about the middle."""
    middle, scale = picture.width / 2, 1 / zoom
    ways = [(scale, 0, x), (0, scale, y)]
    numbers = [n for a, b, way in ways for n in (a, b, middle * (1 - scale) - scale * way * FINER)]
    moved = picture.transform(
        picture.size, Image.Transform.AFFINE, numbers, Image.Resampling.BICUBIC
    )
    return moved.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def grainy(picture: Image.Image, strength: float = 2) -> Image.Image:
    """With noise such as a decoder's."""
    numbers = np.asarray(picture, dtype=np.float64)
    noise = np.random.default_rng(1).normal(0, strength, numbers.shape)
    return Image.fromarray((numbers + noise).clip(0, 255).astype(np.uint8))


def times(picture: Image.Image, *factors: float) -> Image.Image:
    return Image.fromarray((np.asarray(picture) * np.array(factors)).clip(0, 255).astype(np.uint8))


def disc_mask() -> Image.Image:
    mask = Image.new("L", (SIDE, SIDE))
    ImageDraw.Draw(mask).ellipse((34, 34, 86, 86), fill=255)
    return mask


@pytest.mark.parametrize("seed", range(4))
def test_a_picture_is_preserved_in_itself_and_under_a_little_grain(seed: int) -> None:
    picture = seen(scene(seed))
    alike = preservation(picture, picture)
    assert alike == Preservation(same_size=True, shift=0, zoom=0, drift=0, outside=None)
    assert preservation(picture, grainy(picture)).faults == ()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("disc", [BLUE, None], ids=["recoloured", "removed"])
def test_one_thing_that_was_changed_is_no_fault(
    seed: int, disc: tuple[int, int, int] | None
) -> None:
    before, after = seen(scene(seed)), seen(scene(seed, disc=disc))
    found = preservation(before, grainy(after))
    assert found.faults == ()
    assert max(found.shift, found.zoom) < 0.2


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("x", "y"), [(0.5, 0.0), (1.5, 0.3), (-2.25, 1.0), (7.0, -3.0)], ids=lambda n: f"{n:g}"
)
def test_a_shift_is_measured_in_parts_of_a_pixel(seed: int, x: float, y: float) -> None:
    before, after = seen(scene(seed)), grainy(seen(scene(seed, disc=BLUE), x=x, y=y))
    found = preservation(before, after)
    assert found.shift == pytest.approx(np.hypot(x, y), abs=0.15)
    assert found.zoom < 0.3
    assert any("moved" in said for said in found.faults) == (np.hypot(x, y) > 1)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("zoom", [0.95, 0.97, 1.02, 1.05])
def test_a_zoom_is_told_from_a_shift(seed: int, zoom: float) -> None:
    found = preservation(seen(scene(seed)), grainy(seen(scene(seed, disc=BLUE), zoom=zoom)))
    assert found.shift < 0.5
    assert found.zoom == pytest.approx(abs(zoom - 1) * SIDE / 2**0.5, rel=0.4)
    assert any("zoomed" in said for said in found.faults)


@pytest.mark.parametrize(
    "tint", [(1.1, 1.0, 0.9), (0.9, 0.9, 0.9), (1.0, 1.0, 1.15)], ids=["warm", "dark", "blue"]
)
def test_a_tint_is_a_drift_and_a_disc_of_another_colour_is_none(tint: tuple[float, ...]) -> None:
    before, changed = seen(scene(1)), seen(scene(1, disc=BLUE))
    assert preservation(before, changed).drift < 0.5
    drifted = preservation(before, times(changed, *tint))
    assert drifted.drift > 2
    assert any("drifted" in said for said in drifted.faults)


def test_the_night_moves_nothing() -> None:
    found = preservation(seen(scene(2)), times(seen(scene(2)), 0.3, 0.35, 0.6))
    assert (found.shift < 0.1, found.zoom < 0.1, found.drift > 20) == (True, True, True)


def test_with_a_mask_colour_and_place_are_those_of_what_it_spares() -> None:
    before = seen(scene(3))
    repainted = before.copy()
    repainted.paste(seen(scene(0), x=9), mask=disc_mask())
    found = preservation(before, repainted, mask=disc_mask())
    assert (found.outside, found.drift, found.faults) == (0, 0, ())
    assert found.shift < 0.1


def test_one_byte_outside_a_mask_is_a_fault() -> None:
    before = seen(scene(3))
    spilt = before.copy()
    red, green, blue = before.getpixel((2, 3))  # type: ignore[misc]  # it has three bands
    spilt.putpixel((2, 3), (red, green, blue ^ 1))
    found = preservation(before, spilt, mask=disc_mask())
    assert found.outside == 1
    assert found.faults == ("1 pixels differ outside the mask",)


def test_another_size_is_a_fault_and_the_rest_is_compared_at_the_firsts() -> None:
    before = seen(scene(1))
    found = preservation(before, before.resize((136, 120), Image.Resampling.LANCZOS))
    assert not found.same_size
    assert "another size" in found.faults
    assert found.shift < 0.5


def test_a_plain_picture_has_nothing_that_could_have_moved() -> None:
    plain = Image.new("RGB", (64, 48), (9, 90, 200))
    assert preservation(plain, plain).faults == ()


def test_it_is_a_program_too(tmp_path: Path) -> None:
    seen(scene(1)).save(tmp_path / "a.png")
    seen(scene(1), x=3).save(tmp_path / "b.png")
    said = subprocess.run(
        [sys.executable, "-m", "generation.trials.preservation", "a.png", "b.png"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = json.loads(said)
    assert found["shift"] == pytest.approx(3, abs=0.15)
    assert [said.split()[0] for said in found["faults"]][:1] == ["moved"]
