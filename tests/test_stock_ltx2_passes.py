"""The claim that LTX-2's films in two passes are those of the stock pipelines, value for value.

Theirs are three, one after the other, with one generator: one draws at half the sides, one makes
the latents twice as wide and high, and one draws on.  Of a single lane their tokens lie the other
way in memory, where products of matrices round otherwise in the last bit: here they lie as the
worker's.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from generation.families.ltx2 import ENLARGER
from generation.media.photos import load
from generation.media.sounds import content_of
from generation.recipe import Adapter, Input, Recipe, Weights, needed
from generation.spans import Motion, SecondPass
from generation.tasks import Task
from generation.two_passes import passes
from generation.worker.adapters import switching
from generation.worker.render import render
from tests.given.builders import a_digest
from tests.given.stock_films import differing
from tests.given.stock_heard_films import apart, asked, heard_pipeline
from tests.given.two_passes import LEVELS, in_two_passes, model_of, write_lora
from tests.given.worker_process import a_photo

each = pytest.mark.parametrize("name", ["ltx-2", "ltx-2.3"])


def drawn(recipe: Recipe, *inputs: bytes, locate: Any = None) -> tuple[Any, bytes]:
    """The worker's frames, and the samples behind them."""
    model = model_of(recipe.family)
    content = render(
        recipe,
        inputs,
        model,
        on_step=lambda *_: None,
        passing=lambda one: switching.switch(model, one, locate),
    ).content
    switching.switch_off(model)
    return apart(content, recipe)


def _side_by_side(pack: Any, *given: Any) -> torch.Tensor:
    made: torch.Tensor = pack(*given)
    return made.contiguous()


WORDS = ("LTX2Pipeline",) * 2
NOTHING: tuple[dict[str, Any], ...] = ({}, {})


def by_stock(
    recipe: Recipe,
    kinds: tuple[str, ...] = WORDS,
    told: tuple[dict[str, Any], ...] = NOTHING,
    loras: tuple[tuple[Path, float] | None, ...] = (None, None),
) -> tuple[Any, bytes]:
    """The same by the pipelines; what each of the two that draw is told besides, and its LoRA."""
    from diffusers.pipelines.ltx2.pipeline_ltx2_latent_upsample import LTX2LatentUpsamplePipeline

    parts, generator = model_of(recipe.family).parts, torch.Generator().manual_seed(recipe.seed)
    made: Any = {}
    for one, kind, given, lora in zip(passes(recipe), kinds, told, loras, strict=True):
        own = copy.deepcopy(parts["transformer"])  # a LoRA stays on it
        pipe = heard_pipeline(kind, one, parts, **{"transformer": own, ENLARGER: None})
        if lora is not None:
            pipe.load_lora_weights(lora[0].parent, weight_name=lora[0].name, adapter_name="quick")
            pipe.set_adapters(["quick"], [lora[1]])
        for name in ("_pack_latents", "_pack_audio_latents"):
            setattr(pipe, name, partial(_side_by_side, getattr(pipe, name)))
        film, sound = pipe(
            **asked(one),
            generator=generator,
            output_type="np" if made else "latent",
            **made,
            **given,
        )
        if not made:
            enlarge = LTX2LatentUpsamplePipeline(vae=parts["vae"], latent_upsampler=parts[ENLARGER])
            film = enlarge(latents=film, output_type="latent", return_dict=False)[0]
            level = torch.tensor(needed(recipe.second).sigmas[0])
            made = {"latents": film, "audio_latents": sound, "noise_scale": level}
    return film[0], content_of(sound[0].float().numpy())


def claim(recipe: Recipe, *inputs: bytes, **stock: Any) -> None:
    (frames, track), (theirs, their_track) = drawn(recipe, *inputs), by_stock(recipe, **stock)
    assert differing(frames, theirs) == 0
    assert track == their_track
    assert len(set(track)) > 9  # something is heard in it


@pytest.mark.parametrize(
    ("cfg", "second", "frames"),
    [
        (4.0, SecondPass(sampler="euler", sigmas=LEVELS, cfg=1.0), 9),
        (1.0, SecondPass(sampler="euler", sigmas=(0.85, 0.725, 0.4219, 0.0), cfg=1.0), 17),
        (1.0, SecondPass(sampler="euler", sigmas=(0.6, 0.0), cfg=3.0), 1),
    ],
)
@each
def test_a_film_of_words_in_two_passes_has_no_differing_value(
    name: str, cfg: float, second: SecondPass, frames: int
) -> None:
    motion = Motion(frames=frames, fps=8.0, piece=None, overlap=None)
    claim(in_two_passes(name, cfg=cfg, motion=motion, second=second))


@pytest.mark.parametrize("turn", ["high", "low", None])
@each
def test_a_lora_of_one_pass_alone_gives_none(name: str, turn: str | None, tmp_path: Path) -> None:
    """As the makers' two stages are drawn: with one that takes the guidance away in the second."""
    file = write_lora(tmp_path)
    weights = Weights(name="quick", sha256=a_digest("e"))
    lora = Adapter(kind="lora", weights=weights, strength=0.8, control=None, expert=turn)
    second = SecondPass(sampler="euler", sigmas=(0.909375, 0.0), cfg=1.0)
    recipe = replace(in_two_passes(name, cfg=4.0, second=second), adapters=(lora,))
    on = {"high": (True, False), "low": (False, True), None: (True, True)}[turn]
    model = model_of(name)
    try:
        ours, track = drawn(recipe, locate=lambda _: file)
        theirs, their_track = by_stock(
            recipe, loras=tuple((file, 0.8) if one else None for one in on)
        )
        assert differing(ours, theirs) == 0
        assert track == their_track
        assert differing(drawn(replace(recipe, adapters=()))[0], theirs) > 1000
    finally:
        switching.unload(model)


@each
def test_one_that_begins_with_a_picture_has_none(name: str) -> None:
    """The picture is held in both passes, in the size of each."""
    from diffusers.pipelines.ltx2.pipeline_ltx2_condition import LTX2VideoCondition

    one = Input(role="first", sha256=a_digest("b"), fit="cover")
    recipe = replace(in_two_passes(name), task=Task.IMAGE_TO_VIDEO, inputs=(one,))
    small, large = (
        load(a_photo(), width=canvas.width, height=canvas.height, fit="cover")
        for canvas in (needed(each.canvas) for each in passes(recipe))
    )
    claim(
        recipe,
        a_photo(),
        kinds=("LTX2ImageToVideoPipeline", "LTX2ConditionPipeline"),
        told=(
            {"image": small, "image_crf": 0},
            {"conditions": [LTX2VideoCondition(frames=large, index=0, crf=0)]},
        ),
    )
