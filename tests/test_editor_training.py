"""What the built-in editor is taught: families of pictures, and words from one to another."""

import hashlib
from random import Random

import numpy as np
import pytest

from generation.starter import words
from generation.training.editor.instructions import NOTHING, differing, instruction
from generation.training.editor.pairs import family, pair
from generation.training.editor.trials import ASPECTS, edit_trials
from generation.training.starter.draw import PartDice, draw, draw_parts
from generation.training.starter.scenes import COLOURS, OBJECTS, STYLES, Scene

CAT = {"object": "cat", "colour": "red", "background": "sea", "style": "flat"}
TABLES = {
    "object": words.OBJECT_WORDS,
    "colour": words.COLOUR_WORDS,
    "style": words.STYLE_WORDS,
}


def changed_share(one: Scene, other: Scene, *, bare: bool = False) -> float:
    """The share of pixels that differ between two pictures with the same dice."""
    pictures = (draw_parts(one, PartDice.of(5)), draw_parts(other, PartDice.of(5), bare=bare))
    first, second = (np.asarray(picture) for picture in pictures)
    return float((first != second).any(axis=-1).mean())


def test_pictures_with_a_single_die_keep_their_pixels() -> None:
    """The starter's training pictures, and the judge's, as they always were."""
    known = {
        "flat": "76de5b5b13359742",
        "outline": "45b9aea1bc997e2d",
        "pixel art": "7b661383cf37ba42",
        "watercolor": "dbbc2a6495824d1a",
    }
    for style in STYLES:
        held, dice = hashlib.sha256(), Random(11)
        for thing in OBJECTS[:3]:
            for background in ("red", "sea", "night sky", "snow"):
                scene = Scene(object=thing, colour="yellow", background=background, style=style)
                held.update(draw(scene, dice).tobytes())
        assert held.hexdigest()[:16] == known[style]


@pytest.mark.parametrize(("kind", "value"), [("colour", "pink"), ("object", "cup")])
def test_what_changes_with_the_object_leaves_the_background(kind: str, value: str) -> None:
    assert 0.02 < changed_share(Scene(**CAT), Scene(**{**CAT, kind: value})) < 0.5


def test_another_background_leaves_the_object() -> None:
    red = np.asarray(draw_parts(Scene(**CAT), PartDice.of(5))).astype(int)
    on_grass = Scene(**{**CAT, "background": "grass field"})
    other = np.asarray(draw_parts(on_grass, PartDice.of(5))).astype(int)
    cat = (red[..., 0] > 150) & (red[..., 1] < 80)
    assert cat.mean() > 0.05
    assert (
        np.abs(red - other)[cat].max() < 60
    )  # only its soft edge takes a little of what is behind


def test_a_removed_object_leaves_the_whole_background() -> None:
    assert 0.05 < changed_share(Scene(**CAT), Scene(**CAT), bare=True) < 0.5


def test_no_picture_of_training_shows_a_held_out_combination() -> None:
    dice = Random(2)
    assert not any(one.scene.held_out for _ in range(500) for one in family(dice))


def test_trials_are_of_held_out_combinations_only() -> None:
    for aspect, changes in ASPECTS.items():
        for trial in edit_trials(aspect, 20, seed=3):
            assert trial.before.held_out
            assert trial.after.held_out
            assert differing(trial.before, trial.after) == changes


def test_an_instruction_asks_for_just_what_differs() -> None:
    dice = Random(4)
    for _ in range(2000):
        members = family(dice)
        before, after, said = pair(members, dice)
        old, new = members[before].scene, members[after].scene
        changes = differing(old, new)
        if members[after].bare:
            assert said.asks == {"object": NOTHING}
            continue
        assert set(changes) <= set(said.asks)
        assert all(getattr(new, kind) == value for kind, value in said.asks.items())


def test_an_instruction_names_what_shall_be() -> None:
    dice = Random(6)
    for _ in range(2000):
        said = pair(family(dice), dice)[2]
        text = said.text.lower()
        for kind, value in said.asks.items():
            if kind == "background" and value in COLOURS and value != "white":
                assert any(word in text for word in words.COLOUR_WORDS[value])
            if kind in TABLES and value != NOTHING:
                assert any(word in text for word in TABLES[kind][value])


def test_instructions_are_phrased_in_many_ways() -> None:
    dice, before = Random(8), Scene(**CAT)
    after = Scene(**{**CAT, "object": "boat"})
    assert len({instruction(before, after, dice).text for _ in range(500)}) > 300
