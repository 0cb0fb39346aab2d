"""`python -m bot change`: what a reply would change, and the new picture beside the file."""

from __future__ import annotations

import io
import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from bot.cli.change import answer, serve
from bot.cli.changing import change
from bot.cli.console import Mistaken
from generation.media.image import png, recipe_in
from generation.tasks import Task
from tests.given.apps import some_settings
from tests.given.builders import a_recipe
from tests.given.fakes import FakeWorker

PARENT: dict[str, Any] = {
    "family": "sdxl",
    "task": "text-to-image",
    "prompt": "a red flower in a vase",
    "negative": "",
    "style": None,
    "width": 1024,
    "height": 1024,
    "steps": 28,
    "cfg": 6.0,
    "seed": 7,
    "count": 1,
    "loras": [],
}


def case(reply: str, **parent: Any) -> dict[str, Any]:
    return {"parent": {**PARENT, **parent}, "abilities": ["img2img"], "reply": reply}


def asked(picture: object, words: str, **flags: bool) -> Namespace:
    return Namespace(
        picture=str(picture), words=words, json=flags.get("json"), draw=flags.get("draw")
    )


def a_flower(folder: Path) -> Path:
    """A PNG that carries the recipe of a model that is there."""
    path = folder / "flower.png"
    recipe = a_recipe(prompt="a red flower", seed=7, width=64, height=64)
    path.write_bytes(png(bytes(3 * 64 * 64), recipe))
    return path


def test_every_line_gets_an_answer_whatever_it_holds() -> None:
    lines = [json.dumps(case("make it night")), "", "no JSON", "{}", json.dumps(case("🙂"))]
    out = io.StringIO()
    serve(io.StringIO("\n".join(lines)), out)
    found = [json.loads(line) for line in out.getvalue().splitlines()]
    assert len(found) == 4
    assert found[0]["kind"] == "edit"
    assert [set(one) for one in found[1:3]] == [{"error"}, {"error"}]


def test_what_is_not_asked_for_is_in_no_answer() -> None:
    found = answer(case("make it night"))
    assert found["set"] == {}
    assert found["changed"] == ["prompt"]
    assert found["said"].endswith("seed, size, model stay")
    assert answer(case("thanks!"))["set"] == {}


def test_what_cannot_be_done_is_said_with_what_comes_nearest() -> None:
    for reply in ("zoom out", "bigger"):
        assert "nearest" in answer(case(reply))["said"], reply


def test_what_no_model_here_makes_is_said_with_who_gets_one() -> None:
    for reply, what in (
        ("animate this plz", "clips"),
        ("what would it sound like?", "sounds"),
        ("turn it into 3D", "3D model"),
    ):
        said = answer(case(reply))["said"]
        assert what in said, reply
        assert "/models add" in said, reply


async def test_without_draw_the_change_is_said_and_nothing_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    worker = FakeWorker()
    flower = a_flower(tmp_path)
    assert await change(some_settings(tmp_path), asked(flower, "make it night"), [worker]) == 0
    said = capsys.readouterr().out
    assert "seed, size stay" in said
    assert "model" not in said, "another model is told what to change"
    assert "a red flower, at night" in said
    assert not worker.orders


async def test_with_draw_the_new_picture_lies_beside_the_file(tmp_path: Path) -> None:
    flower = a_flower(tmp_path)
    wanted = asked(flower, "make it night", draw=True)
    assert await change(some_settings(tmp_path), wanted, [FakeWorker()]) == 0
    recipe = recipe_in((tmp_path / "flower-changed.png").read_bytes())
    assert recipe is not None
    assert recipe.task is Task.EDIT
    assert recipe.described == "a red flower, at night"


async def test_words_are_wanted(tmp_path: Path) -> None:
    with pytest.raises(Mistaken, match="make it night"):
        await change(some_settings(tmp_path), Namespace(picture="x.png", words=None), [])
