"""A contact sheet: every picture whole in its place, every title readable, within the limit."""

from __future__ import annotations

import io

from PIL import Image, ImageChops

from bot.pages.contact_sheet import GAP, LINES, WIDTH, Tile, TileRow, contact_sheet, encoded
from bot.pages.lettering import drawable, fitted, font

RED, BLUE = (255, 0, 0), (0, 0, 255)


def a_tile(size: tuple[int, int] = (64, 64), colour: tuple[int, int, int] = RED) -> Tile:
    return Tile(picture=Image.new("RGB", size, colour))


def area(sheet: Image.Image, colour: tuple[int, int, int]) -> tuple[int, int]:
    """Width and height of what has that colour."""
    apart = ImageChops.difference(sheet, Image.new("RGB", sheet.size, colour)).convert("L")
    box = apart.point(lambda level: 255 if level == 0 else 0).getbbox()
    assert box is not None
    return box[2] - box[0], box[3] - box[1]


def test_pictures_of_different_shapes_stand_whole_in_one_row() -> None:
    sheet = contact_sheet([TileRow(tiles=(a_tile((60, 90)), a_tile((90, 60), BLUE)))])
    tall, flat = area(sheet, RED), area(sheet, BLUE)
    assert abs(tall[1] / tall[0] - 1.5) < 0.01
    assert abs(flat[0] / flat[1] - 1.5) < 0.01


def test_five_columns_are_no_wider_than_a_sheet_and_one_no_wider_than_needed() -> None:
    five = contact_sheet([TileRow(tiles=(a_tile(),) * 5)])
    one = contact_sheet([TileRow(tiles=(a_tile(),))])
    assert WIDTH - 5 * GAP <= five.width <= WIDTH
    assert one.width < WIDTH / 2


def test_a_long_title_is_wrapped_and_cut_and_never_runs_into_the_next_column() -> None:
    letters = font(40)
    for text in ("a wording " * 50, "ponyDiffusionV6XL_v6StartWithThisOne" * 3, "雪地里的猫" * 40):
        rows = fitted(text, letters, 300, LINES)
        assert len(rows) == LINES
        assert rows[-1].endswith("…")
        assert all(letters.getlength(row) <= 300 for row in rows)
    assert fitted("steps 8", letters, 300, LINES) == ("steps 8",)
    assert "".join(fitted("雪地里的一只红色的猫", letters, 300, LINES)) == "雪地里的一只红色的猫"


def test_chinese_is_drawn_and_what_cannot_be_is_known() -> None:
    assert drawable("一只貓 в снегу, ねこ, café")
    assert not drawable("قطة")
    assert fitted("a قطة b", font(40), 300, LINES) == ("a  b",)
    one, other = (
        contact_sheet([TileRow(tiles=(Tile(picture=None, why=why),))]) for why in ("猫", "狗")
    )
    assert one.tobytes() != other.tobytes()  # letters, and no empty boxes


def test_why_there_is_no_picture_stands_in_its_place() -> None:
    sheet = contact_sheet([TileRow(tiles=(a_tile(), Tile(why="It did not fit.")))])
    blank = contact_sheet([TileRow(tiles=(a_tile(), Tile()))])
    assert sheet.size == blank.size
    left, _, _, _ = ImageChops.difference(sheet, blank).getbbox() or (0, 0, 0, 0)
    assert left > sheet.width / 2


def test_the_file_is_within_the_limit_whatever_it_is() -> None:
    noise = Image.effect_noise((640, 640), 200).convert("RGB")
    sheet = contact_sheet([TileRow(tiles=(Tile(picture=noise),) * 3)])
    for limit in (10 * 2**20, 100_000):
        suffix, data = encoded(sheet, limit)
        assert (suffix, len(data) <= limit) == (".webp", True)
        assert Image.open(io.BytesIO(data)).size[0] <= sheet.width
