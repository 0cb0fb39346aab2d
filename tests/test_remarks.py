"""One small line says what the built-in model never saw; none where all was in its training."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from bot.studio import notes
from bot.studio.remarks import never_seen, of_words, remarks
from generation.recipe import Input
from generation.starter.words import STRANGERS
from generation.tasks import Task
from generation.training.film.captions import caption_of
from generation.training.film.scenes import training_clip
from generation.training.form.wishes import bodies, phrase
from generation.training.sound.captions import words_of
from generation.training.sound.wishes import ATTRIBUTES, combinations
from generation.training.starter.captions import caption
from generation.training.starter.scenes import BACKGROUNDS, COLOURS, OBJECTS, STYLES, Scene
from tests.given.apps import a_studio
from tests.given.builders import a_digest, a_recipe
from tests.given.fakes import FakeWorker
from tests.given.results import is_result


def said_of(prompt: str, **changes: object) -> str:
    return "\n".join(remarks([a_recipe(prompt=prompt, **changes)]))


@pytest.mark.parametrize(
    "prompt",
    [
        "a red flower",
        "A cute kitten, watercolor",
        "draw me a purple mushroom on a yellow background, please",
        "(a red cat:1.2), pixel art, masterpiece, best quality",
        "daisies in the snow",
        "a golden star in the night sky, flat design",
        "ships at sea",
        "",
    ],
)
def test_what_it_knows_is_drawn_without_a_word(prompt: str) -> None:
    assert said_of(prompt) == ""


def test_no_caption_of_the_video_models_training_is_remarked_on() -> None:
    dice = Random(11)
    for _ in range(400):
        scene = training_clip(dice)
        text = caption_of(scene, dice).text
        unseen, _ = never_seen(text, "video")
        assert {word.lower() for word in unseen} <= set(STRANGERS), text


def test_motion_is_strange_to_the_image_model_and_a_place_to_the_video_model() -> None:
    assert never_seen("a shrinking star")[0] == ("shrinking",)
    assert never_seen("a shrinking star", "video")[0] == ()
    assert never_seen("a star in the snow", "video")[0] == ("snow",)


def test_no_wish_of_the_other_trainings_is_remarked_on() -> None:
    dice = Random(3)
    for asked in combinations():
        said, noun = words_of(asked, frozenset(ATTRIBUTES), dice)
        assert never_seen(f"a {' '.join(said)} {noun}", "audio")[0] == ()
    for body in bodies(held_out=True):
        text = phrase(body, dice).text
        unseen, _ = never_seen(text, "mesh")
        assert {word.lower() for word in unseen} <= set(STRANGERS), text


@pytest.mark.parametrize(
    ("prompt", "family", "said"),
    [
        ("a thunderstorm", "starter-sound", "“thunderstorm”. It makes one of beep"),
        ("a bell and a siren", "starter-sound", "not bell and siren. It makes one of"),
        ("a red dragon", "starter-form", "“dragon”. It forms one of ball"),
        ("a castle spinning", "starter-video", "“castle”. It draws one of flower"),
        ("a low short beep", "starter-sound", ""),
        ("a small red cone", "starter-form", ""),
        ("a red cat moves left", "starter-video", ""),
    ],
)
def test_each_built_in_model_is_told_by_its_own_words(prompt: str, family: str, said: str) -> None:
    found = " ".join(of_words([prompt], family))
    assert said in found if said else found == ""
    assert "sunset" not in found


def test_no_caption_of_its_training_is_remarked_on() -> None:
    dice = Random(7)
    for _ in range(400):
        scene = Scene(
            object=dice.choice(OBJECTS),
            colour=dice.choice(COLOURS),
            background=dice.choice(BACKGROUNDS),
            style=dice.choice(STYLES),
        )
        text = caption(scene, dice).text
        unseen, _ = never_seen(text)
        # Training put words among them that mean nothing to it; those, and no others.
        assert {word.lower() for word in unseen} <= set(STRANGERS), text


@pytest.mark.parametrize(
    ("prompt", "named"),
    [
        ("a red ball left of a blue box", ("“ball”", "“left”", "“box”")),
        ("a castle", ("“castle”",)),
        ("eight yellow suns", ("“eight”", "“suns”")),
        ("a dragon", ("“dragon”",)),
        ("a cat with a hat", ("“hat”",)),
        ("ein roter Baum", ("“roter”",)),
        ("a red flower, photo", ("“photo”",)),
    ],
)
def test_what_it_never_saw_is_named_with_what_it_can_draw(
    prompt: str, named: tuple[str, ...]
) -> None:
    line = said_of(prompt)
    for word in (*named, *OBJECTS, *STYLES):
        assert word in line
    assert len(line) <= notes.LONGEST


def test_two_things_at_once_are_more_than_it_draws() -> None:
    assert "one thing at a time" in said_of("a red cat and a blue boat")


def test_of_other_models_nothing_of_the_kind_is_said() -> None:
    assert said_of("a castle on a hill", family="sd15") == ""


def test_words_in_another_script_are_named_for_a_model_that_reads_english() -> None:
    for family in ("starter", "sd15", "sdxl"):
        assert "reads English only: “换成”" in said_of("blue 换成", family=family)
    assert said_of("a café in the snow", family="sd15") == ""


def test_a_low_denoise_says_how_to_change_more() -> None:
    start = Input(role="init", sha256=a_digest("b"), fit="cover")
    little = said_of("a boat", task=Task.IMAGE_TO_IMAGE, inputs=(start,), denoise=0.3)
    assert "0.3" in little
    assert "0.6" in little
    assert said_of("a boat", task=Task.IMAGE_TO_IMAGE, inputs=(start,), denoise=0.6) == ""


def test_choices_of_one_request_make_one_remark() -> None:
    recipes = [a_recipe(prompt=f"a {animal}", seed=n) for n, animal in enumerate(("dog", "owl"))]
    (line,) = remarks(recipes)
    assert "“dog”, “owl”" in line


async def test_the_line_stands_below_the_result_and_stays_with_other_seeds(tmp_path: Path) -> None:
    async with a_studio(tmp_path, FakeWorker()) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a castle")
        first = await ann.sees(is_result)
        assert "-# The built-in model never saw “castle”." in first.content
        await ann.press(first, "🎲")
        assert "never saw" in (await ann.sees(is_result, after=first)).content


async def test_proposals_for_the_built_in_model_say_it_before_anything_is_drawn(
    tmp_path: Path,
) -> None:
    async with a_studio(tmp_path, FakeWorker()) as studio:
        ann = studio.world.ann
        await ann.command("enhance", wish="a castle")
        assert "never saw “castle”" in (await ann.sees("**1.**")).content
