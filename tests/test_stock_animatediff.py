"""The claim that AnimateDiff's clips are those of the stock pipelines, value for value."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from generation.catalog.partconfigs import CONFIGS, config_of
from generation.catalog.recognition import of_file
from generation.draft import complete
from generation.errors import NoMotionModule, NotMadeFor, OutOfRange, WrongFamily
from generation.families.animatediff import MOTION_PART
from generation.media.photos import load
from generation.recipe import Input, Recipe, Sha256, needed
from generation.tasks import Task
from generation.worker.model import Model
from generation.worker.render import render
from generation.worker.tasks.task import as_pixels
from tests.given import controlnets
from tests.given.builders import a_digest, a_draft
from tests.given.loras import lora_tensors
from tests.given.moving import FRAMES, HEIGHT, STEPS, WIDTH, Moving, levels, moving, seen
from tests.given.plain_diffusers import BETAS, forced
from tests.given.stock_films import a_clip, differing, drawn, noise_of
from tests.given.tiny import motion
from tests.given.tiny.motion import PLACES
from tests.given.tinymodels import build_sd15
from tests.given.videos import animation
from tests.given.worker_process import a_photo

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module", name="tiny")
def a_model_that_moves(tmp_path_factory: pytest.TempPathFactory) -> Moving:
    return moving(tmp_path_factory.mktemp("moving"))


def pipeline(model: Model, recipe: Recipe, name: str = "AnimateDiffPipeline", **more: Any) -> Any:
    import diffusers

    parts = model.parts
    betas = {**BETAS, "beta_schedule": "linear"}
    scheduler = diffusers.EulerDiscreteScheduler(**betas, timestep_spacing="leading")
    found = getattr(diffusers, name)(
        vae=parts["vae"],
        text_encoder=parts["text_encoder"],
        tokenizer=parts.tokenizers["text_encoder"],
        unet=parts["unet"],
        motion_adapter=parts["motion"],
        scheduler=forced(scheduler, needed(recipe.sampling).sigmas, "linear"),
        **more,
    )
    found.set_progress_bar_config(disable=True)
    return found


def by_stock(model: Model, recipe: Recipe, stock: Any = None, **given: Any) -> Any:
    return (stock or pipeline(model, recipe))(
        prompt=recipe.prompt,
        negative_prompt="dog",
        num_frames=FRAMES,
        width=WIDTH,
        height=HEIGHT,
        num_inference_steps=STEPS,
        guidance_scale=needed(recipe.sampling).cfg,
        latents=noise_of(recipe, model),
        output_type="np",
        **given,
    ).frames[0]


@pytest.mark.parametrize("cfg", [1.0, 4.0])
@pytest.mark.parametrize("prompt", ["a red cat", ""])
def test_text_to_video_has_no_differing_value(tiny: Moving, cfg: float, prompt: str) -> None:
    recipe = tiny.recipe(cfg=cfg, prompt=prompt or "a", piece=16)
    with tiny.drawing(recipe) as model:
        theirs = by_stock(model, recipe)
        assert differing(drawn(recipe, model), theirs) == 0
    assert needed(recipe.sampling).sigmas == levels(recipe)


def test_a_clip_that_is_drawn_over_has_none(tiny: Moving) -> None:
    """Theirs is given its latents under noise: it throws which latents a frame has."""
    clip = a_clip(FRAMES, WIDTH, HEIGHT)
    inputs = (Input(role="clip", sha256=a_digest("b"), fit="cover"),)
    recipe = tiny.recipe(task=Task.VIDEO_TO_VIDEO, inputs=inputs, denoise=0.6, piece=16)
    sigmas = needed(recipe.sampling).sigmas
    with tiny.drawing(recipe) as model:
        vae = model.parts["vae"]
        with torch.no_grad():
            each = [vae.encode(as_pixels(frame).contiguous()).latent_dist.mode() for frame in clip]
        latents = vae.config.scaling_factor * torch.stack(each, dim=2)
        stock = pipeline(model, recipe, "AnimateDiffVideoToVideoPipeline")
        theirs = stock(
            prompt=recipe.prompt,
            negative_prompt="dog",
            width=WIDTH,
            height=HEIGHT,
            num_inference_steps=len(sigmas) - 1,
            strength=1.0,  # the sigmas say where it begins
            guidance_scale=needed(recipe.sampling).cfg,
            latents=latents + sigmas[0] * noise_of(recipe, model),
            output_type="np",
        ).frames[0]
        ours = drawn(recipe, model, animation(clip, "WEBP", [125] * FRAMES))
        assert differing(ours, theirs) == 0


@pytest.mark.parametrize("middle", [True, False])
def test_a_module_as_its_makers_publish_it_has_none(tmp_path: Path, middle: bool) -> None:
    """Those of the third version have none in the middle; groups of norms no file tells."""
    tiny = moving(tmp_path / "x", whole=True, groups=32, middle=middle, before="module.")
    recipe = tiny.recipe(piece=16)
    with tiny.drawing(recipe) as model:
        assert model.parts["motion"].config.use_motion_mid_block is middle
        assert model.parts["motion"].config.motion_max_seq_length == PLACES
        assert differing(drawn(recipe, model), by_stock(model, recipe)) == 0


@pytest.mark.filterwarnings("ignore:Already found a `peft_config`:UserWarning")
def test_loras_of_pictures_and_of_motion_have_none(tmp_path: Path) -> None:
    tiny = moving(tmp_path / "x")
    still = {"lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q": (64, 64)}
    picture = {k: t for k, t in lora_tensors(3).items() if k.startswith(tuple(still))}
    save_file(picture, tmp_path / "x" / "ink.safetensors")
    (tmp_path / "x" / "ink.safetensors.atelier.toml").write_text('family = "sd15"\n')
    motion.write_lora(tmp_path / "x" / "zoom.safetensors", 4)
    tiny = seen(tmp_path / "x")
    recipe = tiny.recipe(adapters=(tiny.lora("ink", 0.5), tiny.lora("zoom", 0.75)), piece=16)
    with tiny.drawing(recipe) as model:
        ours = drawn(recipe, model)
    with tiny.drawing(tiny.recipe(piece=16)) as model:
        plain = drawn(tiny.recipe(piece=16), model)
        stock = pipeline(model, recipe)
        for name in ("ink", "zoom"):
            path = tmp_path / "x" / f"{name}.safetensors"
            stock.load_lora_weights(path.parent, weight_name=path.name, adapter_name=name)
        stock.set_adapters(["ink", "zoom"], [0.5, 0.75])
        theirs = by_stock(model, recipe, stock=stock)
    assert differing(ours, theirs) == 0
    assert differing(ours, plain / 255) > 0


def test_a_control_picture_steers_every_frame_with_none(tmp_path: Path) -> None:
    tiny = moving(tmp_path / "x")
    with tiny.drawing(tiny.recipe()) as model:
        net = controlnets.of_unet(model.parts["unet"])
    controlnets.write_folder(net, tmp_path / "x" / "edges", "sd15")
    tiny, photo = seen(tmp_path / "x"), a_photo()
    inputs = (Input(role="control", sha256=Sha256(hashlib.sha256(photo).hexdigest()), fit="cover"),)
    recipe = tiny.recipe(adapters=(tiny.steering("edges", 0.75),), inputs=inputs, piece=16)
    with tiny.drawing(recipe) as model:
        shown = load(photo, width=WIDTH, height=HEIGHT, fit="cover")
        network = model.parts[recipe.adapters[-1].weights.sha256]
        name = "AnimateDiffControlNetPipeline"
        stock = pipeline(model, recipe, name, controlnet=network)
        frames = [shown] * FRAMES
        theirs = by_stock(
            model,
            recipe,
            stock=stock,
            conditioning_frames=frames,
            controlnet_conditioning_scale=0.75,
        )
        assert differing(drawn(recipe, model, photo), theirs) == 0


def test_more_frames_than_the_module_knows_are_refused(tiny: Moving) -> None:
    recipe = tiny.recipe(frames=PLACES + 1)
    with tiny.drawing(recipe) as model, pytest.raises(OutOfRange, match=f"at most {PLACES}"):
        drawn(recipe, model)


def test_a_clip_leaves_no_trace_in_the_checkpoints_pictures(tiny: Moving) -> None:
    entry = tiny.catalog.find("tiny-sd15")
    still = complete(a_draft("a cat", width=64, height=64), entry.model, seed=1, device="cpu")
    with tiny.drawing(still) as model:
        before = render(still, (), model, on_step=lambda *_: None).content
    recipe = tiny.recipe()
    with tiny.drawing(recipe) as model:
        drawn(recipe, model)
    with tiny.drawing(still) as model:
        assert render(still, (), model, on_step=lambda *_: None).content == before


def test_a_checkpoint_moves_with_one_module_and_not_without(tmp_path: Path, tiny: Moving) -> None:
    entry = tiny.catalog.find("tiny-sd15")
    (module,) = entry.beside
    with pytest.raises(OutOfRange, match="one"):
        tiny.recipe(adapters=(module, module))
    build_sd15(tmp_path / "x" / "alone")
    with pytest.raises(NoMotionModule, match="alone"):
        seen(tmp_path / "x").recipe("alone")
    assert not seen(tmp_path / "x").catalog.find("alone").makes("video")
    build_sd15(tmp_path / "y" / "painter", channels=9)
    motion.write_folder(tmp_path / "y" / "mm")
    with pytest.raises(NotMadeFor):
        seen(tmp_path / "y").recipe("painter")


def test_a_lora_of_motion_moves_no_picture(tmp_path: Path) -> None:
    moving(tmp_path / "x")
    motion.write_lora(tmp_path / "x" / "zoom.safetensors", 4, makers=True)
    tiny = seen(tmp_path / "x")
    draft = a_draft("a cat", width=64, height=64, adapters=(tiny.lora("zoom", 1.0),))
    families, still = tiny.catalog.families(), tiny.catalog.find("tiny-sd15").model
    with pytest.raises(WrongFamily):
        complete(draft, still, seed=1, device="cpu", families=families)


@pytest.mark.parametrize("makers", [True, False])
def test_published_modules_and_their_loras_are_told_by_their_tensors(makers: bool) -> None:
    own = MOTION_PART.network.tensors(config_of(CONFIGS / MOTION_PART.config)) or {}
    shapes = {key: torch.empty(shape, device="meta") for key, shape in own.items()}
    named = motion.theirs(shapes, "module.") if makers else shapes
    found = of_file({key: tuple(tensor.shape) for key, tensor in named.items()}, "mm")
    assert (found.kind, found.family) == ("motion", "animatediff")
    begin = "down_blocks.0.motion_modules.1."
    layer = "temporal_transformer.transformer_blocks.0.attention_blocks.1.processor.to_k_lora."
    layer = layer if makers else "transformer_blocks.0.attn2.processor.to_k_lora."
    lora = {f"{begin}{layer}down.weight": (8, 320), f"{begin}{layer}up.weight": (320, 8)}
    told = of_file(lora, "zoom")
    assert (told.kind, told.family) == ("lora", "animatediff")
