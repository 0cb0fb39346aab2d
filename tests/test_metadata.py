"""Claims about the PNG that carries its recipe."""

from __future__ import annotations

import hashlib
import io
import zlib

import pytest
from PIL import Image

from generation.errors import BadPicture, OutOfRange
from generation.interchange.infotext import infotext
from generation.media.image import pixels_sha256, png, recipe_in
from generation.recipe import Adapter, Input, Recipe, Sha256, Weights, dump
from generation.tasks import Task
from tests.given import builders
from tests.given.builders import a_chunk, changed

RGB = bytes(range(256)) * 3 * 4  # 32 x 32 pixels


def a_recipe() -> Recipe:
    return builders.a_recipe(
        checkpoint=Weights(name="starter", sha256=Sha256("ab" * 32)),
        width=32,
        height=32,
        sampler="dpmpp_2m",
        scheduler="karras",
        sigmas=(14.6, 1.0, 0.0),
        steps=2,
        cfg=4.5,
        seed=7,
    )


def written(recipe: Recipe) -> bytes:
    return png(RGB, recipe)


def test_the_pixels_that_come_out_went_in() -> None:
    file = written(a_recipe())
    with Image.open(io.BytesIO(file)) as image:
        assert image.mode == "RGB"
        assert image.tobytes() == RGB
    assert pixels_sha256(file) == hashlib.sha256(RGB).hexdigest()


def test_the_recipe_that_comes_out_went_in() -> None:
    plain = a_recipe()
    rich = changed(
        plain,
        task=Task.IMAGE_TO_IMAGE,
        prompt='ein "Mädchen", 花 🌸: (sehr:1.2), \\(x\\)',
        negative_prompt="blurry",
        inputs=(Input(role="init", sha256=Sha256("cd" * 32), fit="cover"),),
        adapters=(
            Adapter(
                kind="lora",
                weights=Weights(name="ink", sha256=Sha256("ef" * 32)),
                strength=0.8,
                control=None,
            ),
        ),
        denoise=0.6,
        clip_skip=2,
    )
    for recipe in (plain, rich):
        assert recipe_in(written(recipe)) == recipe


def test_the_infotext_speaks_a1111() -> None:
    recipe = changed(
        a_recipe(),
        checkpoint=Weights(name="Star, ter", sha256=Sha256("ab" * 32)),
        negative_prompt="blurry",
        clip_skip=2,
        adapters=(
            Adapter(
                kind="lora",
                weights=Weights(name="ink", sha256=Sha256("ef" * 32)),
                strength=0.8,
                control=None,
            ),
        ),
    )
    first, second, third = infotext(recipe).splitlines()
    assert first == "a red flower <lora:ink:0.8>"
    assert second == "Negative prompt: blurry"
    assert third.startswith(
        "Steps: 2, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 4.5, Seed: 7, "
        'Size: 32x32, Model hash: ababababab, Model: "Star, ter", Clip skip: 2'
    )
    with Image.open(io.BytesIO(written(recipe))) as image:
        assert image.info["parameters"] == infotext(recipe)


def test_a_foreign_picture_has_no_recipe() -> None:
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "PNG")
    assert recipe_in(out.getvalue()) is None
    assert recipe_in(b"") is None
    assert recipe_in(b"\xff\xd8\xff\xe0 a JPEG") is None


def with_chunk(kind: bytes, data: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + a_chunk(kind, data) + a_chunk(b"IEND", b"")


def test_a_recipe_is_read_from_every_kind_of_text_chunk() -> None:
    text = dump(a_recipe()).encode()
    for kind, data in (
        (b"tEXt", b"atelier\0" + text),
        (b"zTXt", b"atelier\0\0" + zlib.compress(text)),
        (b"iTXt", b"atelier\0\0\0\0\0" + text),
        (b"iTXt", b"atelier\0\1\0\0\0" + zlib.compress(text)),
    ):
        assert recipe_in(with_chunk(kind, data)) == a_recipe()


@pytest.mark.parametrize(
    "data",
    [
        b"atelier\0\0\0\0\0not json",
        b'atelier\0\0\0\0\0{"format":"r9"}',
        b"atelier\0\0\0\0\0[1, 2]",
        b"atelier\0\0\0\0\0" + b"[" * 100_000,
        b"atelier\0\1\0\0\0" + zlib.compress(b"0" * 50_000_000),
        b"atelier\0\1\0\0\0rubbish",
        b"atelier\0\0\0\0\0\xff\xfe",
        b"atelier\0\0",
    ],
)
def test_a_strangers_recipe_is_refused_and_never_more(data: bytes) -> None:
    with pytest.raises(OutOfRange):
        recipe_in(with_chunk(b"iTXt", data))


def test_a_cut_file_has_no_recipe_or_the_whole_one() -> None:
    file = written(a_recipe())
    for length in range(len(file)):
        assert recipe_in(file[:length]) in (None, a_recipe())


def test_what_is_no_png_has_no_pixels() -> None:
    for data in (b"", b"GIF89a", written(a_recipe())[:-40]):
        with pytest.raises(BadPicture):
            pixels_sha256(data)
