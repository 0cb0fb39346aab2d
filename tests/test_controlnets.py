"""Claims about ControlNets: told by their tensors, drawn as stock diffusers does, and gone after.

The networks are tiny and random; what they steer is compared pixel for pixel.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from generation.catalog.catalog import Catalog
from generation.catalog.entry import Entry
from generation.errors import OutOfRange, UnusableWeights
from generation.media.photos import load
from generation.model_key import FORM, model_key
from generation.recipe import Adapter, Input, Recipe, Sha256, needed
from generation.worker import exactness
from generation.worker.memory.model_cache import ModelCache
from generation.worker.model import Model
from generation.worker.render import render
from tests.given import controlnets, tinymodels
from tests.given.builders import changed
from tests.given.controlnets import steering
from tests.given.plain_diffusers import forced, scheduler_for, stock_pipeline
from tests.given.stock_pictures import picture_recipe, start
from tests.given.worker_process import a_photo

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

PHOTO = a_photo()
SEEN = Input(role="control", sha256=Sha256(hashlib.sha256(PHOTO).hexdigest()), fit="cover")


def unet_of(folder: Path) -> Any:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel.from_pretrained(folder / "unet")


class Easel:
    """A folder of a tiny model and its ControlNets, and a cache over it."""

    def __init__(self, folder: Path, architecture: str, **files: Path) -> None:
        exactness.switch_on(threads=1)
        self.model = tinymodels.of(architecture)
        self.architecture = architecture
        self.catalog = Catalog([self.model, *files.values()], folder / "digests.json")
        self.catalog.scan()
        assert self.catalog.refused() == ()
        self.cache = ModelCache(self.catalog, torch.device("cpu"), None)

    @property
    def nets(self) -> tuple[Entry, ...]:
        return self.catalog.entries("controlnet")

    def recipe(self, *adapters: Adapter, **changes: Any) -> Recipe:
        (entry,) = self.catalog.models()
        base = picture_recipe(self.architecture, "euler", prompt="a red cat", **changes)
        inputs = (SEEN,) if adapters else ()
        return changed(base, checkpoint=entry.weights, adapters=adapters, inputs=inputs)

    def drawn(self, recipe: Recipe) -> tuple[bytes, Model]:
        with self.cache.take(recipe, on_load=lambda _: None) as model:
            pictures = (PHOTO,) * len(recipe.inputs)
            return render(recipe, pictures, model, on_step=lambda *_: None).content, model


def plain(
    model: Model, recipe: Recipe, nets: list[Any], kind: str = "ControlNetPipeline", **said: Any
) -> bytes:
    """The same by diffusers' own pipeline."""
    import diffusers

    pipe: Any = stock_pipeline(model)
    parts = {**pipe.components, "scheduler": scheduler_for("euler")}
    parts["scheduler"].register_to_config(steps_offset=1)
    forced(parts["scheduler"], needed(recipe.sampling).sigmas)
    known = ("requires_safety_checker", "force_zeros_for_empty_prompt")
    options = {key: value for key, value in pipe.config.items() if key in known}
    name = type(pipe).__name__.replace("Pipeline", kind)
    picture = "control_image" if "Union" in kind else "image"
    steered = getattr(diffusers, name)(
        controlnet=nets if len(nets) > 1 else nets[0], **parts, **options
    )
    steered.set_progress_bar_config(disable=True)
    canvas = needed(recipe.canvas)
    shown = load(PHOTO, width=canvas.width, height=canvas.height, fit="cover")
    return np.asarray(
        steered(
            prompt=recipe.prompt,
            negative_prompt=needed(recipe.words).negative_prompt,
            width=canvas.width,
            height=canvas.height,
            guidance_scale=needed(recipe.sampling).cfg,
            num_inference_steps=needed(recipe.sampling).steps,
            latents=start(recipe),
            **{picture: [shown] * len(nets) if len(nets) > 1 else shown},
            **said,
        ).images[0]
    ).tobytes()


@pytest.mark.parametrize("architecture", ["sd1", "sdxl"])
def test_a_folder_of_a_controlnet_draws_the_stock_pipelines_pixels(
    architecture: str, tmp_path: Path
) -> None:
    unet = unet_of(tinymodels.of(architecture))
    net = controlnets.of_unet(unet)
    family = {"sd1": "starter"}.get(architecture, architecture)
    home = controlnets.write_folder(net, tmp_path / "nets" / "edges", family)
    easel = Easel(tmp_path, architecture, net=home)
    (entry,) = easel.nets
    assert (entry.kind, entry.name, entry.family) == ("controlnet", "edges", family)
    bare, _ = easel.drawn(easel.recipe())
    for said, strength, share in ((1.0, 1.0, (None, None)), (0.7, 0.7, (0.2, 0.6))):
        recipe = easel.recipe(
            steering(entry.weights, strength=strength, start=share[0], end=share[1])
        )
        ours, model = easel.drawn(recipe)
        theirs = plain(
            model,
            recipe,
            [model.parts[entry.weights.sha256]],
            controlnet_conditioning_scale=said,
            control_guidance_start=share[0] or 0.0,
            control_guidance_end=share[1] or 1.0,
        )
        assert ours == theirs
        assert ours != bare
    assert easel.drawn(easel.recipe())[0] == bare


@pytest.mark.parametrize("mode", ["canny", "pose"])
def test_a_union_of_xl_is_told_what_its_picture_shows(mode: str, tmp_path: Path) -> None:
    net = controlnets.union_of_unet(unet_of(tinymodels.of("sdxl")))
    easel = Easel(tmp_path, "sdxl", net=controlnets.write_folder(net, tmp_path / "union", "sdxl"))
    (entry,) = easel.nets
    assert entry.modes[3] == "canny"
    recipe = easel.recipe(steering(entry.weights, strength=0.7, mode=mode, end=0.5))
    ours, model = easel.drawn(recipe)
    theirs = plain(
        model,
        recipe,
        [model.parts[entry.weights.sha256]],
        kind="ControlNetUnionPipeline",
        control_mode=[entry.modes.index(mode)],
        controlnet_conditioning_scale=0.7,
        control_guidance_end=0.5,
    )
    assert ours == theirs
    with pytest.raises(OutOfRange, match="shows"):
        easel.drawn(easel.recipe(steering(entry.weights, mode="a cat")))


def test_several_add_up_in_their_order(tmp_path: Path) -> None:
    unet = unet_of(tinymodels.of("sd1"))
    homes = {
        f"n{seed}": controlnets.write_folder(
            controlnets.of_unet(unet, seed), tmp_path / f"n{seed}", "starter"
        )
        for seed in (1, 2)
    }
    easel = Easel(tmp_path, "sd1", **homes)
    one, two = (entry.weights for entry in easel.nets)
    recipe = easel.recipe(steering(one, strength=0.5), steering(two, strength=0.8, end=0.5))
    ours, model = easel.drawn(recipe)
    nets = [model.parts[each.sha256] for each in (one, two)]
    theirs = plain(
        model,
        recipe,
        nets,
        controlnet_conditioning_scale=[0.5, 0.8],
        control_guidance_start=[0.0, 0.0],
        control_guidance_end=[1.0, 0.5],
    )
    assert ours == theirs


def test_one_file_in_either_spelling_gives_the_bits_of_its_folder(tmp_path: Path) -> None:
    """As published: eight heads, norms of 32 groups, which a file does not say."""
    unet = unet_of(tinymodels.of("sd1"))
    usual = {"attention_head_dim": 8, "norm_num_groups": 32}
    net = controlnets.of_unet(unet, **usual)
    places = {
        "kept": controlnets.write_folder(net, tmp_path / "a" / "kept", "starter"),
        "modern": controlnets.write_file(net, tmp_path / "b" / "modern.safetensors"),
        "old": controlnets.write_file(net, tmp_path / "c" / "old.safetensors", compvis=True),
    }
    easel = Easel(tmp_path, "sd1", **{name: path.parent for name, path in places.items()})
    assert {entry.name.removesuffix(".safetensors") for entry in easel.nets} == set(places)
    drawn = {easel.drawn(easel.recipe(steering(entry.weights)))[0] for entry in easel.nets}
    assert len(drawn) == 1


def test_one_for_other_widths_is_refused_with_both(tmp_path: Path) -> None:
    net = controlnets.of_unet(unet_of(tinymodels.of("sd1")), block_out_channels=(32, 96))
    home = controlnets.write_folder(net, tmp_path / "wide", "starter")
    easel = Easel(tmp_path, "sd1", net=home)
    with pytest.raises(UnusableWeights, match=r"block_out_channels is \[32, 96\], .* \[32, 64\]"):
        easel.drawn(easel.recipe(steering(easel.nets[0].weights)))


def test_one_with_half_its_tensors_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    net = controlnets.of_unet(unet_of(tinymodels.of("sd1")))
    numbers = dict(net.state_dict())
    del numbers["controlnet_down_blocks.1.weight"]
    save_file(numbers, tmp_path / "half.safetensors")
    catalog = Catalog([tmp_path], tmp_path / "digests.json")
    catalog.scan()
    assert catalog.entries() == ()
    assert "controlnet_down_blocks.1.weight" in catalog.refused()[0].reason


def test_the_published_sizes_are_what_their_configs_build() -> None:
    """Shapes of real ControlNets: every tensor that diffusers makes of them, and no other."""
    from accelerate import init_empty_weights  # type: ignore[import-untyped]  # it has none
    from diffusers import ControlNetModel

    from generation.families.builds import controlnet
    from generation.families.controlnets import CONTROLNET

    small = {
        "down_block_types": ["DownBlock2D", "DownBlock2D", "DownBlock2D"],
        "block_out_channels": [320, 640, 1280],
        "transformer_layers_per_block": [1, 2, 10],
        "attention_head_dim": [5, 10, 20],
        "mid_block_type": "UNetMidBlock2D",
        "use_linear_projection": True,
        "cross_attention_dim": 2048,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 2816,
    }
    whole = {
        **small,
        "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
        "mid_block_type": "UNetMidBlock2DCrossAttn",
    }
    for config, steers in (({"cross_attention_dim": 768}, "sd1"), (whole, "sdxl"), (small, None)):
        with init_empty_weights():
            net = ControlNetModel(**config)
        shapes = {key: tuple(value.shape) for key, value in net.state_dict().items()}
        assert controlnet.tensors(dict(net.config)) == shapes
        if steers is not None:
            told = CONTROLNET.told(shapes)
            assert CONTROLNET.steers(told) == steers
            own = dict(net.config)
            assert {k: told[k] for k in told if k in own} == {
                k: list(own[k]) if isinstance(own[k], tuple) else own[k] for k in told
            } | {k: told[k] for k in ("transformer_layers_per_block",)}


def test_the_published_union_is_what_its_config_builds() -> None:
    from accelerate import init_empty_weights
    from diffusers import ControlNetUnionModel

    from generation.families.controlnets import UNION, kind_of

    published = {
        "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
        "block_out_channels": [320, 640, 1280],
        "transformer_layers_per_block": [1, 2, 10],
        "attention_head_dim": [5, 10, 20],
        "use_linear_projection": True,
        "cross_attention_dim": 2048,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 2816,
        "num_control_type": 8,
    }
    with init_empty_weights():
        net = ControlNetUnionModel(**published)
    shapes = {key: tuple(value.shape) for key, value in net.state_dict().items()}
    assert UNION.network.tensors(dict(net.config)) == shapes
    assert kind_of(shapes) is UNION
    told = UNION.told(shapes)
    assert {key: told[key] for key in published if key in told}.items() <= published.items()
    assert UNION.modes(told)[6:] == ("tile", "repaint")


def test_the_queue_knows_a_model_with_a_controlnet_from_one_without() -> None:
    recipe = picture_recipe("sd1", "euler")
    steered = changed(recipe, adapters=(steering(Sha256("c" * 64)),), inputs=(SEEN,))
    assert model_key(steered) != model_key(recipe)
    assert re.fullmatch(FORM, model_key(steered))
    twice = replace(steered, adapters=(*steered.adapters, steering(Sha256("c" * 64), strength=0.5)))
    assert model_key(twice) == model_key(steered)
