"""What the starter's captioner learns from is true, and its training can be stopped."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
import torch
from safetensors.torch import load_file

from generation.modules.attributes import SIDE, AttributeNet
from generation.training.captioner.looks import DrawnBank, as_floats, travelled
from generation.training.captioner.sights import (
    COUNTS,
    HEADS,
    PLACES,
    SIZES,
    WholeScene,
    drawn,
    some_sight,
    usual_sight,
)
from generation.training.captioner.strangers import KEPT, TRAINED
from generation.training.captioner.train import (
    STRANGER,
    export,
    measure_reach,
    new_network,
    strangers,
    told,
)
from generation.training.starter.draw import draw
from generation.training.starter.scenes import Scene, training_scene

FLAT = Scene(object="heart", colour="red", background="white", style="flat")


def _red(sight: WholeScene, seed: int = 3) -> torch.Tensor:
    """Where the picture is red: (SIDE, SIDE)."""
    pixels = as_floats([drawn(sight, Random(seed))])[0]
    return (pixels[0] > 0.3) & (pixels[1] < 0)


def test_a_usual_sight_is_the_starters_own_picture() -> None:
    scene = training_scene(Random(5))
    assert drawn(usual_sight(scene), Random(9)).tobytes() == draw(scene, Random(9)).tobytes()


@pytest.mark.parametrize("place", PLACES)
def test_an_object_lies_where_its_sight_says(place: str) -> None:
    down, across = torch.nonzero(_red(WholeScene(scene=FLAT, size="small", place=place))).float().T
    aside = (across.mean() / SIDE - 0.5, down.mean() / SIDE - 0.5)
    side = {"left": (-1, 0), "right": (1, 0), "top": (0, -1), "bottom": (0, 1)}.get(place, (0, 0))
    for found, wanted in zip(aside, side, strict=True):
        assert (abs(found) < 0.12) if not wanted else (found * wanted > 0.12)


def test_a_larger_size_is_more_of_the_picture() -> None:
    shares = [float(_red(WholeScene(scene=FLAT, size=size)).float().mean()) for size in SIZES]
    assert shares[0] < 0.8 * shares[1] < 0.64 * shares[2]


def test_as_many_objects_are_there_as_a_sight_says() -> None:
    from scipy.ndimage import label

    for count, number in zip(COUNTS[:3], (1, 2, 3), strict=True):
        _, found = label(_red(WholeScene(scene=FLAT, count=count, size="small")).numpy())
        assert found == number


def test_nothing_held_out_is_drawn_for_training() -> None:
    dice = Random(2)
    assert not any(training_scene(dice).held_out for _ in range(300))


def test_every_class_of_a_sight_has_its_place_in_its_head() -> None:
    dice = Random(4)
    for _ in range(50):
        sight = some_sight(training_scene(dice), dice)
        said = dict(zip(HEADS, sight.classes(), strict=True))
        assert HEADS["object"][said["object"]] == sight.scene.object
        assert HEADS["count"][said["count"]] == sight.count


@pytest.mark.parametrize("kind", [*TRAINED, *KEPT])
def test_a_stranger_is_a_picture_of_the_networks_size_and_the_same_for_the_same_dice(
    kind: object,
) -> None:
    assert callable(kind)
    one, again = kind(Random(8)), kind(Random(8))
    assert travelled(one, Random(1)).size == (SIDE, SIDE)
    assert one.tobytes() == again.tobytes()
    assert one.tobytes() != kind(Random(9)).tobytes()


def test_no_kind_that_it_is_measured_with_is_one_that_it_learns_from() -> None:
    assert not set(TRAINED) & set(KEPT)


def test_what_lies_far_from_all_that_it_learned_is_out_of_reach() -> None:
    torch.manual_seed(1)
    network = new_network().eval()
    dice = Random(6)
    sights = [usual_sight(training_scene(dice)) for _ in range(60)]
    known = as_floats([drawn(sight, dice) for sight in sights])
    classes = torch.tensor([sight.classes() for sight in sights])
    odd = as_floats([dice.choice(TRAINED)(dice) for _ in range(4)])
    measure_reach(network, [(known, classes), (odd, strangers(4))])
    with torch.no_grad():
        within = network.distance(network.features(known))
        beyond = network.distance(network.features(20 * torch.ones(1, 3, SIDE, SIDE)))
    assert float((within <= 1).float().mean()) > 0.95
    assert float(beyond) > 1


def test_what_is_exported_says_the_same_again(tmp_path: Path) -> None:
    network = new_network().eval()
    size = export(network, tmp_path / "captioner")
    assert size < 8_000_000
    config = json.loads((tmp_path / "captioner" / "config.json").read_text())
    again = AttributeNet({name: len(names) for name, names in config["heads"].items()}).eval()
    numbers = load_file(tmp_path / "captioner" / "model.safetensors")
    again.load_state_dict(numbers, strict=False)
    seen = as_floats([draw(training_scene(Random(n)), Random(n)) for n in range(8)])
    assert torch.equal(told(again, seen), told(network, seen))


def test_strangers_say_nothing_but_that_they_are_strangers() -> None:
    classes = strangers(3)
    assert set(classes[:, 0].tolist()) == {STRANGER}
    assert set(classes[:, 1:].flatten().tolist()) == {-100}


def test_a_bank_keeps_pictures_and_classes_together() -> None:
    bank = DrawnBank(
        pictures=torch.zeros(2, 3, SIDE, SIDE, dtype=torch.uint8),
        classes=torch.tensor([usual_sight(FLAT).classes()] * 2),
    )
    assert len(bank.pictures) == len(bank.classes)
