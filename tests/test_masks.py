"""A mask is what people mean by what they send: white, a hole, a stroke over a copy."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from generation.errors import BadMask, BadPicture
from generation.media import masks
from tests.given.builders import encoded

BOX = (20, 30, 60, 70)


def a_picture(width: int = 160, height: int = 120) -> Image.Image:
    """Slopes of colour, with a sharp thing in them."""
    slope = Image.linear_gradient("L").resize((width, height))
    across = slope.transpose(Image.Transpose.ROTATE_90).resize((width, height))
    picture = Image.merge("RGB", (slope, across, slope.point(lambda v: 255 - v)))
    ImageDraw.Draw(picture).rectangle((100, 20, 130, 90), fill=(20, 30, 120))
    return picture


def area_of(png: bytes) -> NDArray[np.bool_]:
    """What is drawn anew; the file holds black and white and nothing between."""
    with Image.open(io.BytesIO(png)) as image:
        assert image.mode == "L"
        values: NDArray[Any] = np.asarray(image)
    assert set(np.unique(values)) <= {0, 255}
    return np.asarray(values == 255)


def boxed(size: tuple[int, int] = (160, 120), mode: str = "L") -> Image.Image:
    mask = Image.new(mode, size)
    mask.paste("white", BOX)
    return mask


def the_box(height: int = 120, width: int = 160) -> NDArray[np.bool_]:
    area = np.zeros((height, width), dtype=bool)
    area[BOX[1] : BOX[3], BOX[0] : BOX[2]] = True
    return area


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("L", "PNG"), ("RGB", "PNG"), ("1", "PNG"), ("P", "GIF"), ("CMYK", "JPEG"), ("RGB", "JPEG")],
)
def test_white_is_drawn_anew_whatever_the_file(mode: str, kind: str) -> None:
    drawn = boxed(mode="RGB").convert(mode)
    options = {"quality": 95} if kind == "JPEG" else {}
    assert np.array_equal(area_of(masks.attached(encoded(drawn, kind, **options))), the_box())


def test_a_mask_of_sixteen_bits_is_read_by_its_upper_byte() -> None:
    values = np.where(the_box(), 60_000, 600).astype(np.uint16)
    assert np.array_equal(area_of(masks.attached(encoded(Image.fromarray(values)))), the_box())


def test_a_mask_is_turned_as_its_exif_says() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    turned = encoded(boxed().rotate(180), "JPEG", quality=95, exif=exif.tobytes())
    assert np.array_equal(area_of(masks.attached(turned)), the_box())


def test_an_animated_mask_gives_its_first_frame() -> None:
    frames = [boxed().convert("P"), Image.new("P", (160, 120))]
    gif = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert np.array_equal(area_of(masks.attached(gif)), the_box())


@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (200, 0, 0)])
def test_strokes_on_a_transparent_layer_are_the_mask_in_any_colour(
    colour: tuple[int, int, int],
) -> None:
    layer = Image.new("RGBA", (160, 120))
    layer.paste((*colour, 255), BOX)
    assert np.array_equal(area_of(masks.attached(encoded(layer))), the_box())


@pytest.mark.parametrize(
    ("grey", "reason"), [(0, masks.EMPTY), (90, masks.EMPTY), (255, masks.FULL)]
)
def test_a_mask_of_one_colour_is_refused_in_a_sentence(grey: int, reason: str) -> None:
    with pytest.raises(BadMask) as refusal:
        masks.attached(encoded(Image.new("L", (64, 64), grey)))
    assert refusal.value.reason == reason


@pytest.mark.parametrize("way", [masks.attached, masks.transparent])
@pytest.mark.parametrize(
    "data", [b"", b"words", encoded(Image.new("L", (1, 1))), encoded(boxed())[:60]]
)
def test_what_is_no_picture_is_no_mask(way: Any, data: bytes) -> None:
    with pytest.raises(BadPicture):
        way(data)


def test_a_large_mask_is_kept_small() -> None:
    large = boxed().resize((4800, 3600))
    area = area_of(masks.attached(encoded(large)))
    assert max(area.shape) == masks.SIDE
    assert area.mean() == pytest.approx(the_box().mean(), rel=0.01)


def test_the_holes_of_a_picture_are_its_mask() -> None:
    picture = a_picture().convert("RGBA")
    picture.paste((255, 255, 255, 0), BOX)
    holes = masks.transparent(encoded(picture))
    assert holes is not None
    assert np.array_equal(area_of(holes), the_box())


def test_a_picture_without_holes_has_no_mask_and_one_of_holes_alone_is_refused() -> None:
    assert masks.transparent(encoded(a_picture())) is None
    assert masks.transparent(encoded(a_picture().convert("RGBA"))) is None
    with pytest.raises(BadMask):
        masks.transparent(encoded(Image.new("RGBA", (64, 64))))


def test_in_a_lossless_copy_exactly_what_was_drawn_over_is_the_mask() -> None:
    copy = a_picture()
    ImageDraw.Draw(copy).rectangle((BOX[0], BOX[1], BOX[2] - 1, BOX[3] - 1), fill=(255, 0, 255))
    area = area_of(masks.drawn_over(encoded(a_picture()), encoded(copy)))
    assert np.array_equal(area, the_box())


@pytest.mark.parametrize(
    ("kind", "quality"), [("JPEG", 60), ("JPEG", 80), ("JPEG", 95), ("WEBP", 60), ("WEBP", 90)]
)
@pytest.mark.parametrize("scale", [1, 2])
def test_in_a_lossy_copy_of_any_size_it_is_what_was_drawn_over_and_little_more(
    kind: str, quality: int, scale: int
) -> None:
    picture, box = a_picture(640, 480), (80, 120, 240, 280)
    copy = picture.copy()
    ImageDraw.Draw(copy).ellipse(box, fill=(255, 0, 255))
    true = Image.new("L", picture.size)
    ImageDraw.Draw(true).ellipse(box, fill=255)
    copy = copy.resize((640 * scale, 480 * scale))
    found = area_of(masks.drawn_over(encoded(picture), encoded(copy, kind, quality=quality)))
    drawn = np.asarray(true) == 255
    assert (found & drawn).sum() / (found | drawn).sum() > 0.9
    around = Image.new("L", picture.size)
    ImageDraw.Draw(around).ellipse((64, 104, 256, 296), fill=255)
    assert not (found & (np.asarray(around) == 0)).any()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_copy_that_nobody_drew_on_is_refused(kind: str) -> None:
    with pytest.raises(BadMask) as refusal:
        masks.drawn_over(encoded(a_picture()), encoded(a_picture(), kind))
    assert refusal.value.reason == masks.NO_DIFFERENCE


def test_another_picture_or_one_of_another_shape_is_no_copy() -> None:
    other = Image.new("RGB", (160, 120), (255, 0, 255))
    with pytest.raises(BadMask, match="nearly all"):
        masks.drawn_over(encoded(a_picture()), encoded(other))
    with pytest.raises(BadMask, match="another shape"):
        masks.drawn_over(encoded(a_picture()), encoded(a_picture().crop((0, 0, 120, 120))))


def test_a_line_around_something_means_what_is_inside_and_paint_around_it_does_not() -> None:
    line, paint = a_picture(), a_picture()
    ImageDraw.Draw(line).ellipse((20, 20, 90, 100), outline=(255, 0, 255), width=4)
    ImageDraw.Draw(paint).rectangle((0, 0, 159, 119), fill=(255, 0, 255))
    paint.paste(a_picture().crop((60, 40, 120, 90)), (60, 40))
    inside = area_of(masks.drawn_over(encoded(a_picture()), encoded(line)))
    around = area_of(masks.drawn_over(encoded(a_picture()), encoded(paint)))
    assert inside[60, 55]
    assert not inside[5, 5]
    assert around[5, 5]
    assert not around[60, 90]
