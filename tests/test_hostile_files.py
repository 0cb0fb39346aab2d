"""Files that unpack: one budget for the whole of one, and nobody else waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import struct
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from bot.studio.opening import AT_ONCE, Opening
from generation.errors import BadPicture, OutOfRange
from generation.media import photos, pngchunks
from generation.media.image import pixels_sha256, png, recipe_in
from generation.recipe import dump, needed
from tests.given.builders import a_chunk, a_recipe, encoded

RED = (200, 30, 40)


def a_png(*pieces: bytes) -> bytes:
    """A small red picture with these pieces between its header and its pixels."""
    plain = encoded(Image.new("RGB", (64, 64), RED))
    return plain[:33] + b"".join(pieces) + plain[33:]


def ours() -> bytes:
    return a_chunk(b"iTXt", b"atelier\0\0\0\0\0" + dump(a_recipe()).encode())


ONE_MIB = zlib.compress(bytes(2**20), 9)


def cost(work: Callable[[], object]) -> float:
    """The least processor time of a few tries."""
    tries = []
    for _ in range(3):
        began = time.process_time()
        work()
        tries.append(time.process_time() - began)
    return min(tries)


def inflate(times: int) -> None:
    for _ in range(times):
        zlib.decompress(ONE_MIB)


@pytest.mark.parametrize(
    "bomb", [b"zTXtk\0\0" + ONE_MIB, b"iTXtk\0\1\0\0\0" + ONE_MIB, b"iCCPp\0\0" + ONE_MIB]
)
def test_a_file_of_bombs_costs_a_walk_along_them(bomb: bytes) -> None:
    pieces = a_chunk(bomb[:4], bomb[4:]) * 600
    file = a_png(pieces, ours())
    assert recipe_in(file) == a_recipe()
    assert cost(lambda: recipe_in(file)) < cost(lambda: inflate(60))
    assert cost(lambda: photos.check(file)) < cost(lambda: inflate(60))


@pytest.mark.parametrize("key", [b"atelier", b"XML:com.adobe.xmp", b"Raw profile type exif"])
def test_bombs_under_names_that_are_read_have_one_budget(key: bytes) -> None:
    pieces = a_chunk(b"zTXt", key + b"\0\0" + ONE_MIB) * 600
    file = a_png(pieces)

    def read() -> None:
        with contextlib.suppress(OutOfRange):
            recipe_in(file)
        photos.check(file)

    assert cost(read) < cost(lambda: inflate(60))


def test_a_picture_of_countless_pieces_is_refused() -> None:
    file = a_png(a_chunk(b"tEXt", b"k\0") * (pngchunks.MAX_CHUNKS + 1))
    for read in (recipe_in, photos.check, pixels_sha256):
        with pytest.raises(BadPicture):
            read(file)


@pytest.mark.parametrize("side", [6400, 13_000])
def test_more_pixels_than_any_picture_of_ours_are_not_unpacked_to_compare_them(side: int) -> None:
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    file = (
        pngchunks.SIGNATURE
        + a_chunk(b"IHDR", header)
        + a_chunk(b"IDAT", b"")
        + a_chunk(b"IEND", b"")
    )
    with pytest.raises(BadPicture, match="megapixels"):
        pixels_sha256(file)


@pytest.mark.parametrize(
    "piece",
    [
        a_chunk(b"iCCP", b"icc\0\0" + zlib.compress(os.urandom(1_500_000))),
        a_chunk(b"zTXt", b"workflow\0\0" + zlib.compress(b"x" * 1_500_000)),
        a_chunk(b"iTXt", b"workflow\0\1\0\0\0" + zlib.compress(b"x" * 1_500_000)),
        a_chunk(b"zTXt", b"workflow\0\7no method"),
        a_chunk(b"iCCP", b"icc\0\7"),
        a_chunk(b"gAMA", b""),
        a_chunk(b"fcTL", b"out of order"),
        a_chunk(b"acTL", bytes(8)) + a_chunk(b"acTL", bytes(7)),
        a_chunk(b"acTL", b"\0\0\0\1\0\0\0\1") + a_chunk(b"fcTL", b"\1" * 26),
        a_chunk(b"eXIf", b"rubbish"),
        a_chunk(b"p:\0\xff", b"nobody knows it"),
        a_chunk(b"tEXt", b"a\0b")[:-4] + b"\0\0\0\0",
        a_chunk(b"tRNS", b"\0\1\0\2\0\3")[:-4] + b"\0\0\0\0",
        a_chunk(b"zTXt", b"XML:com.adobe.xmp\0\0" + ONE_MIB * 2),
    ],
)
def test_what_stands_beside_the_pixels_refuses_no_picture(piece: bytes) -> None:
    file = a_png(piece)
    assert photos.check(file).width == 64
    assert photos.load(file, width=64, height=64, fit="cover").getpixel((32, 32)) == RED
    assert pixels_sha256(file) == pixels_sha256(a_png())


def test_what_decides_pixels_stays() -> None:
    turned = Image.Exif()
    turned[0x112] = 6
    halves = Image.new("RGB", (64, 32), (0, 0, 0))
    halves.paste(RED, (0, 0, 32, 32))
    xmp = b'XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation="6"/>'
    plain = encoded(halves)
    by_text = plain[:33] + a_chunk(b"iTXt", xmp) + plain[33:]
    for file in (encoded(halves, exif=turned), by_text):
        assert (photos.check(file).width, photos.check(file).height) == (32, 64)
    clear = a_png(a_chunk(b"tRNS", struct.pack(">HHH", *RED)))
    assert photos.load(clear, width=64, height=64, fit="cover").getpixel((1, 1)) == (255,) * 3
    frames = [Image.new("RGB", (64, 64), colour) for colour in (RED, (0, 255, 0))]
    moving = encoded(frames[0], save_all=True, append_images=frames[1:])
    assert photos.check(moving).animated
    assert photos.load(moving, width=64, height=64, fit="cover").getpixel((32, 32)) == RED


def test_pixels_are_digested_in_strips_as_they_are_as_a_whole() -> None:
    for mode in ("RGB", "L", "P", "1", "RGBA", "LA"):
        image = ImageOps.contain(Image.effect_noise((300, 700), 80), (300, 700)).convert(mode)
        file = encoded(image)
        with Image.open(io.BytesIO(file)) as opened:
            whole = opened.convert("RGB").tobytes()
        assert b"".join(photos.rows(file)) == whole


def test_the_frames_of_an_animation_are_not_counted() -> None:
    """To count those of a GIF, all of them are read."""
    frames = [Image.new("RGB", (32, 32), colour) for colour in (RED, (0, 255, 0))]
    one, two = (
        encoded(frames[0], "GIF"),
        encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50),
    )
    frame = two[two.rindex(b"\x21\xf9") : -1]
    many = two[:-1] + frame * 30_000 + b";"
    assert photos.check(many).animated
    assert cost(lambda: photos.check(many)) < 200 * cost(lambda: photos.check(one))


def test_what_is_light_is_known_by_the_header() -> None:
    small = Image.new("RGB", (640, 640))
    assert photos.is_light(encoded(small))
    assert not photos.is_light(encoded(Image.new("RGB", (2048, 2048))))
    jpeg = encoded(small, "JPEG", progressive=True)
    assert photos.is_light(jpeg)
    scan = jpeg[jpeg.rindex(b"\xff\xda") : -2]
    assert not photos.is_light(jpeg[:-2] + scan * 1000 + jpeg[-2:])  # 1,000 times over it all


async def test_a_large_picture_is_decoded_apart_with_the_same_answer() -> None:
    file = encoded(Image.new("RGB", (2100, 2000), RED))
    opening = Opening()
    assert await opening.check(file) == photos.check(file)
    recipe = a_recipe(width=2104, height=2000)
    ours = png(bytes(RED) * needed(recipe.canvas).pixels, recipe)
    assert not photos.is_light(ours)
    assert await opening.carried(ours) == (recipe, pixels_sha256(ours))
    with pytest.raises(BadPicture, match="cut short"):
        await opening.check(file[:-2000])


async def test_a_picture_that_never_ends_unpacking_ends_in_a_sentence() -> None:
    large = encoded(Image.new("RGB", (2100, 2000), RED))
    stuck = (sys.executable, "-c", "import time; time.sleep(600)")
    with pytest.raises(BadPicture, match="too long"):
        await Opening(stuck, seconds=0.2).check(large)
    broken = (sys.executable, "-c", "raise MemoryError")
    with pytest.raises(BadPicture, match="memory"):
        await Opening(broken).check(large)


async def test_only_a_few_pictures_are_decoded_at_once(tmp_path: Path) -> None:
    large = encoded(Image.new("RGB", (2100, 2000), RED))
    script = (
        "import os, sys, pathlib, time\n"
        f"here = pathlib.Path({str(tmp_path)!r}); mine = here / str(os.getpid())\n"
        "mine.touch(); time.sleep(0.1)\n"
        "n = len(list(here.iterdir())); mine.unlink()\n"
        'print(\'{"refused": "%d"}\' % n)\n'
    )
    opening = Opening((sys.executable, "-c", script))
    results = await asyncio.gather(
        *(opening.check(large) for _ in range(6)), return_exceptions=True
    )
    seen = [int(result.reason) for result in results if isinstance(result, BadPicture)]
    assert len(seen) == 6
    assert max(seen) <= AT_ONCE
