"""The claim that ControlNets of FLUX.1 steer as in diffusers' own pipeline, pixel for pixel."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from generation.catalog.catalog import Catalog
from generation.catalog.entry import Entry
from generation.errors import OutOfRange
from generation.families.family import FAMILIES
from generation.media.photos import load
from generation.recipe import Adapter, Input, Recipe, Sha256, needed
from generation.sigmas import expand, resolved
from generation.worker import exactness
from generation.worker.memory.model_cache import ModelCache
from generation.worker.model import Model
from generation.worker.render import render
from tests.given import controlnets, tinymodels
from tests.given.builders import a_recipe, changed
from tests.given.controlnets import steering
from tests.given.plain_diffusers import forced
from tests.given.worker_process import a_photo

PHOTO = a_photo()
WIDTH, HEIGHT, STEPS = 96, 64, 4
SEEN = Input(role="control", sha256=Sha256(hashlib.sha256(PHOTO).hexdigest()), fit="cover")


class Easel:
    """The tiny FLUX.1, ControlNets made for it, and a cache over both."""

    def __init__(self, folder: Path, **nets: dict[str, Any]) -> None:
        from diffusers import FluxTransformer2DModel

        exactness.switch_on(threads=1)
        home = tinymodels.of("flux1")
        transformer = FluxTransformer2DModel.from_pretrained(home / "transformer")
        for name, options in nets.items():
            net = controlnets.of_flux(transformer, **options)
            controlnets.write_folder(net, folder / "nets" / name)
        catalog = Catalog([home, folder / "nets"], folder / "digests.json")
        catalog.scan()
        assert catalog.refused() == ()
        self.catalog, self.cache = catalog, ModelCache(catalog, torch.device("cpu"), None)

    def net(self, name: str) -> Entry:
        return self.catalog.find(name, "controlnet")

    def recipe(self, *adapters: Adapter) -> Recipe:
        (entry,) = self.catalog.models()
        usual = FAMILIES[entry.family]
        noise = resolved(usual.noise, pixels=WIDTH * HEIGHT, steps=STEPS)
        return changed(
            a_recipe(checkpoint=entry.weights, family=entry.family),
            prompt="a red cat",
            width=WIDTH,
            height=HEIGHT,
            scheduler="simple",
            sigmas=expand("euler", "simple", steps=STEPS, denoise=1.0, noise=noise),
            steps=STEPS,
            cfg=1.0,
            guidance=usual.guidance,
            adapters=adapters,
            inputs=(SEEN,) if adapters else (),
        )

    def drawn(self, recipe: Recipe) -> tuple[bytes, Model]:
        with self.cache.take(recipe, on_load=lambda _: None) as model:
            pictures = (PHOTO,) * len(recipe.inputs)
            return render(recipe, pictures, model, on_step=lambda *_: None).content, model


def plain(model: Model, recipe: Recipe, nets: list[Any], **said: Any) -> bytes:
    """The same by the stock pipeline, which draws the noise behind the control pictures."""
    import diffusers

    known = {name: model.parts[name] for name in ("transformer", "vae")}
    for name, tokenizer in model.parts.tokenizers.items():
        known |= {name: model.parts[name], name.replace("text_encoder", "tokenizer"): tokenizer}
    sampling = needed(recipe.sampling)
    scheduler = forced(diffusers.FlowMatchEulerDiscreteScheduler(shift=1.0), sampling.sigmas)
    pipe = diffusers.FluxControlNetPipeline(
        scheduler=scheduler, controlnet=nets if len(nets) > 1 else nets[0], **known
    )
    pipe.set_progress_bar_config(disable=True)
    shown = load(PHOTO, width=WIDTH, height=HEIGHT, fit="cover")
    return np.asarray(
        pipe(
            prompt=recipe.prompt,
            control_image=[shown] * len(nets) if len(nets) > 1 else shown,
            width=WIDTH,
            height=HEIGHT,
            guidance_scale=sampling.guidance or 0.0,
            num_inference_steps=sampling.steps,
            max_sequence_length=512,
            generator=torch.Generator().manual_seed(recipe.seed),
            **said,
        ).images[0]
    ).tobytes()


def test_one_with_and_without_single_blocks_has_no_differing_pixel(tmp_path: Path) -> None:
    easel = Easel(tmp_path, whole={}, double={"single": 0})
    bare, _ = easel.drawn(easel.recipe())
    for name, strength, end in (("whole", 1.0, None), ("double", 0.6, 0.5)):
        weights = easel.net(name).weights
        recipe = easel.recipe(steering(weights, strength=strength, end=end))
        ours, model = easel.drawn(recipe)
        theirs = plain(
            model,
            recipe,
            [model.parts[weights.sha256]],
            controlnet_conditioning_scale=strength,
            control_guidance_end=end or 1.0,
        )
        assert ours == theirs
        assert ours != bare
    assert easel.drawn(easel.recipe())[0] == bare


def test_a_union_is_told_what_its_picture_shows(tmp_path: Path) -> None:
    easel = Easel(tmp_path, union={"modes": 7})
    entry = easel.net("union")
    recipe = easel.recipe(steering(entry.weights, mode="depth"))
    ours, model = easel.drawn(recipe)
    net = model.parts[entry.weights.sha256]
    assert ours == plain(
        model,
        recipe,
        [net],
        control_mode=entry.modes.index("depth"),
        controlnet_conditioning_scale=1.0,
    )
    with pytest.raises(OutOfRange, match="shows"):
        easel.drawn(easel.recipe(steering(entry.weights)))


def test_two_add_up(tmp_path: Path) -> None:
    easel = Easel(tmp_path, one={}, two={"seed": 2})
    weights = [easel.net(name).weights for name in ("one", "two")]
    recipe = easel.recipe(*(steering(each, strength=0.5) for each in weights))
    ours, model = easel.drawn(recipe)
    nets = [model.parts[each.sha256] for each in weights]
    assert ours == plain(model, recipe, nets, controlnet_conditioning_scale=[0.5, 0.5])


def test_the_published_sizes_are_what_their_configs_build() -> None:
    from accelerate import init_empty_weights  # type: ignore[import-untyped]  # it has none
    from diffusers import FluxControlNetModel

    from generation.families.controlnets import FLUX_CONTROLNET, kind_of

    for layers, single, modes in ((5, 10, 10), (6, 0, None), (4, 0, None)):
        with init_empty_weights():
            net = FluxControlNetModel(
                num_layers=layers, num_single_layers=single, num_mode=modes, guidance_embeds=True
            )
        shapes = {key: tuple(value.shape) for key, value in net.state_dict().items()}
        assert FLUX_CONTROLNET.network.tensors(dict(net.config)) == shapes
        assert kind_of(shapes) is FLUX_CONTROLNET
        told = FLUX_CONTROLNET.told(shapes)
        assert told == {key: net.config[key] for key in told}
