"""Pictures of FLUX.3 are those of diffusers' own blocks, pixel for pixel, with the same levels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from diffusers.modular_pipelines.flux3 import Flux3AutoBlocks, Flux3DistilledAutoBlocks
from PIL import Image

from generation.families.builds import flux3
from generation.families.builds.flux2 import DENOISER
from generation.families.family import ARCHITECTURES
from generation.families.flux3 import FLUX3
from generation.recipe import Recipe, needed
from generation.tasks import Task
from generation.worker.memory.model_cache import ModelCache
from generation.worker.model import Model
from generation.worker.render import render
from tests.given import loaded
from tests.given.builders import a_recipe, changed, encoded
from tests.given.checkpoints import scanned
from tests.given.partly import an_input
from tests.given.tiny import flux3 as tiny

SIGMAS = (1.0, 0.93, 0.8, 0.4, 0.0)


@dataclass
class Processor:
    """What the blocks have for a tokenizer: one that also prepares pictures, which none sees."""

    tokenizer: Any

    def apply_chat_template(self, messages: Any, **options: Any) -> Any:
        return self.tokenizer.apply_chat_template(messages, **options)


def stock(model: Model, recipe: Recipe, **options: Any) -> Any:
    """What diffusers' blocks draw around the same weights, without their writer of prompts."""
    distilled = model.parts["transformer"].config.flow_map
    blocks = (Flux3DistilledAutoBlocks if distilled else Flux3AutoBlocks)()
    blocks.sub_blocks.pop("prompt_upsampler")
    pipe = blocks.init_pipeline()
    pipe.update_components(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=1.0),
        vae=model.parts["vae"],
        text_encoder=model.parts["text_encoder"],
        tokenizer=Processor(model.parts.tokenizers["text_encoder"]),
        transformer=model.parts["transformer"],
    )
    pipe.set_progress_bar_config(disable=True)
    canvas, sampling = needed(recipe.canvas), needed(recipe.sampling)
    if not distilled:
        pipe.update_components(guider=type(pipe.guider)(guidance_scale=sampling.cfg))
        options["negative_prompt"] = needed(recipe.words).negative_prompt
    return pipe(
        prompt=recipe.prompt,
        width=canvas.width,
        height=canvas.height,
        num_inference_steps=sampling.steps,
        sigmas=list(sampling.sigmas[:-1]),
        latents=torch.randn(
            (1, 128, canvas.height // 16, canvas.width // 16),
            generator=torch.Generator().manual_seed(recipe.seed),
        ),
        output="images",
        **options,
    )[0]


def differing(recipe: Recipe, model: Model, *pictures: bytes, **options: Any) -> int:
    ours = render(recipe, pictures, model, on_step=lambda *_: None).content
    there = np.asarray(stock(model, recipe, **options))
    return int(np.count_nonzero(np.frombuffer(ours, np.uint8).reshape(there.shape) != there))


@contextmanager
def base(folder: Path) -> Iterator[tuple[Recipe, Model]]:
    """That which was not distilled."""
    tiny.build(folder / "m" / "base", flow_map=False)
    catalog = scanned(folder / "m")
    (entry,) = catalog.models()
    assert entry.family == "flux3-klein-base"
    recipe = drawn_with(a_recipe(checkpoint=entry.weights, family=entry.family), cfg=3.5)
    cache = ModelCache(catalog, torch.device("cpu"), None)
    with cache.take(recipe, on_load=lambda _: None) as model:
        yield recipe, model


def drawn_with(recipe: Recipe, **changes: Any) -> Recipe:
    usual = {"sigmas": SIGMAS, "steps": 4, "cfg": 1.0, "width": 96, "height": 64}
    said = {"prompt": "a red cat", "negative_prompt": "dog", "sampler": "euler"}
    return changed(recipe, **{**usual, **said, **changes})


def test_a_distilled_picture_has_no_differing_pixel() -> None:
    """It is told where each step jumps to."""
    model, recipe = loaded.model("flux3"), drawn_with(loaded.recipe_of("flux3"))
    assert model.parts["transformer"].config.flow_map
    assert differing(recipe, model) == 0


def test_a_picture_of_the_base_model_has_none_either(tmp_path: Path) -> None:
    with base(tmp_path) as (recipe, model):
        assert differing(recipe, model) == 0
        assert differing(changed(recipe, prompt="a red cat " * 30), model) == 0


def test_a_folder_of_blocks_is_the_same_model(tmp_path: Path) -> None:
    """Its index is another, and it has no scheduler and no writer of prompts."""
    tiny.build_of_blocks(tmp_path / "m" / "blocks")
    (entry,) = scanned(tmp_path / "m").models()
    assert entry.family == "flux3-klein"
    assert entry.levels is None
    cache = ModelCache(scanned(tmp_path / "m"), torch.device("cpu"), None)
    plain = drawn_with(loaded.recipe_of("flux3"))
    recipe = changed(plain, checkpoint=entry.weights)
    with cache.take(recipe, on_load=lambda _: None) as model:
        ours = render(recipe, (), model, on_step=lambda *_: None).content
    there = render(plain, (), loaded.model("flux3"), on_step=lambda *_: None).content
    assert ours == there


def test_an_edit_with_one_picture_and_with_two_has_none_either() -> None:
    first, second = (Image.linear_gradient("L").resize(size) for size in ((96, 64), (64, 80)))
    pictures = [first.convert("RGB"), second.convert("RGB").rotate(180)]
    model, sent = loaded.model("flux3"), [encoded(picture) for picture in pictures]
    for count in (1, 2):
        inputs = tuple(an_input("reference", data) for data in sent[:count])
        recipe = drawn_with(loaded.recipe_of("flux3"), task=Task.EDIT, inputs=inputs)
        assert differing(recipe, model, *sent[:count], image=pictures[:count]) == 0


@pytest.mark.parametrize("flow_map", [True, False], ids=["distilled", "base"])
def test_a_file_is_its_module_by_the_stock_librarys_own_names(flow_map: bool) -> None:
    from diffusers import Flux3Transformer2DModel
    from diffusers.loaders.single_file_utils import (
        convert_flux3_transformer_checkpoint_to_diffusers,
    )

    config = {**flux3.USUAL, "flow_map": flow_map}
    with torch.device("meta"):
        module = Flux3Transformer2DModel.from_config(config).state_dict()
    shapes = {key: tuple(tensor.shape) for key, tensor in module.items()}
    assert flux3.tensors(config) == shapes
    file = flux3.layout(shapes, config)
    theirs = {k.removeprefix(DENOISER): torch.empty(s, device="meta") for k, s in file.items()}
    back = convert_flux3_transformer_checkpoint_to_diffusers(theirs)
    assert {key: tuple(tensor.shape) for key, tensor in back.items()} == shapes
    assert {**flux3.USUAL, **flux3.told(file)} == config
    assert [one for one in ARCHITECTURES if one.recognise(file)] == [FLUX3]
    assert FLUX3.finer(file, {}) == ("flux3-klein" if flow_map else "flux3-klein-base")


@pytest.mark.parametrize("size", [(64, 64), (1000, 700), (5000, 3000), (2048, 2047), (20, 9000)])
def test_an_edited_picture_is_drawn_whole_at_the_stock_pipelines_size(
    size: tuple[int, int],
) -> None:
    from diffusers.modular_pipelines.flux3.image_processor import Flux3ImageProcessor

    assert FLUX3.edits_at is not None
    pixels, _ = Flux3ImageProcessor().preprocess(Image.new("RGB", size))
    assert FLUX3.edits_at(*size) == (pixels.shape[-1], pixels.shape[-2])
