"""Pictures of LongCat-Image are those of the stock pipelines, pixel for pixel."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from generation.catalog.partconfigs import CONFIGS, config_of
from generation.catalog.recognition import of_file
from generation.families.longcat_image import LONGCAT_IMAGE, edited_at, told
from generation.recipe import Recipe, needed
from generation.tasks import Task
from generation.worker.engines.longcat_image import pieces
from generation.worker.engines.tokens import packed
from generation.worker.loading.building import class_of
from generation.worker.memory.model_cache import ModelCache
from generation.worker.model import Model
from tests.given import loaded
from tests.given.builders import a_recipe, changed, encoded
from tests.given.checkpoints import scanned
from tests.given.partly import an_input
from tests.given.stock_flows import (
    HEIGHT,
    PHOTO,
    WIDTH,
    a_flow,
    differing,
    drawn,
    noise_of,
    over_a_photo,
    photo,
    pipeline,
)
from tests.given.tiny import longcat_image, qwen_image

NAME = "longcat-image"
TRANSFORMER = LONGCAT_IMAGE.denoiser


def by_stock(model: Model, recipe: Recipe, latents: torch.Tensor, **more: Any) -> Any:
    """Without the rewriting of prompts by the text encoder, which these write letters with."""
    sampling = needed(recipe.sampling)
    kind = "LongCatImageEditPipeline" if "image" in more else "LongCatImagePipeline"
    if kind == "LongCatImagePipeline":
        more = {"width": WIDTH, "height": HEIGHT, "enable_prompt_rewrite": False}
    found = pipeline(model, kind, recipe, text_processor=Looking())
    found.text_encoder = Hidden(model.parts["text_encoder"])
    return found(
        prompt=recipe.prompt,
        negative_prompt=needed(recipe.words).negative_prompt,
        guidance_scale=sampling.cfg,
        num_inference_steps=sampling.steps,
        latents=packed(latents),
        **more,
    ).images[0]


class Looking:
    """What the pipelines have pictures prepared by."""

    def __init__(self) -> None:
        self.image_processor = qwen_image.processor()


class Hidden:
    """A text encoder without its output over the vocabulary, as the pipelines read it."""

    def __init__(self, encoder: Any) -> None:
        self.encoder, self.dtype = encoder, encoder.dtype

    def __call__(self, **inputs: Any) -> Any:
        out = self.encoder(**inputs)
        return SimpleNamespace(hidden_states=(out.last_hidden_state,))


@pytest.mark.parametrize(
    ("prompt", "cfg"),
    [("a red cat", 4.0), ("", 1.0), ("a (red:1.3) 'cat red' that isn't \"re", 4.0)],
)
def test_text_to_image_has_no_differing_pixel(prompt: str, cfg: float) -> None:
    recipe, model = a_flow(NAME, cfg=cfg, prompt=prompt), loaded.model(NAME)
    latents = noise_of(recipe, 16, HEIGHT // 8, WIDTH // 8)
    assert differing(drawn(recipe, model), by_stock(model, recipe, latents)) == 0


def test_a_picture_that_is_drawn_over_has_none_but_begins_as_flux_has_it() -> None:
    """No pipeline of theirs does that: theirs begins from the latents that FLUX.1's would."""
    recipe, model = over_a_photo(a_flow(NAME, cfg=4.0)), loaded.model(NAME)
    generator = torch.Generator().manual_seed(recipe.seed)
    pixels = torch.from_numpy(np.array(photo(), np.float32) / 255 * 2 - 1)
    with torch.inference_mode():
        begun = model.parts["vae"].encode(pixels.permute(2, 0, 1)[None]).latent_dist
        begun = (begun.sample(generator) - 0.1159) * 0.3611
    noise = torch.randn(begun.shape, generator=generator)
    first = torch.tensor(needed(recipe.sampling).sigmas[0])
    latents = noise * first + (1.0 - first) * begun
    ours, theirs = drawn(recipe, model, PHOTO), by_stock(model, recipe, latents)
    # Their beginning is put together here, and one processor rounds one value of it otherwise.
    assert differing(ours, theirs) <= 1
    assert np.abs(ours.astype(int) - np.asarray(theirs, dtype=int)).max() <= 1


def test_an_edit_has_none_either_at_the_size_that_the_stock_pipeline_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both with a picture of a few pixels in place of a million."""
    from diffusers.pipelines.longcat_image import pipeline_longcat_image_edit as stock

    whole = stock.calculate_dimensions
    for size in ((64, 64), (1000, 700), (700, 1000), (96, 64)):
        assert edited_at(*size) == whole(1024 * 1024, size[0] / size[1])
    small = 96 * 64
    monkeypatch.setattr(stock, "calculate_dimensions", lambda _, ratio: whole(small, ratio))
    monkeypatch.setattr("generation.families.longcat_image.EDITED", small)
    longcat_image.build(tmp_path / "m" / "edit", pipeline="LongCatImageEditPipeline")
    catalog = scanned(tmp_path / "m")
    (entry,) = catalog.models()
    assert entry.family == "longcat-image-edit"
    picture = Image.linear_gradient("L").resize((WIDTH, HEIGHT)).convert("RGB")
    sent = encoded(picture)
    usual = needed(a_flow(NAME).sampling)
    recipe = changed(
        a_recipe(checkpoint=entry.weights, family=entry.family),
        task=Task.EDIT,
        inputs=(an_input("reference", sent),),
        width=WIDTH,
        height=HEIGHT,
        prompt="a 'red' cat",
        negative_prompt="dog",
        cfg=4.5,
        sampler="euler",
        sigmas=usual.sigmas,
        steps=usual.steps,
        syntax="plain",
    )
    cache = ModelCache(catalog, torch.device("cpu"), None)
    with cache.take(recipe, on_load=lambda _: None) as model:
        latents = noise_of(recipe, 16, HEIGHT // 8, WIDTH // 8)
        ours = drawn(recipe, model, sent)
        assert differing(ours, by_stock(model, recipe, latents, image=picture)) == 0


def test_what_is_quoted_is_read_in_letters() -> None:
    from diffusers.pipelines.longcat_image.pipeline_longcat_image import split_quotation

    for prompt in (
        "write 'Hi' and \u201cyo\u201d",
        "it isn't",
        "'a' \"b\" \u2018c\u2019 don't",
        "one ' alone",
    ):
        theirs = [
            p for text, quoted in split_quotation(prompt) for p in (text if quoted else [text])
        ]
        assert [piece for piece in pieces(prompt) if piece] == theirs


def test_the_makers_network_is_told_by_its_tensors_whatever_its_size() -> None:
    config = config_of(CONFIGS / TRANSFORMER.config)
    with torch.device("meta"):
        module = class_of(TRANSFORMER.network.module, TRANSFORMER.network.name).from_config(config)
    shapes = {key: tuple(tensor.shape) for key, tensor in module.state_dict().items()}
    assert TRANSFORMER.network.tensors(config) == shapes
    for more in ({}, {"num_layers": 3, "joint_attention_dim": 2048, "num_attention_heads": 8}):
        said = {**config, **more}
        file = TRANSFORMER.layout(TRANSFORMER.network.tensors(said) or {}, said)
        assert {**told(file), "patch_size": 1} | said == {**said, **told(file)}
        marks = {"modelspec.title": "LongCat Image Edit"}
        for metadata, family in (({}, NAME), (marks, f"{NAME}-edit")):
            dtypes = dict.fromkeys(file, "BF16")
            assert of_file(file, "x", metadata, dtypes=dtypes).family == family
