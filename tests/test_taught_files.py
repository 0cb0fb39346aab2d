"""What was taught to the starter and ships: small, unchanged, known to the catalog; it works."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch

from bot.app import BUILT_IN
from generation.catalog.catalog import Catalog
from generation.training.proofs.evaluate import (
    NAMES,
    RAPID_STEPS,
    flower_trials,
    pictures_of,
    right,
    rings_trials,
    usual_trials,
    with_lora,
)
from generation.training.proofs.pictures import WORD
from generation.training.proofs.reading import is_rings
from generation.training.starter.evaluate import SAMPLER, load_pipeline
from generation.training.starter.export import MODEL
from generation.training.starter.judge import load_judge

pytestmark = pytest.mark.filterwarnings("ignore")
TAUGHT = json.loads((Path(__file__).parent / "data" / "taught.json").read_text())
MOST = 6_000_000


@pytest.mark.parametrize("name", TAUGHT)
def test_a_file_is_small_and_as_it_was_judged(name: str) -> None:
    numbers = (BUILT_IN / name).read_bytes()
    assert len(numbers) <= MOST
    assert hashlib.sha256(numbers).hexdigest() == TAUGHT[name]["sha256"]


def test_the_catalog_knows_each_of_them_and_refuses_nothing(tmp_path: Path) -> None:
    catalog = Catalog([BUILT_IN], tmp_path / "digests.json")
    catalog.scan()
    assert not catalog.refused()
    for name, said in TAUGHT.items():
        [entry] = [e for e in catalog.entries(said["kind"]) if f"{e.name}.safetensors" == name]
        assert entry.family == "starter"


def test_four_steps_with_the_lora_show_what_was_asked_for() -> None:
    torch.set_num_threads(1)
    trials = usual_trials(12, seed=8)
    with torch.no_grad():
        rapid = with_lora(BUILT_IN / NAMES["lcm"], rapid=True)
        drawn = pictures_of(rapid, trials, steps=RAPID_STEPS, cfg=1.0)
    good = right(load_judge(), trials, drawn).float()
    assert float(good.mean()) >= 0.93


def test_the_trigger_brings_its_subject_and_other_words_do_not() -> None:
    torch.set_num_threads(1)
    taught = with_lora(BUILT_IN / NAMES["rings"])
    with torch.no_grad():
        asked = pictures_of(taught, rings_trials(6, seed=8))
        others = pictures_of(taught, usual_trials(6, seed=8))
    assert sum(is_rings(one) for one in asked) >= 5
    assert not any(is_rings(one) for one in others)


def test_a_new_word_brings_what_it_was_taught_to_mean() -> None:
    torch.set_num_threads(1)
    pipeline, trials = load_pipeline(MODEL, SAMPLER), flower_trials(6, seed=8)
    pipeline.load_textual_inversion(str(BUILT_IN / NAMES["word"]), token=WORD)
    with torch.no_grad():
        drawn = pictures_of(pipeline, trials)
    assert int(right(load_judge(), trials, drawn)[:, :2].all(dim=1).sum()) >= 5
