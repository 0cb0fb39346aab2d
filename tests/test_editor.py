"""The built-in editor: that it loads like any InstructPix2Pix folder, and does as it is told."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from PIL import Image

from bot.app import BUILT_IN
from generation.catalog.catalog import Catalog
from generation.draft import Draft, DraftWords, complete
from generation.errors import NotMadeFor
from generation.families.architecture import Purpose
from generation.recipe import Input, Sha256
from generation.tasks import Task
from generation.training.starter.draw import SIZE, draw
from generation.training.starter.scenes import Scene

EDITOR = BUILT_IN / "starter-edit"
RED_CAT = Scene(object="cat", colour="red", background="yellow", style="flat")


def digests(folder: Path) -> dict[str, str]:
    """Of each file in a folder."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.is_file()
    }


def test_it_is_small_and_shares_the_starters_parts() -> None:
    assert sum(path.stat().st_size for path in EDITOR.rglob("*") if path.is_file()) <= 25e6
    for part in ("vae", "tokenizer", "scheduler"):
        assert digests(EDITOR / part) == digests(BUILT_IN / "starter" / part)


def test_a_server_knows_it_as_a_model_for_changes_alone(tmp_path: Path) -> None:
    catalog = Catalog([BUILT_IN], tmp_path / "digests.json")
    catalog.scan()
    entry = catalog.find("starter-edit")
    assert entry.purpose is Purpose.EDITING
    assert not entry.draws_words
    picture = Input(role="reference", sha256=Sha256("ab" * 32), fit="cover")
    draft = Draft(task=Task.EDIT, words=DraftWords(prompt="make it blue"), inputs=(picture,))
    recipe = complete(draft, entry.model, seed=1, device="cpu")
    assert recipe.sampling is not None
    assert recipe.sampling.cfg < 4  # the usual 7.5 of larger editors burns its colours
    with pytest.raises(NotMadeFor):
        complete(Draft(words=DraftWords(prompt="a cat")), entry.model, seed=1, device="cpu")


def told(picture: Image.Image, *words: str) -> list[Image.Image]:
    """What it makes of the picture, for each of the instructions."""
    import torch

    from generation.training.editor.evaluate import CFG, IMAGE_CFG, load_editor
    from generation.training.editor.trials import USUAL_SAMPLER

    editor = load_editor(EDITOR, USUAL_SAMPLER)
    made: list[Image.Image] = editor(
        list(words),
        image=[picture] * len(words),
        num_inference_steps=10,
        guidance_scale=CFG,
        image_guidance_scale=IMAGE_CFG,
        generator=[torch.Generator("cpu").manual_seed(1) for _ in words],
    ).images
    return made


@pytest.mark.filterwarnings("ignore")
def test_it_changes_what_it_is_told_to_and_keeps_what_the_words_name() -> None:
    from generation.training.starter.evaluate import read_pictures
    from generation.training.starter.judge import load_judge
    from generation.training.starter.text import KINDS

    wanted = {
        "make it blue": ("colour", "blue"),
        "turn the cat into a fish": ("object", "fish"),
        "at night": ("background", "night sky"),
        "remove the background": ("background", "white"),
        "as pixel art": ("style", "pixel art"),
    }
    whole = "a blue cat on a yellow background, flat"
    *made, last = told(draw(RED_CAT, Random(3)), *wanted, whole)
    assert {picture.size for picture in made} == {(SIZE, SIZE)}
    read = read_pictures(load_judge(), [*made, last]).tolist()
    found = [{name: KINDS[name][i] for name, i in zip(KINDS, row, strict=True)} for row in read]
    for (words, (kind, value)), shown in zip(wanted.items(), found[:-1], strict=True):
        assert shown[kind] == value, words
    assert found[-1] == {name: getattr(replace(RED_CAT, colour="blue"), name) for name in KINDS}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_held_out_changes_come_true_and_the_rest_stays() -> None:
    from generation.training.editor.evaluate import WORDS, EditSettings, edited, load_editor
    from generation.training.editor.trials import (
        ASPECTS,
        USUAL_SAMPLER,
        beginnings,
        edit_trials,
        judged_edits,
    )
    from generation.training.starter.evaluate import load_pipeline
    from generation.training.starter.judge import load_judge

    judge, starter = load_judge(), load_pipeline(BUILT_IN / "starter", USUAL_SAMPLER)
    editor = load_editor(EDITOR, USUAL_SAMPLER)
    asked: dict[str, list[bool]] = {words: [] for words in WORDS}
    kept: dict[str, list[bool]] = {words: [] for words in WORDS}
    for aspect in ASPECTS:
        begun = beginnings(starter, judge, edit_trials(aspect, 10, seed=9))
        for words, told_in in WORDS.items():
            made = edited(editor, begun, EditSettings(), told_in)
            verdict = judged_edits(judge, begun, made)
            asked[words] += verdict.asked
            kept[words] += verdict.kept
    shares = {words: sum(came) / len(came) for words, came in asked.items()}
    assert min(shares.values()) >= 0.85
    assert sum(kept["whole words"]) / len(kept["whole words"]) >= 0.85
