"""The claim that LTX-2's films and their sound are those of the stock pipelines, value for value.

Of the same seed: theirs throw the film's noise and then the sound's, and so does the worker.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler

from generation.catalog.catalog import Catalog
from generation.draft import complete
from generation.errors import OutOfRange
from generation.families.architecture import Architecture
from generation.families.family import FAMILIES
from generation.families.ltx2 import LTX_2, LTX_23
from generation.media.photos import load
from generation.media.sounds import content_of
from generation.recipe import Input, Recipe, needed
from generation.spans import Motion
from generation.tasks import Task
from generation.worker.engines.engine import Throwing
from generation.worker.model import Model
from generation.worker.render import render
from tests.given import loaded, tinymodels
from tests.given.builders import a_blue_png, a_digest, a_draft, a_model, changed
from tests.given.heard_films import a_heard_film
from tests.given.stock_films import HEIGHT, WIDTH, differing
from tests.given.stock_heard_films import apart, asked, heard_pipeline
from tests.given.worker_process import a_photo

NAMES = ("ltx-2", "ltx-2.3")
each = pytest.mark.parametrize("name", NAMES)


def going_on(name: str = "ltx-2", **changes: Any) -> Recipe:
    one = Input(role="first", sha256=a_digest("b"), fit="cover")
    return replace(a_heard_film(name, **changes), task=Task.IMAGE_TO_VIDEO, inputs=(one,))


def model(recipe: Recipe) -> Model:
    return loaded.model(recipe.family)


def drawn(recipe: Recipe, *inputs: bytes) -> tuple[Any, bytes]:
    """The worker's frames, and the samples behind them."""
    content = render(recipe, inputs, model(recipe), on_step=lambda *_: None).content
    return apart(content, recipe)


def by_stock(recipe: Recipe, kind: str = "LTX2Pipeline", **given: Any) -> tuple[Any, bytes]:
    """The same by the pipeline, guided by cfg alone."""
    frames, track = heard_pipeline(kind, recipe, model(recipe).parts)(
        **asked(recipe),
        generator=torch.Generator().manual_seed(recipe.seed),
        output_type="np",
        **given,
    )
    return frames[0], content_of(track[0].float().numpy())


def claim(recipe: Recipe, *inputs: bytes, kind: str = "LTX2Pipeline", **given: Any) -> None:
    (frames, track), (theirs, their_track) = drawn(recipe, *inputs), by_stock(recipe, kind, **given)
    assert differing(frames, theirs) == 0
    assert track == their_track
    assert len(set(track)) > 9  # something is heard in it


@pytest.mark.parametrize(
    ("cfg", "prompt", "motion"),
    [
        (4.0, "a red cat", Motion(frames=9, fps=8.0, piece=None, overlap=None)),
        (1.0, "a cat [cat] " * 9, Motion(frames=17, fps=30.0, piece=None, overlap=None)),
        (4.0, "", Motion(frames=1, fps=24.0, piece=None, overlap=None)),
    ],
)
@each
def test_a_film_of_words_and_its_sound_have_no_differing_value(
    name: str, cfg: float, prompt: str, motion: Motion
) -> None:
    claim(a_heard_film(name, cfg=cfg, prompt=prompt, motion=motion))


@each
@pytest.mark.parametrize("cfg", [1.0, 4.0])
def test_a_film_that_begins_with_a_picture_has_none(name: str, cfg: float) -> None:
    picture = load(a_photo(), width=WIDTH, height=HEIGHT, fit="cover")
    claim(
        going_on(name, cfg=cfg),
        a_photo(),
        kind="LTX2ImageToVideoPipeline",
        image=picture,
        image_crf=0,
    )


def the_noise_of(recipe: Recipe) -> Any:
    """What the worker throws, in the order and shapes in which `LTX2ConditionPipeline` asks."""
    engine, parts = model(recipe).engine, model(recipe).parts
    assert isinstance(engine, Throwing)
    thrown = engine.thrown(parts, recipe, torch.Generator().manual_seed(recipe.seed))
    latent = (needed(recipe.motion).frames - 1) // 8 + 1
    film = thrown[:, :, :latent].flatten(2).transpose(1, 2)
    sound = thrown[:, :, latent:].flatten(2).transpose(1, 2)
    thrown_next = iter((film, sound))

    def noise(shape: tuple[int, ...], **_: Any) -> torch.Tensor:
        made = next(thrown_next)
        missing = max(0, shape[1] - made.shape[1])
        padded: torch.Tensor = torch.nn.functional.pad(made, (0, 0, 0, missing))
        return padded[:, : shape[1]]

    return noise


@each
@pytest.mark.parametrize("cfg", [1.0, 4.0])
@pytest.mark.parametrize("held", [0.7, 0.25, 0.0])
def test_a_film_that_begins_with_some_of_a_picture_has_none(
    name: str, cfg: float, held: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diffusers.pipelines.ltx2 import pipeline_ltx2_condition as stock

    motion = Motion(frames=9, fps=8.0, piece=None, overlap=None, held=held)
    recipe = going_on(name, cfg=cfg, motion=motion)
    monkeypatch.setattr(stock, "randn_tensor", the_noise_of(recipe))
    picture = load(a_photo(), width=WIDTH, height=HEIGHT, fit="cover")
    condition = stock.LTX2VideoCondition(frames=picture, index=0, strength=held, crf=0)
    claim(recipe, a_photo(), kind="LTX2ConditionPipeline", conditions=[condition])


@each
@pytest.mark.parametrize("cfg", [1.0, 4.0])
@pytest.mark.parametrize("frames", [9, 25])
def test_a_film_between_two_pictures_has_none(
    name: str, cfg: float, frames: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stock pipeline throws noise for what it ends with as well, and then uses none of it."""
    from diffusers.pipelines.ltx2 import pipeline_ltx2_condition as stock

    motion = Motion(frames=frames, fps=8.0, piece=None, overlap=None)
    recipe = going_on(name, cfg=cfg, motion=motion)
    last = Input(role="last", sha256=a_digest("c"), fit="cover")
    recipe = replace(recipe, inputs=(*recipe.inputs, last))
    monkeypatch.setattr(stock, "randn_tensor", the_noise_of(recipe))
    pictures = a_photo(), a_blue_png()
    shown = [load(one, width=WIDTH, height=HEIGHT, fit="cover") for one in pictures]
    conditions = [
        stock.LTX2VideoCondition(frames=one, index=index, crf=0)
        for one, index in zip(shown, (0, -1), strict=True)
    ]
    claim(recipe, *pictures, kind="LTX2ConditionPipeline", conditions=conditions)


@each
def test_between_two_pictures_there_are_some_frames(name: str) -> None:
    motion = Motion(frames=1, fps=8.0, piece=None, overlap=None)
    recipe = going_on(name, motion=motion)
    last = Input(role="last", sha256=a_digest("c"), fit="cover")
    with pytest.raises(OutOfRange, match="at least 9"):
        drawn(replace(recipe, inputs=(*recipe.inputs, last)), a_photo(), a_blue_png())


def test_another_seed_is_another_film_with_another_sound() -> None:
    one, other = (drawn(replace(a_heard_film(), seed=seed)) for seed in (1, 2))
    assert not np.array_equal(one[0], other[0])
    assert one[1] != other[1]


def test_in_pieces_a_film_is_as_long_and_sounds_alike() -> None:
    whole = a_heard_film(motion=Motion(frames=25, fps=24.0, piece=None, overlap=None))
    (frames, track), (others, same) = (
        drawn(one) for one in (whole, changed(whole, piece=2, overlap=1))
    )
    assert frames.shape == others.shape
    assert not np.array_equal(frames, others)
    assert track == same


def test_what_is_said_of_a_clip_is_closed_and_nothing_is_rounded() -> None:
    def asked(**said: Any) -> Recipe:
        draft = changed(a_draft("a cat"), **said)
        return complete(draft, a_model(family="ltx-2"), seed=1, device="cuda")

    usual = asked()
    assert (needed(usual.motion).frames, needed(usual.sound).rate) == (121, 24_000)
    assert needed(usual.sound).seconds == needed(usual.motion).seconds
    for said, allowed in (
        ({"frames": 100}, "97"),
        ({"width": 700}, "32"),
        ({"frames": 473, "fps": 8.0}, "up to 20 seconds"),
    ):
        with pytest.raises(OutOfRange, match=allowed):
            asked(**said)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"width": 80}, "a multiple of 32"),
        ({"motion": Motion(frames=13, fps=8.0, piece=None, overlap=None)}, "9 or 17"),
        ({"prompt": "a cat " * 600}, "1024"),
        ({"sound": None}, "films with their sound"),
        ({"rate": 16_000}, "24000"),
    ],
)
def test_what_it_cannot_draw_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(OutOfRange, match=said):
        drawn(changed(a_heard_film(), **changes))


@each
def test_a_distilled_one_is_told_by_its_levels_and_walks_those_it_learned(name: str) -> None:
    folder = tinymodels.of(f"{name}-distilled")
    catalog = Catalog([folder], tinymodels.home() / f"{name}-distilled.json")
    catalog.scan()
    [entry] = catalog.models()
    assert entry.family == f"{name}-distilled"
    recipe = complete(a_draft("a cat"), entry.model, seed=1, device="cpu")
    from diffusers.pipelines.ltx2.utils import DISTILLED_SIGMA_VALUES

    sampling = needed(recipe.sampling)
    assert sampling.sigmas == (*DISTILLED_SIGMA_VALUES, 0.0)
    assert (sampling.steps, sampling.cfg) == (8, 1.0)


def test_the_usual_levels_are_those_of_the_stock_pipeline() -> None:
    from generation.sigmas import expand, resolved
    from tests.given.tiny.ltx import SCHEDULER

    usual = FAMILIES["ltx-2"]
    pixels = LTX_2.levels_by(usual.width * usual.height, 121)
    noise = resolved(usual.noise, pixels=pixels, steps=40)
    ours = expand("euler", usual.scheduler, steps=40, denoise=1.0, noise=noise)
    scheduler = FlowMatchEulerDiscreteScheduler.from_config(SCHEDULER)
    mu = 0.95 + (2.05 - 0.95) * (16 * 24 * 16 - 1024) / (4096 - 1024)
    scheduler.set_timesteps(sigmas=np.linspace(1.0, 1 / 40, 40), mu=mu)
    assert np.allclose(ours, scheduler.sigmas.numpy(), rtol=2e-3, atol=0)


@pytest.mark.parametrize(
    ("built", "part", "said", "why"),
    [
        (LTX_23, "transformer", {"cross_attn_mod": True, "ff_bias": False}, "it is LTX-2.5"),
        (LTX_2, "connectors", {"caption_channels": 64}, "words 64 wide, 32"),
        (
            LTX_23,
            "connectors",
            {"per_modality_projections": True, "video_hidden_dim": 64},
            "words 64 wide, 4096",
        ),
    ],
)
def test_others_are_refused_in_one_sentence(
    built: Architecture, part: str, said: dict[str, Any], why: str
) -> None:
    network = built.part(part).network
    reason = network.fault(said) or built.fits(
        {"transformer": {"caption_channels": 32}, part: said}
    )
    assert reason is not None
    assert why in reason


def test_a_folder_is_of_the_one_that_its_transformer_is_built_as() -> None:
    for name, its in (("ltx-2", LTX_2), ("ltx-2.3", LTX_23)):
        config = json.loads((tinymodels.of(name) / "transformer" / "config.json").read_text())
        assert [one for one in (LTX_2, LTX_23) if one.recognise_folder(config)] == [its]
        assert loaded.recipe_of(name).family == name
