"""A picture that is panned keeps its size, and what stays of it keeps its pixels."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.studio.reshaping import Base, panned, widened
from generation.errors import OutOfRange
from generation.families.family import family
from generation.recipe import Placement, Recipe, needed
from generation.tasks import Task
from prompting.changes import understand
from prompting.changing.intents import IntentKind, ShownPicture
from tests.given.apps import a_studio, a_wish
from tests.given.builders import a_digest
from tests.given.results import is_result, recipe_of
from tests.given.stored import a_stored_picture

SHOWN = ShownPicture(prompt="a cat on a sofa")


def a_base(width: int = 128, height: int = 128) -> Base:
    return Base(
        origin=a_wish().origin,
        file=a_digest("c"),
        width=width,
        height=height,
        family=family("starter"),
        picture=a_stored_picture(),
    )


@pytest.mark.parametrize(
    ("words", "side"),
    [
        ("pan right", "right"),
        ("move the camera left", "left"),
        ("please pan the camera up by 40 px", "up"),
        ("shift the view down a bit", "down"),
        ("schwenk nach rechts", "right"),
        ("déplace la caméra vers la gauche", "left"),
        ("mueve la cámara a la derecha", "right"),
        ("сдвинь камеру влево", "left"),
        ("镜头往左移", "left"),
        ("カメラを左に動かして", "left"),
        ("카메라를 왼쪽으로 이동해줘", "left"),
    ],
)
def test_a_camera_that_moves_is_told_from_a_larger_canvas(words: str, side: str) -> None:
    [intent] = understand(words, SHOWN).intents
    assert (intent.kind, intent.directions) == (IntentKind.OUTPAINT, (side,))
    assert intent.moves


@pytest.mark.parametrize(
    "words", ["extend it to the left", "more on the right", "move the camera back", "zoom out"]
)
def test_more_around_it_moves_nothing(words: str) -> None:
    [intent] = understand(words, SHOWN).intents
    assert intent.kind is IntentKind.OUTPAINT
    assert not intent.moves


@pytest.mark.parametrize(
    ("side", "left", "top"), [("left", 64, 0), ("right", -64, 0), ("up", 0, 64), ("down", 0, -64)]
)
def test_the_picture_moves_away_from_where_the_camera_turns(side: str, left: int, top: int) -> None:
    draft = panned(a_base(), side, None).draft
    assert (draft.canvas.width, draft.canvas.height) == (128, 128)
    assert draft.placement == Placement(left=left, top=top, width=128, height=128)


def test_something_of_the_picture_stays_to_go_on_from() -> None:
    panned(a_base(), "left", "127 px")
    with pytest.raises(OutOfRange, match="so that some of it stays"):
        panned(a_base(), "left", "100 %")


@pytest.mark.parametrize("more", ["1 px", "50px", "33 %"])
@pytest.mark.parametrize("sides", [("left",), ("right",), ("up", "down"), ()])
def test_a_new_area_is_filled_up_to_the_grid_and_no_pixel_of_the_picture_is_scaled(
    more: str, sides: tuple[str, ...]
) -> None:
    draft = widened(a_base(), sides, more).draft
    placed, grid = needed(draft.placement), family("starter").grid
    assert (placed.width, placed.height) == (128, 128)
    assert needed(draft.canvas.width) % grid == needed(draft.canvas.height) % grid == 0
    assert placed.left + 128 <= needed(draft.canvas.width)


@pytest.mark.usefixtures("contract")
@pytest.mark.parametrize("way", ["reply", "command"])
async def test_a_picture_is_panned_by_a_reply_and_by_command(tmp_path: Path, way: str) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red flower", seed="7")
        first = await ann.sees(is_result)
        if way == "reply":
            await ann.say("pan right", reply_to=first)
        else:
            await ann.command("outpaint", picture="1", pan="right")
        second = await ann.sees(is_result, after=first)
        before, after = await recipe_of(first), await recipe_of(second)
        assert after.task is Task.OUTPAINT
        assert _kept(before) == _kept(after)
        assert after.placement == Placement(left=-64, top=0, width=128, height=128)
        said = "moved to the right" if way == "reply" else "64 px right"
        assert said in second.content


def _kept(recipe: Recipe) -> tuple[object, ...]:
    return recipe.canvas, recipe.seed, recipe.words, recipe.checkpoint
