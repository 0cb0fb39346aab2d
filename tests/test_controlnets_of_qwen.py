"""The claim that ControlNets of Qwen-Image steer as in diffusers' own pipeline, pixel for pixel."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from generation.catalog.catalog import Catalog
from generation.media.photos import load
from generation.recipe import Input, Sha256, Weights, needed
from generation.sigmas import expand
from generation.worker import exactness
from generation.worker.memory.model_cache import ModelCache
from generation.worker.render import render
from tests.given import controlnets, tinymodels
from tests.given.builders import a_recipe, changed, levels_of
from tests.given.controlnets import steering
from tests.given.plain_diffusers import forced
from tests.given.worker_process import a_photo

PHOTO = a_photo()
WIDTH, HEIGHT, STEPS = 96, 64, 4
SEEN = Input(role="control", sha256=Sha256(hashlib.sha256(PHOTO).hexdigest()), fit="cover")


def stock(parts: Any, net: Any, sigmas: tuple[float, ...]) -> Any:
    """diffusers' pipeline around the worker's parts."""
    import diffusers

    pipe = diffusers.QwenImageControlNetPipeline(
        scheduler=forced(diffusers.FlowMatchEulerDiscreteScheduler(shift=1.0), sigmas),
        vae=parts["vae"],
        text_encoder=parts["text_encoder"],
        tokenizer=parts.tokenizers["text_encoder"],
        transformer=parts["transformer"],
        controlnet=net,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.mark.parametrize("cfg", [1.0, 3.0])
def test_one_has_no_differing_pixel(cfg: float, tmp_path: Path) -> None:
    from diffusers import QwenImageTransformer2DModel

    exactness.switch_on(threads=1)
    home = tinymodels.of("qwen-image")
    transformer = QwenImageTransformer2DModel.from_pretrained(home / "transformer")
    controlnets.write_folder(controlnets.of_qwen(transformer), tmp_path / "nets" / "union")
    catalog = Catalog([home, tmp_path / "nets"], tmp_path / "digests.json")
    catalog.scan()
    assert catalog.refused() == ()
    (entry,), (net,) = catalog.models(), catalog.entries("controlnet")
    assert net.modes == ()
    noise = levels_of(entry.family, WIDTH * HEIGHT, STEPS)
    bare = changed(
        a_recipe(checkpoint=entry.weights, family=entry.family),
        prompt="a red cat",
        negative_prompt="dog",
        width=WIDTH,
        height=HEIGHT,
        scheduler="simple",
        sigmas=expand("euler", "simple", steps=STEPS, denoise=1.0, noise=noise),
        steps=STEPS,
        cfg=cfg,
    )
    recipe = changed(bare, adapters=(steering(net.weights, strength=0.6, end=0.5),), inputs=(SEEN,))
    cache = ModelCache(catalog, torch.device("cpu"), None)
    with cache.take(recipe, on_load=lambda _: None) as model:
        ours = render(recipe, (PHOTO,), model, on_step=lambda *_: None).content
        assert ours != render(bare, (), model, on_step=lambda *_: None).content
        sampling = needed(recipe.sampling)
        plain = stock(model.parts, model.parts[_digest(net.weights)], sampling.sigmas)(
            prompt=recipe.prompt,
            negative_prompt="dog" if cfg != 1.0 else None,
            true_cfg_scale=cfg,
            control_image=load(PHOTO, width=WIDTH, height=HEIGHT, fit="cover"),
            controlnet_conditioning_scale=0.6,
            control_guidance_end=0.5,
            width=WIDTH,
            height=HEIGHT,
            num_inference_steps=STEPS,
            generator=torch.Generator().manual_seed(recipe.seed),
        ).images[0]
    assert ours == np.asarray(plain).tobytes()


def _digest(weights: Weights) -> str:
    return weights.sha256


def test_the_published_union_is_what_its_config_builds() -> None:
    from accelerate import init_empty_weights  # type: ignore[import-untyped]  # it has none
    from diffusers import QwenImageControlNetModel

    from generation.families.controlnets import QWEN_CONTROLNET, kind_of

    with init_empty_weights():
        net = QwenImageControlNetModel(num_layers=5)
    shapes = {key: tuple(value.shape) for key, value in net.state_dict().items()}
    assert QWEN_CONTROLNET.network.tensors(dict(net.config)) == shapes
    assert kind_of(shapes) is QWEN_CONTROLNET
    told = QWEN_CONTROLNET.told(shapes)
    assert told == {key: net.config[key] for key in told}
