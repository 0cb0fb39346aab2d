"""How a checkpoint is spoken to: as its card says, as a finetune of its name, or as its family."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from generation.catalog.catalog import Catalog
from generation.families.family import FAMILIES
from tests.given.apps import a_studio
from tests.given.builders import a_model_folder
from tests.given.results import is_result, recipe_of
from tests.given.words import a_writer, words_by


@pytest.mark.parametrize(
    ("called", "dialect"),
    [
        ("ponyDiffusionV6XL", "pony"),
        ("waiIllustriousSDXL_v140", "illustrious"),
        ("noobaiXLNAIXL_vPred", "noobai"),
        ("animagine-xl-4.0", "illustrious"),
        ("juggernautXL", "sdxl"),
    ],
)
def test_a_finetune_is_known_by_its_name_where_only_words_depend_on_it(
    called: str, dialect: str
) -> None:
    assert FAMILIES["sdxl"].dialect_of(called) == dialect
    assert FAMILIES["sd15"].dialect_of(called) == "sd15"


async def test_a_card_says_how_its_model_is_spoken_to(tmp_path: Path) -> None:
    folder = a_model_folder(tmp_path / "models")
    (folder / "atelier.toml").write_text('family = "sd15"\ndialect = "illustrious"\n')
    async with a_studio(tmp_path, prompt_assist=words_by(a_writer())) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a girl in a red dress", assist="on")
        first = await ann.sees(is_result)
        assert "1girl, solo, red dress" in (await recipe_of(first)).prompt
        await ann.press(first, "✨")
        second = await ann.sees(is_result, after=first)
        assert "1girl, solo, red dress" in (await recipe_of(second)).prompt


def test_the_family_itself_stays_what_it_is(tmp_path: Path) -> None:
    folder = a_model_folder(tmp_path)
    (folder / "atelier.toml").write_text('family = "sd15"\ndialect = "pony"\n')
    catalog = Catalog([tmp_path], tmp_path / "digests.json")
    catalog.scan()
    model = catalog.models()[0].model
    assert model.family is FAMILIES["sd15"]
    assert model.spoken_to == replace(FAMILIES["sd15"], dialect="pony")
