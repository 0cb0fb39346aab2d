"""An edit has the stock InstructPix2Pix pipelines' pixels, and its input's place and size."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from generation.draft import complete
from generation.errors import NotMadeFor
from generation.media.photos import load
from generation.recipe import Canvas, Input, Recipe, Sha256, needed
from generation.sigmas import expand
from generation.tasks import Task
from generation.trials.preservation import preservation
from generation.worker.memory.model_cache import ModelCache
from generation.worker.model import Model
from generation.worker.render import render
from tests.given import loaded, tinymodels
from tests.given.builders import a_draft, a_recipe, changed, encoded
from tests.given.checkpoints import scanned
from tests.given.plain_diffusers import forced, scheduler_for, stock_pipeline
from tests.given.worker_process import a_photo

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

EDITORS: dict[str, Callable[..., Path]] = {
    "sd1": tinymodels.build_sd15,
    "sdxl": tinymodels.build_sdxl,
}


@pytest.fixture(scope="module", params=EDITORS)
def editor(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    """A tiny model of eight channels."""
    loaded.cache_of()  # switches exactness on
    folder = tmp_path_factory.mktemp("editors")
    EDITORS[request.param](folder / "m" / request.param, channels=8)
    catalog = scanned(folder / "m")
    (entry,) = catalog.models()
    recipe = a_recipe(checkpoint=entry.weights, family=entry.family)
    with ModelCache(catalog, torch.device("cpu"), None).take(
        recipe, on_load=lambda _: None
    ) as model:
        yield model


def edit_of(model: Model, photo: bytes, **changes: Any) -> Recipe:
    """An edit of the photo at 96x64, which is a size that its model draws."""
    family = "starter" if model.architecture.name == "sd1" else "sdxl"
    sampler = changes.get("sampler", "euler")
    sigmas = expand(sampler, "karras", steps=6, denoise=1.0, noise="scaled-linear")
    digest = Sha256(hashlib.sha256(photo).hexdigest())
    plain = a_recipe(
        task=Task.EDIT,
        family=family,
        inputs=(Input(role="reference", sha256=digest, fit="cover"),),
        prompt="make it blue",
        negative_prompt="dog",
        width=96,
        height=64,
        scheduler="karras",
        sigmas=sigmas,
        steps=len(sigmas) - 1,
        cfg=7.5,
        image_cfg=1.5,
    )
    return changed(plain, **changes)


def stock(model: Model, recipe: Recipe) -> Any:
    """diffusers' own pipeline around the same weights, walking the recipe's sigmas."""
    import diffusers

    plain = stock_pipeline(model)
    parts = dict(plain.components)
    parts["scheduler"] = scheduler_for(needed(recipe.sampling).sampler)
    parts["scheduler"].register_to_config(steps_offset=1)
    forced(parts["scheduler"], needed(recipe.sampling).sigmas)
    known = ("requires_safety_checker", "force_zeros_for_empty_prompt")
    options = {key: value for key, value in plain.config.items() if key in known}
    name = type(plain).__name__.removesuffix("Pipeline")
    if "text_encoder_2" in parts:
        options["add_watermarker"] = False
        for unknown in ("image_encoder", "feature_extractor"):
            del parts[unknown]
    pipe = getattr(diffusers, f"{name}InstructPix2PixPipeline")(**parts, **options)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def start(recipe: Recipe, width: int, height: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(recipe.seed)
    return torch.randn((1, 4, height // 8, width // 8), generator=generator)


def ours(model: Model, recipe: Recipe, photo: bytes) -> Image.Image:
    content = render(recipe, (photo,), model, on_step=lambda *_: None).content
    canvas = needed(recipe.canvas)
    return Image.frombytes("RGB", (canvas.width, canvas.height), content)


def theirs(model: Model, recipe: Recipe, image: Image.Image) -> Image.Image:
    sampling = needed(recipe.sampling)
    pipe = stock(model, recipe)
    size = {"width": image.width, "height": image.height} if "XL" in type(pipe).__name__ else {}
    (drawn,) = pipe(
        prompt=recipe.prompt,
        negative_prompt=needed(recipe.words).negative_prompt,
        image=image,
        guidance_scale=sampling.cfg,
        image_guidance_scale=sampling.image_cfg,
        num_inference_steps=sampling.steps,
        latents=start(recipe, image.width, image.height),
        **size,
    ).images
    found: Image.Image = drawn
    return found


def differing(one: Image.Image, two: Image.Image) -> int:
    return int(np.count_nonzero(np.asarray(one) != np.asarray(two)))


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m"])
@pytest.mark.parametrize(
    ("cfg", "image_cfg"), [(7.5, 1.5), (3.0, 1.0), (1.0, 1.0)], ids=["both", "words", "none"]
)
def test_an_edit_has_no_differing_pixel(
    editor: Model, sampler: str, cfg: float, image_cfg: float
) -> None:
    photo = a_photo()
    recipe = edit_of(editor, photo, sampler=sampler, cfg=cfg, image_cfg=image_cfg)
    image = load(photo, width=96, height=64, fit="cover")
    assert differing(ours(editor, recipe, photo), theirs(editor, recipe, image)) == 0


def test_each_guidance_and_each_prompt_counts(editor: Model) -> None:
    photo = a_photo()
    recipe = edit_of(editor, photo)
    others = [
        recipe,
        changed(recipe, cfg=4.0),
        changed(recipe, image_cfg=2.5),
        changed(recipe, image_cfg=None),
        changed(recipe, prompt="make it red"),
        changed(recipe, negative_prompt="cat"),
    ]
    assert len({ours(editor, each, photo).tobytes() for each in others}) == len(others)
    darker = encoded(Image.open(io.BytesIO(photo)).point(lambda v: v // 2))
    digest = Sha256(hashlib.sha256(darker).hexdigest())
    seen = Input(role="reference", sha256=digest, fit="cover")
    assert ours(editor, changed(recipe, inputs=(seen,)), darker) != ours(editor, recipe, photo)


def test_a_picture_that_is_none_for_the_model_is_drawn_at_a_size_and_brought_back(
    editor: Model,
) -> None:
    photo = a_photo()
    recipe = edit_of(editor, photo)
    recipe = changed(
        recipe, width=90, height=70, drawn=Canvas(width=96, height=72), sampler="dpmpp_2m"
    )
    whole = load(photo, width=90, height=70, fit="cover").resize((96, 72), Image.Resampling.LANCZOS)
    drawn = theirs(editor, recipe, whole).resize((90, 70), Image.Resampling.LANCZOS)
    assert differing(ours(editor, recipe, photo), drawn) == 0


@pytest.mark.parametrize("size", [(90, 70), (71, 131), (301, 97)], ids=str)
def test_bringing_there_and_back_moves_nothing(size: tuple[int, int]) -> None:
    """Of a photo as it comes, without what networks do to it in between."""
    from generation.worker.tasks.edit import _stretched

    photo = textured(*size)
    there = _stretched(photo, (-(-size[0] // 8) * 8, -(-size[1] // 8) * 8))
    smaller = _stretched(photo, (size[0] * 4 // 5 // 8 * 8, size[1] * 4 // 5 // 8 * 8))
    for away in (there, smaller):
        found = preservation(photo, _stretched(away, size))
        assert found.same_size
        assert max(found.shift, found.zoom) < 0.1
        assert found.drift < 2


def textured(width: int, height: int) -> Image.Image:
    """Something with edges everywhere."""
    dice = np.random.default_rng(3)
    rough = Image.fromarray(dice.integers(0, 255, (height // 6, width // 6, 3), dtype=np.uint8))
    return rough.resize((width, height), Image.Resampling.BICUBIC)


def test_a_draft_of_one_knows_what_is_usual_and_which_models_do_it(tmp_path: Path) -> None:
    tinymodels.build_sd15(tmp_path / "m" / "editor", channels=8)
    tinymodels.build_sd15(tmp_path / "m" / "plain")
    catalog = scanned(tmp_path / "m")
    seen = Input(role="reference", sha256=Sha256("b" * 64), fit="cover")
    draft = a_draft("make it blue", inputs=(seen,), width=90, height=70)
    editor = catalog.find("editor").model
    recipe = complete(draft, editor, seed=1, device="cpu")
    assert recipe.task is Task.EDIT
    assert (recipe.canvas, recipe.drawn) == (
        Canvas(width=90, height=70),
        Canvas(width=88, height=72),
    )
    sampling = needed(recipe.sampling)
    usual = editor.family.cfg_of_edits
    assert (sampling.cfg, sampling.image_cfg, sampling.denoise) == (usual, 1.5, 1.0)
    assert (sampling.guided, sampling.lanes) == (True, 3)
    with pytest.raises(NotMadeFor):
        complete(draft, catalog.find("plain").model, seed=1, device="cpu")
    with pytest.raises(NotMadeFor):
        complete(a_draft("a cat"), catalog.find("editor").model, seed=1, device="cpu")
