"""Pictures that the platform takes, whatever their size."""

from __future__ import annotations

import io

from PIL import Image

from bot.chat.uploads import fitting
from generation.media.image import IMAGE
from tests.given.builders import noisy_png


def test_a_small_png_is_posted_as_it_is() -> None:
    png = noisy_png(8)
    assert fitting([png], [12], [IMAGE], 10**6) == (("12.png", png),)


def test_a_large_picture_is_shown_in_another_format_below_the_limit() -> None:
    ((name, data),) = fitting([noisy_png(300)], [12], [IMAGE], 100_000)
    assert len(data) <= 100_000
    assert name == "12.jpg"
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.size == (300, 300)


def test_a_flat_picture_stays_lossless() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (1000, 1000), (10, 20, 30)).save(buffer, "PNG", compress_level=0)
    ((name, _),) = fitting([buffer.getvalue()], [1], [IMAGE], 100_000)
    assert name == "1.webp"


def test_a_message_holds_ten_pictures_at_most() -> None:
    assert len(fitting([noisy_png(8)] * 12, list(range(12)), [IMAGE] * 12, 10**6)) == 10
