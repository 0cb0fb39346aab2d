"""The claim that HunyuanVideo 1.5's films are those of the stock pipelines, frame for frame.

Theirs attend by tables of all pairs of tokens, and their VAE's tiling is switched on, as its makers
use it.
"""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import ClassifierFreeGuidance
from diffusers.models.transformers.transformer_hunyuan_video15 import HunyuanVideo15AttnProcessor2_0

from generation.catalog.catalog import Catalog
from generation.draft import complete
from generation.errors import OutOfRange
from generation.families.family import FAMILIES, family
from generation.families.hunyuan_video import HUNYUAN_VIDEO
from generation.media.photos import load
from generation.recipe import Input, Recipe, needed
from generation.spans import Motion
from generation.tasks import Task
from generation.worker.codecs import tiled_film
from generation.worker.model import Model
from generation.worker.text.glyphs import sentence
from tests.given import loaded, tinymodels
from tests.given.builders import a_digest, a_draft, changed
from tests.given.stock_films import HEIGHT, WIDTH, a_film, differing, drawn, noise_of, pipeline
from tests.given.tiny import hunyuan_video
from tests.given.worker_process import a_photo

# numpy 2 wants of tensors what torch does not have yet.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

NAME, SEEING = "hunyuan-video-1.5", "hunyuan-video-1.5-i2v"
LEAPING = f"{SEEING}-step-distilled"
SIGMAS = (1.0, 0.6, 0.0)


def a_short(name: str, *, frames: int = 5, **changes: Any) -> Recipe:
    motion = Motion(frames=frames, fps=24.0, piece=None, overlap=None)
    given: dict[str, Any] = {"sigmas": SIGMAS, "steps": len(SIGMAS) - 1, "motion": motion}
    return a_film(name, **given | changes)


def begun(name: str, **changes: Any) -> Recipe:
    one = Input(role="first", sha256=a_digest("b"), fit="cover")
    return a_short(name, task=Task.IMAGE_TO_VIDEO, inputs=(one,), **changes)


def by_stock(model: Model, recipe: Recipe, *, kind: str = "", **given: Any) -> Any:
    sampling = needed(recipe.sampling)
    more: dict[str, Any] = {"guider": ClassifierFreeGuidance(guidance_scale=sampling.cfg)}
    if kind:
        more["feature_extractor"] = hunyuan_video.processor()
    else:
        given |= {"width": needed(recipe.canvas).width, "height": needed(recipe.canvas).height}
    pipe = pipeline(model, f"HunyuanVideo15{kind}Pipeline", recipe, **more)
    pipe.transformer = copy.deepcopy(pipe.transformer)
    for block in pipe.transformer.transformer_blocks:
        block.attn.set_processor(HunyuanVideo15AttnProcessor2_0())
    pipe.vae = copy.deepcopy(pipe.vae)
    pipe.vae.enable_tiling()
    return pipe(
        prompt=recipe.prompt,
        negative_prompt=needed(recipe.words).negative_prompt,
        num_frames=needed(recipe.motion).frames,
        num_inference_steps=sampling.steps,
        latents=noise_of(recipe, model),
        output_type="np",
        **given,
    ).frames[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"cfg": 1.0, "negative_prompt": ""},
        {"cfg": 4.0, "prompt": 'a red cat with a sign "Hello" and “你好”'},
        {"frames": 1, "negative_prompt": ""},
        pytest.param({"width": 320, "height": 272, "cfg": 1.0}, marks=pytest.mark.slow),  # tiles
    ],
)
def test_a_film_of_words_has_no_differing_value(changes: dict[str, Any]) -> None:
    recipe, model = a_short(NAME, **changes), loaded.model(NAME)
    assert differing(drawn(recipe, model), by_stock(model, recipe)) == 0


@pytest.mark.parametrize(("name", "cfg"), [(SEEING, 4.0), (LEAPING, 1.0)])
def test_a_film_that_begins_with_a_picture_has_none(name: str, cfg: float) -> None:
    recipe, model = begun(name, cfg=cfg), loaded.model(name)
    picture = load(a_photo(), width=WIDTH, height=HEIGHT, fit="cover")
    theirs = by_stock(model, recipe, kind="ImageToVideo", image=picture)
    assert differing(drawn(recipe, model, a_photo()), theirs) == 0


def test_films_and_pictures_of_several_tiles_are_those_of_the_stock_vae() -> None:
    vae = copy.deepcopy(loaded.model(NAME).parts["vae"])
    vae.enable_tiling(64, 64, 4, 4)
    dice = torch.Generator().manual_seed(1)
    latents = torch.randn(1, 32, 2, 7, 5, generator=dice)
    pixels = torch.rand(1, 3, 1, 112, 80, generator=dice) * 2 - 1
    with torch.inference_mode():
        (frames,) = tiled_film.decoded(vae, latents)
        assert torch.equal(frames, vae.decode(latents).sample)
        seen = tiled_film.posterior(vae, pixels)
        assert torch.equal(seen.mode(), vae.encode(pixels).latent_dist.mode())


def test_words_in_quotes_are_said_as_in_the_stock_pipeline() -> None:
    from diffusers.pipelines.hunyuan_video1_5.pipeline_hunyuan_video1_5 import extract_glyph_texts

    for text in ("none", '"a"', 'x "a" y “b” z "a"', '""', '"unended', '"a" "a"', '“x "y" z”'):
        assert (sentence(text) or None) == extract_glyph_texts(text)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"width": 72}, "a multiple of 16"),
        ({"frames": 7}, "5 or 9"),
        ({"motion": Motion(frames=9, fps=8.0, piece=2, overlap=1)}, "sees all frames"),
        ({"prompt": "red cat " * 200}, "1000"),
        ({"prompt": 'a sign "' + "x" * 260 + '"'}, "256"),
    ],
)
def test_what_it_cannot_draw_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(OutOfRange, match=said):
        drawn(a_short(NAME, **changes), loaded.model(NAME))


def test_what_fits_no_film_is_refused_before_it_is_queued() -> None:
    model = loaded.cache_of(NAME).catalog.models()[0].model
    for said, told in (
        ({"frames": 120}, "121 fit"),
        ({"width": 840, "height": 480}, "a multiple of 16"),
        ({"width": 1280, "height": 720}, "640x640"),
    ):
        draft = changed(a_draft(), task=Task.TEXT_TO_VIDEO, prompt="a red cat", **said)
        with pytest.raises(OutOfRange, match=told):
            complete(draft, model, seed=1, device="cpu")


def test_a_folder_says_which_of_them_it_is(tmp_path: Path) -> None:
    """By its image encoder, its size, what guides it, and whether it leaps."""
    assert set(FAMILIES) >= {told(index, config) for index, config in every_kind()}
    assert len({told(index, config) for index, config in every_kind()}) == 9
    for name, kept in ((NAME, NAME), (SEEING, SEEING), (LEAPING, LEAPING)):
        assert loaded.cache_of(name).catalog.models()[0].family == kept
    assert family(f"{NAME}-720p").width == 1280
    found = shutil.copytree(tinymodels.of(NAME), tmp_path / "taught")
    hunyuan_video.write_guider(found, guidance_scale=1.0)
    assert scanned(found).models()[0].family == f"{NAME}-distilled"


def every_kind() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    looks = ["transformers", "SiglipVisionModel"]
    kinds = [
        ({"image_encoder": seen, "_cfg": cfg}, {"target_size": size})
        for seen in ([None, None], looks)
        for cfg in (1.0, 6.0)
        for size in (640, 960)
    ]
    return [*kinds, ({"image_encoder": looks, "_cfg": 1.0}, {"use_meanflow": True})]


def told(index: dict[str, Any], config: dict[str, Any]) -> str:
    return HUNYUAN_VIDEO.family_of(index, config)


def scanned(folder: Path) -> Catalog:
    catalog = Catalog([folder], folder.parent / "catalog.json")
    catalog.scan()
    return catalog


@pytest.mark.parametrize(
    "settings",
    [{"guidance_rescale": 0.7}, {"start": 0.2}, {"_class_name": "AdaptiveProjectedGuidance"}],
)
def test_what_guides_otherwise_is_refused_by_its_setting(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    found = shutil.copytree(tinymodels.of(NAME), tmp_path / "odd")
    hunyuan_video.write_guider(found, guidance_scale=6.0, **settings)
    (refused,) = scanned(found).refused()
    assert next(iter(settings)) in refused.reason
    assert "guider" in refused.reason


def test_parts_of_other_widths_do_not_fit() -> None:
    configs = {
        part.name: json.loads((tinymodels.of(SEEING) / part.name / "config.json").read_text())
        for part in HUNYUAN_VIDEO.parts
    }
    assert HUNYUAN_VIDEO.fits(configs) is None
    for part, key in (("text_encoder", "hidden_size"), ("text_encoder_2", "d_model")):
        odd = {**configs, part: {**configs[part], key: 99}}
        assert "are 99 wide" in (HUNYUAN_VIDEO.fits(odd) or "")
