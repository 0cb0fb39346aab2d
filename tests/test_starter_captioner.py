"""The captioner that ships is right about the starter's world, and silent about all else."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from random import Random

import pytest
import torch
from PIL import Image

from bot.app import BUILT_IN
from generation.catalog.catalog import Catalog
from generation.errors import BrokenWeights
from generation.fleet.wire import Describe, Described
from generation.job import JobId
from generation.modules.attributes import AttributeNet
from generation.starter.sentences import SOMETHING_ELSE, SURE_ENOUGH, sentence, told
from generation.starter.words import COLOUR_WORDS, OBJECT_WORDS, SCENERY_WORDS, STYLE_WORDS
from generation.training.captioner.evaluate import load_captioner, readings
from generation.training.captioner.sights import HEADS, WholeScene, drawn
from generation.training.captioner.strangers import KEPT
from generation.training.captioner.train import SHIPPED
from generation.training.starter.draw import draw
from generation.training.starter.scenes import held_out_scenes
from generation.worker.captioners.attributes import heads_of
from tests.given.worker_process import WorkerProcess


@pytest.fixture(scope="module")
def captioner() -> AttributeNet:
    torch.set_num_threads(1)
    return load_captioner()


def test_it_is_small_and_knows_the_names_of_what_it_was_taught() -> None:
    assert sum(file.stat().st_size for file in SHIPPED.iterdir()) < 8_000_000
    assert {name: tuple(names) for name, names in heads_of(SHIPPED).items()} == HEADS


def test_object_and_colour_of_held_out_scenes_are_right(captioner: AttributeNet) -> None:
    scenes = held_out_scenes(80, Random(5))
    pictures = [draw(scene, Random(n)) for n, scene in enumerate(scenes)]
    found = readings(captioner, pictures)
    right = [r.right(s, "object", "colour") for r, s in zip(found, scenes, strict=True)]
    assert sum(right) >= 74


def test_number_size_and_place_are_seen(captioner: AttributeNet) -> None:
    scenes = [s for s in held_out_scenes(60, Random(6)) if s.style in ("flat", "outline")][:20]
    for changed in ({"count": "two", "size": "small"}, {"size": "large"}, {"place": "left"}):
        shown = [WholeScene(scene=scene, **changed) for scene in scenes]
        found = readings(captioner, [drawn(one, Random(n)) for n, one in enumerate(shown)])
        names = [all(r.seen[name] == value for name, value in changed.items()) for r in found]
        assert sum(names) >= 16


def test_what_is_not_of_its_world_is_not_made_up(captioner: AttributeNet) -> None:
    pictures = [kind(Random(n)) for kind in KEPT for n in range(12)]
    silent = [not reading.words for reading in readings(captioner, pictures)]
    assert sum(silent) >= 0.85 * len(silent)


def test_what_it_says_is_in_the_starters_own_words() -> None:
    known = {w for table in (COLOUR_WORDS, OBJECT_WORDS, STYLE_WORDS) for w in table}
    known |= {"a", "an", "on", "background", *" ".join(SCENERY_WORDS).split()}
    for scene in held_out_scenes(60, Random(7)):
        seen = {name: getattr(scene, name) for name in ("object", "colour", "background", "style")}
        said = sentence(seen).replace(",", "")
        for words in (*STYLE_WORDS, *(way[0] for way in SCENERY_WORDS.values())):
            said = said.replace(words, "")
        assert set(said.split()) <= known


def test_words_read_well_whatever_is_seen() -> None:
    seen = {"object": "fish", "colour": "orange", "background": "orange", "style": "flat"}
    assert sentence(seen) == "an orange fish on an orange background, flat"
    assert sentence(seen | {"count": "two"}) == "two orange fish on an orange background, flat"
    more = {"object": "mushroom", "count": "one", "size": "small", "place": "top"}
    assert sentence(seen | more).startswith("a small orange mushroom on an orange background at")


def test_a_guess_a_stranger_and_what_is_out_of_reach_are_silent() -> None:
    seen = {"object": "cat", "colour": "red", "background": "sea", "style": "flat"}
    assert told(seen, sure=0.9, beyond=0.5) == sentence(seen)
    assert told(seen, sure=SURE_ENOUGH - 0.01, beyond=0.5) == ""
    assert told(seen, sure=0.9, beyond=1.01) == ""
    assert told(seen | {"object": SOMETHING_ELSE}, sure=1.0, beyond=0.0) == ""


@pytest.fixture(scope="module")
def worker() -> Iterator[WorkerProcess]:
    process = WorkerProcess(BUILT_IN)
    yield process
    process.kill()


def _said(worker: WorkerProcess, picture: bytes, tmp_path: Path) -> str:
    catalog = Catalog([BUILT_IN], tmp_path / "digests.json")
    catalog.scan()
    [entry] = catalog.entries("captioner")
    order = Describe(
        job=JobId(-1), name=entry.name, captioner=entry.weights.sha256, picture=picture
    )
    said = worker.describe(order)[-1]
    assert isinstance(said, Described)
    return said.words


def test_the_worker_says_what_the_starter_drew_and_nothing_of_noise(
    worker: WorkerProcess, tmp_path: Path
) -> None:
    scene = next(s for s in held_out_scenes(40, Random(9)) if s.style == "flat")
    held = BytesIO()
    draw(scene, Random(1)).save(held, "PNG")
    words = _said(worker, held.getvalue(), tmp_path)
    assert f"{scene.colour} {scene.object}" in words
    noise = BytesIO()
    Image.effect_noise((200, 120), 90).convert("RGB").save(noise, "PNG")
    assert _said(worker, noise.getvalue(), tmp_path) == ""


def test_a_config_without_names_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "atelier-attributes", "heads": {"a": 3}}')
    with pytest.raises(BrokenWeights, match="tell apart"):
        heads_of(tmp_path)
