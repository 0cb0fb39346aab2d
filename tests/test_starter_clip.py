"""The built-in CLIP: small, unchanged, known to the catalog, right about the starter's world."""

from __future__ import annotations

import hashlib
from pathlib import Path
from random import Random

from bot.app import BUILT_IN
from generation.catalog.catalog import Catalog
from generation.training.proofs.clip import among, load_clip, ranked_first
from generation.training.starter.draw import draw
from generation.training.starter.evaluate import one_thread
from generation.training.starter.scenes import held_out_scenes

FOLDER = BUILT_IN / "starter-clip"
MOST = 6_000_000  # bytes, with all that lies beside its numbers
SHA256 = "164aee8713a1b99bb4a0eb19ea8f38390b9720b2cb6ab0ebbd3409f761582f9b"


def test_all_of_it_is_small_and_its_numbers_are_those_that_were_judged() -> None:
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) <= MOST
    numbers = (FOLDER / "model.safetensors").read_bytes()
    assert hashlib.sha256(numbers).hexdigest() == SHA256


def test_the_catalog_knows_it_as_what_scores_the_starters_pictures(tmp_path: Path) -> None:
    catalog = Catalog([BUILT_IN], tmp_path / "digests.json")
    catalog.scan()
    (entry,) = catalog.entries("scorer")
    assert (entry.name, entry.family) == ("starter-clip", "starter")


def test_the_true_caption_comes_first_of_ten() -> None:
    dice = Random(7)
    scenes = held_out_scenes(60, dice)
    shown = [draw(scene, dice) for scene in scenes]
    with one_thread():
        found = ranked_first(*load_clip(FOLDER), shown, among(scenes, dice, hard=False))
    assert sum(found) >= 54  # of 500, 484 do
