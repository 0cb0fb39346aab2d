"""Claims about pictures that people send."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from generation.errors import BadPicture, OutOfRange
from generation.media.photos import MAX_PIXELS, check, load
from tests.given.builders import encoded


def halves(width: int = 64, height: int = 32, mode: str = "RGB") -> Image.Image:
    """Left half red, right half blue."""
    image = Image.new("RGB", (width, height), (255, 0, 0))
    image.paste((0, 0, 255), (width // 2, 0, width, height))
    return image.convert(mode)


def png_claiming(width: int, height: int, payload: bytes = b"") -> bytes:
    """A PNG whose header promises this size, whatever its pixels are."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(payload))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_the_usual_formats_are_known_by_their_bytes(kind: str) -> None:
    facts = check(encoded(halves(), kind))
    assert (facts.width, facts.height, facts.format, facts.animated) == (64, 32, kind, False)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a PNG"),
        (b"hello, I am no picture", "not a PNG"),
        (encoded(Image.new("RGB", (1, 1))), "1x1"),
        (encoded(Image.new("RGB", (2000, 2))), "2000x2"),
        (encoded(halves())[:60], "cut short"),
        (encoded(halves(640, 640), "JPEG")[:2000], "cut short"),
        (encoded(halves(), "WEBP")[:40], "cut short"),
        (encoded(halves(), "GIF")[:50], "cut short"),
        (png_claiming(10_000, 10_000), "100 megapixels"),
        (png_claiming(64, 64), "cut short"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "cut short"),
        (b"\xff\xd8\xff" + b"\0" * 100, "cut short"),
        (b"GIF89a" + b"\xff" * 100, ""),
        (b"RIFF\0\0\0\0WEBP" + b"\xff" * 100, "cut short"),
        (b"BM" + b"\xff" * 100, ""),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a PNG"),
    ],
)
def test_what_is_no_usable_picture_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(BadPicture) as refusal:
        check(data)
    assert reason in refusal.value.reason
    with pytest.raises(BadPicture):
        load(data, width=64, height=64, fit="cover")


def test_a_bomb_is_refused_by_its_header_before_anything_is_decoded() -> None:
    side = int(MAX_PIXELS**0.5) + 1
    with pytest.raises(BadPicture, match="megapixel"):
        check(png_claiming(side, side, b"\0" * 10_000_000))
    with pytest.raises(BadPicture, match="megapixel"):
        check(png_claiming(2**31 - 1, 2**31 - 1))


def test_no_prefix_of_a_file_raises_anything_else() -> None:
    for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP"):
        whole = encoded(halves(), kind)
        for length in range(0, len(whole) - 1, 7):
            try:
                check(whole[:length])
            except BadPicture:
                continue


def test_an_animation_gives_its_first_frame_and_says_so() -> None:
    frames = [Image.new("RGB", (32, 32), c) for c in ("red", "green", "blue")]
    for kind in ("GIF", "WEBP", "PNG"):
        options: dict[str, object] = {"lossless": True} if kind == "WEBP" else {}
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
        assert check(data).animated
        assert load(data, width=32, height=32, fit="cover").getpixel((5, 5)) == (255, 0, 0)


def test_a_photo_is_turned_as_its_exif_says() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 270 degrees to look at it
    data = encoded(halves(), "JPEG", exif=exif, quality=95)
    assert (check(data).width, check(data).height) == (32, 64)
    turned = load(data, width=32, height=64, fit="cover")
    red, _, blue = turned.getpixel((16, 8))  # type: ignore[misc]  # an RGB pixel
    assert red > 200
    assert blue < 60


# Pillow says so in passing and goes on, which is what we want of it.
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")
def test_a_damaged_exif_block_does_not_lose_the_picture() -> None:
    data = encoded(halves(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert check(data).width == 64


def test_transparency_lies_over_white() -> None:
    clear = Image.new("RGBA", (32, 32), (255, 0, 0, 0))
    assert load(encoded(clear), width=32, height=32, fit="cover").getpixel((3, 3)) == (255,) * 3
    palette = halves(32, 32).quantize(4)
    data = encoded(palette, transparency=palette.getpixel((0, 0)))
    loaded = load(data, width=32, height=32, fit="cover")
    assert loaded.getpixel((3, 3)) == (255, 255, 255)
    assert loaded.getpixel((30, 3)) == (0, 0, 255)


@pytest.mark.parametrize("mode", ["CMYK", "L", "1", "P", "LA", "YCbCr"])
def test_every_colour_mode_becomes_rgb(mode: str) -> None:
    kind = "JPEG" if mode in ("CMYK", "YCbCr") else "PNG"
    loaded = load(encoded(halves(mode=mode), kind), width=64, height=32, fit="cover")
    assert (loaded.mode, loaded.size) == ("RGB", (64, 32))


def test_a_cmyk_photo_keeps_its_colours() -> None:
    red, green, blue = load(
        encoded(halves(mode="CMYK"), "JPEG", quality=95), width=64, height=32, fit="cover"
    ).getpixel((8, 8))  # type: ignore[misc]  # an RGB pixel
    assert red > 200
    assert max(green, blue) < 60


def test_sixteen_bits_keep_their_brightness() -> None:
    grey = Image.new("I;16", (32, 32), 128 * 257)
    assert load(encoded(grey), width=32, height=32, fit="cover").getpixel((3, 3)) == (128,) * 3


def test_cover_fills_the_size_and_keeps_the_middle() -> None:
    wide = Image.new("RGB", (300, 100), "white")
    wide.paste((0, 0, 0), (100, 0, 200, 100))
    loaded = load(encoded(wide), width=64, height=64, fit="cover")
    assert loaded.size == (64, 64)
    assert loaded.getpixel((32, 32)) == (0, 0, 0)


def test_the_same_bytes_give_the_same_pixels() -> None:
    data = encoded(halves(333, 217), "JPEG")
    first = load(data, width=128, height=96, fit="cover").tobytes()
    assert load(data, width=128, height=96, fit="cover").tobytes() == first


def test_an_unknown_fit_is_refused() -> None:
    with pytest.raises(OutOfRange, match="fit"):
        load(encoded(halves()), width=64, height=64, fit="squeeze")


def test_loading_needs_nothing_but_pillow() -> None:
    source = Path(load.__code__.co_filename).read_text()
    assert "torch" not in source
