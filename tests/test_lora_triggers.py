"""What a LoRA was taught to listen to: read from its header, and said once where it belongs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.studio.assistant import PromptAssist
from bot.studio.triggers import placed, says
from generation.catalog.loras.triggers import MOST_READ, triggers_of
from tests.given.apps import a_studio
from tests.given.builders import a_lora, a_model_folder
from tests.given.results import is_result, recipe_of
from tests.given.words import a_writer, words_by


def tagged(**sets: Mapping[str, int]) -> dict[str, str]:
    """kohya's table of tags, one for each folder of pictures."""
    return {
        "ss_tag_frequency": json.dumps({name.replace("__", " "): t for name, t in sets.items()})
    }


ATTRIBUTES = {"long hair": 20, "blue eyes": 20, "looking at viewer": 14, "smile": 9}


@pytest.mark.parametrize(
    ("metadata", "triggers"),
    [
        ({"modelspec.trigger_phrase": "m40z1d4n"}, ("m40z1d4n",)),
        ({"modelspec.trigger_phrase": "ohwx man, studio"}, ("ohwx man", "studio")),
        (tagged(**{"10_m40z1d4n": {"m40z1d4n": 20, "1girl": 20, **ATTRIBUTES}}), ("m40z1d4n",)),
        (tagged(**{"5_ohwx__man": {"ohwx man": 12, "1boy": 11}}), ("ohwx man",)),
        (
            tagged(**{"3_hatsune_miku": {"hatsune miku": 40, "twintails": 40, "1girl": 39}}),
            ("hatsune miku",),
        ),
        (tagged(**{"1_images": {"1girl": 30, "sks_style": 30, "outdoors": 12}}), ("sks_style",)),
        (tagged(img={"zkz04": 9, "red dress": 9, "pearl earrings": 9}), ("zkz04",)),
        (
            tagged(**{"4_arlecchino": {"arlecchino (genshin impact)": 31, "white hair": 31}}),
            ("arlecchino (genshin impact)",),
        ),
        (
            tagged(
                **{
                    "2_outfitA": {"outfitA": 10, "1girl": 10},
                    "2_outfitB": {"outfitB": 8, "1girl": 8},
                }
            ),
            ("outfitA", "outfitB"),
        ),
        (tagged(**{"10_style": {"1girl": 50, "outdoors": 31, "smile": 30}}), ()),
        (tagged(**{"10_x": {"1girl": 12, "solo": 12, "blonde hair": 12}}), ()),
        (tagged(**{"1_all": {f"thing {n} of many": 5 for n in range(40)}}), ()),
        (tagged(empty={}), ()),
        ({}, ()),
        ({"ss_tag_frequency": "[1, 2"}, ()),
        ({"ss_tag_frequency": '{"a": 3, "b": {"x": "many"}}'}, ()),
        ({"ss_tag_frequency": "{" * 100_000}, ()),
        ({"ss_tag_frequency": " " * (MOST_READ + 1)}, ()),
    ],
)
def test_triggers_are_what_nearly_all_captions_have_and_no_ordinary_picture(
    metadata: dict[str, str], triggers: tuple[str, ...]
) -> None:
    assert triggers_of(metadata) == triggers


@pytest.mark.parametrize(
    "evil", ["<lora:x:1>", "a {b|c}", "(x:1.9)", "__list__", "a\x1bb", "--no x"]
)
def test_what_a_prompt_would_read_is_no_trigger(evil: str) -> None:
    assert triggers_of({"modelspec.trigger_phrase": evil}) == ()


def test_a_trigger_stands_behind_quality_words_and_before_what_is_shown() -> None:
    prompt = "masterpiece, best quality, 1girl, solo, red dress, night"
    assert placed(prompt, ["m40z1d4n"], "illustrious") == (
        "masterpiece, best quality, 1girl, solo, m40z1d4n, red dress, night"
    )
    assert placed("A castle at dusk. Fog.", ["TOK style"], "flux1").startswith(
        "TOK style, A castle"
    )


@pytest.mark.parametrize("spelling", ["sks style", "SKS_Style", "a cat, (sks style:1.2)"])
def test_a_trigger_that_is_said_in_any_spelling_is_said(spelling: str) -> None:
    assert says(spelling, "sks_style")
    assert not says("asks styles", "sks style")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    models = tmp_path / "models"
    (a_model_folder(models) / "atelier.toml").write_text('family = "sd15"\n')
    a_lora(models, "maoz", "sd15", metadata={"modelspec.trigger_phrase": "m40z1d4n"})
    a_lora(models, "mute", "sd15", card='trigger = "kq77"\n')
    return tmp_path


def assist() -> PromptAssist:
    return words_by(a_writer())


async def test_found_words_get_the_trigger_once_and_say_so(folder: Path) -> None:
    async with a_studio(folder, prompt_assist=assist()) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red cat", lora="maoz:0.7")
        first = await ann.sees(is_result)
        assert (await recipe_of(first)).prompt.count("m40z1d4n") == 1
        assert "was taught to listen" in first.content
        await ann.press(first, "✨")
        second = await ann.sees(is_result, after=first)
        assert (await recipe_of(second)).prompt.count("m40z1d4n") == 1
        await ann.command("imagine", prompt="a M40Z1D4N cat <lora:maoz:1>")
        third = await ann.sees(is_result, after=second)
        assert (await recipe_of(third)).prompt.casefold().count("m40z1d4n") == 1
        await ann.command("imagine", prompt="a red cat", lora="mute")
        fourth = await ann.sees(is_result, after=third)
        assert "kq77" in (await recipe_of(fourth)).prompt, "its card says what it listens to"


async def test_words_that_nobody_may_touch_are_left_and_the_trigger_is_told(folder: Path) -> None:
    async with a_studio(folder, prompt_assist=assist()) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red cat", lora="maoz", assist="off")
        message = await ann.sees(is_result)
        assert (await recipe_of(message)).prompt == "a red cat"
        assert "listens to “m40z1d4n”" in message.content
