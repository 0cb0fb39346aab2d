"""Pages of models, LoRAs and styles, with the pictures that lie beside the files."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bot.pages import replies
from bot.pages.catalog_page import PER_PAGE, CatalogRow, catalog_page, page_of
from bot.pages.preview_sheet import GAP, SIDE, preview_sheet
from generation.catalog.previews import preview_of
from tests.given.apps import a_studio
from tests.given.builders import a_lora, a_model_folder


def rows(count: int) -> list[CatalogRow]:
    return [CatalogRow(line=f"`{n}`" + "x" * 140, preview=None) for n in range(count)]


@given(st.integers(0, 400), st.integers(-3, 999))
def test_a_page_exists_and_fits_into_a_message(count: int, number: int) -> None:
    page = page_of(rows(count), number)
    assert 1 <= page.number <= page.pages
    assert len(page.rows) <= PER_PAGE
    text = catalog_page("Models", page, "/models list", "`/imagine model:` names one.")
    assert len(text) < replies.MAX_CONTENT
    assert f"({count})" in text


def test_pages_show_everything_once() -> None:
    every = rows(23)
    shown = [row for n in range(1, page_of(every, 1).pages + 1) for row in page_of(every, n).rows]
    assert shown == every


def picture(path: Path, colour: str = "red") -> Path:
    Image.new("RGB", (60, 40), colour).save(path)
    return path


@pytest.mark.parametrize("name", ["x.preview.png", "x.png", "x.jpg", "x.safetensors.png"])
def test_a_picture_beside_the_weights_is_found(name: str, tmp_path: Path) -> None:
    assert preview_of(tmp_path / "x.safetensors") is None
    picture(tmp_path / name)
    assert preview_of(tmp_path / "x.safetensors") == tmp_path / name


def test_a_folder_has_its_own(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    picture(tmp_path / "m" / "preview.png")
    assert preview_of(tmp_path / "m") == tmp_path / "m" / "preview.png"


def test_what_is_no_picture_is_left_out_of_the_sheet(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no picture")
    numbered = [(4, tmp_path / "bad.png"), (5, picture(tmp_path / "a.png")), (6, tmp_path / "gone")]
    png = preview_sheet(numbered)
    assert png is not None
    sheet = Image.open(io.BytesIO(png))
    assert sheet.size == (SIDE + 2 * GAP, SIDE + 2 * GAP)
    assert sheet.getpixel((SIDE // 2, SIDE // 2)) == (255, 0, 0)
    assert preview_sheet(numbered[:1]) is None


@pytest.mark.usefixtures("contract")
async def test_pages_are_for_the_one_who_asks(tmp_path: Path) -> None:
    a_model_folder(tmp_path / "models")
    a_lora(tmp_path / "models", "ink")
    picture(tmp_path / "models" / "ink.preview.png")
    async with a_studio(tmp_path) as studio:
        here = studio.world
        await here.ann.command("models list")
        assert "`tiny`" in (await here.ann.sees("### Models")).content
        await here.ann.command("loras")
        page = await here.ann.sees("### LoRAs (")
        assert "`ink`" in page.content
        assert [one.filename for one in page.attachments] == ["previews.png"]
        await here.ann.command("styles", page=2)
        assert "Page 2 of" in (await here.ann.sees("### Styles")).content
        assert here.ben.messages() == []
        assert not here.faults
