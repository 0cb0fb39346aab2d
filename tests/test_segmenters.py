"""A region in words is a mask, found by a CLIPSeg that lies in the folder of models."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bot.pages.apologies import apology_for
from generation.catalog.catalog import Catalog
from generation.errors import BadMask, NoSegmenter, NotPresent
from generation.limits import Present, for_somebody
from generation.media.image import recipe_in, rgb_sha256
from generation.media.photos import load
from generation.recipe import Masking, Recipe, Weights, dump, needed, parse
from generation.worker.render import render
from generation.worker.segmenting import NOT_FOUND, probabilities, region_of
from tests.given import loaded, tinymodels
from tests.given.builders import a_digest, changed
from tests.given.checkpoints import scanned
from tests.given.partly import a_mask, masked
from tests.given.segmenters import build_segmenter
from tests.given.worker_process import WorkerProcess, a_photo

PHOTO = a_photo()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_segmenter(tmp_path_factory.mktemp("models") / "whatever it is called")


@pytest.fixture(scope="module")
def weights(folder: Path) -> Weights:
    (entry,) = listed(folder.parent).entries("segmenter")
    return entry.weights


def listed(models: Path) -> Catalog:
    catalog = Catalog([models], models.parent / "digests.json")
    catalog.scan()
    return catalog


def by_words(folder: Path, weights: Weights, **more: Any) -> Recipe:
    """A recipe that draws the likelier half of the picture anew."""
    recipe = masked(loaded.recipe_of("sd1"), PHOTO, a_mask())
    likely = probabilities(folder, load(PHOTO, width=64, height=64, fit="cover"), "cat")
    masking = Masking(
        **{
            "grow": 0,
            "blur": 2.0,
            "region": "cat",
            "segmenter": weights,
            "threshold": float(likely.median()),
            "inverse": None,
            **more,
        }
    )
    return changed(recipe, inputs=recipe.inputs[:1], masking=masking)


def test_it_is_told_by_its_config_and_its_tensors_and_is_no_model_that_draws(
    folder: Path,
) -> None:
    catalog = listed(folder.parent)
    (entry,) = catalog.entries()
    assert (entry.kind, entry.family, catalog.models()) == ("segmenter", "", ())


def test_what_it_sees_is_what_transformers_own_classes_make_of_the_picture(folder: Path) -> None:
    from transformers import AutoTokenizer, CLIPSegForImageSegmentation, ViTImageProcessor

    picture = load(PHOTO, width=90, height=70, fit="cover")
    eyes: Any = ViTImageProcessor.from_pretrained(folder)
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    network: Any = CLIPSegForImageSegmentation.from_pretrained(folder).eval()
    with torch.inference_mode():
        said = network(
            **tokenizer(["cat"], padding="max_length", return_tensors="pt"),
            pixel_values=torch.tensor(np.asarray(eyes(picture)["pixel_values"])),
        )
    theirs = said.logits.sigmoid().reshape(32, 32)
    ours = probabilities(folder, picture, "cat")
    # Theirs scales by 1/255 before it subtracts, or in another library: the last bits.
    assert torch.allclose(ours, theirs, atol=2e-2)
    assert float(ours.std()) > 0.01


def damaged(folder: Path, to: Path, what: str) -> None:
    shutil.copytree(folder, to)
    match what:
        case "no weights":
            (to / "model.safetensors").unlink()
        case "a pickle":
            (to / "model.safetensors").rename(to / "pytorch_model.bin")
        case "no tokenizer":
            for file in to.glob("tokenizer*"):
                file.unlink()
        case "another size":
            config = json.loads((to / "config.json").read_text())
            config["reduce_dim"] = 8
            (to / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize("what", ["no weights", "a pickle", "no tokenizer", "another size"])
def test_one_that_could_not_be_loaded_is_refused_with_its_reason(
    folder: Path, tmp_path: Path, what: str
) -> None:
    damaged(folder, tmp_path / "m" / "x", what)
    catalog = scanned(tmp_path / "m")
    assert catalog.entries() == ()
    assert len(catalog.refused()) >= 1


def test_a_region_is_drawn_anew_the_rest_is_copied_and_both_hold_in_another_process(
    folder: Path, weights: Weights
) -> None:
    recipe, inverse = by_words(folder, weights), by_words(folder, weights, inverse=True)
    worker = WorkerProcess(tinymodels.sd15(), folder.parent)
    try:
        drawn = worker.draw(parse(dump(recipe)), PHOTO)
        with pytest.raises(BadMask):
            worker.draw(by_words(folder, weights, threshold=0.0), PHOTO)
    finally:
        worker.close()
    assert recipe_in(drawn.file) == recipe
    here = [
        render(each, (PHOTO,), loaded.sd15(), on_step=lambda *_: None, locate=lambda _: folder)
        for each in (recipe, inverse)
    ]
    assert rgb_sha256(here[0].content) == drawn.pixels_sha256
    picture = load(PHOTO, width=64, height=64, fit="cover")
    area = region_of(folder, picture, "cat", needed(recipe.masking).threshold)
    before = np.asarray(picture)
    for made, its in zip(here, (area, ~area), strict=True):
        after = np.frombuffer(made.content, np.uint8).reshape(before.shape)
        assert np.array_equal(after[~its], before[~its])
        assert (after[its] != before[its]).any()


def test_what_is_not_there_is_no_region(folder: Path) -> None:
    picture = load(PHOTO, width=64, height=64, fit="cover")
    with pytest.raises(BadMask) as refused:
        region_of(folder, picture, "cat", 1.5)
    assert refused.value.reason == NOT_FOUND


def test_a_recipe_names_what_finds_it_by_its_digest(folder: Path, weights: Weights) -> None:
    recipe = by_words(folder, weights)
    assert weights in recipe.weights
    renamed = by_words(folder, Weights(name="x", sha256=weights.sha256))
    assert renamed.id == recipe.id
    assert by_words(folder, Weights(name="x", sha256=a_digest("c"))).id != recipe.id
    assert by_words(folder, weights, region="dog").id != recipe.id


def test_a_strangers_recipe_needs_it_here_and_gets_our_name_for_it(
    folder: Path, weights: Weights
) -> None:
    recipe = by_words(folder, Weights(name="theirs", sha256=weights.sha256))
    model = Present(kind="checkpoint", weights=recipe.checkpoint, family="starter")
    with pytest.raises(NotPresent, match="segmenter"):
        for_somebody(recipe, {recipe.checkpoint.sha256: model})
    here = {
        recipe.checkpoint.sha256: model,
        weights.sha256: Present(kind="segmenter", weights=weights, family=""),
    }
    assert needed(for_somebody(recipe, here).masking).segmenter == weights


def test_where_there_is_none_people_hear_what_comes_nearest() -> None:
    said = apology_for(NoSegmenter())
    assert "mask" in said
    assert "drew over" in said
