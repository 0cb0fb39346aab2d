"""Pictures of Anima are those of diffusers' own blocks, pixel for pixel, with the same levels."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from diffusers.models.transformers import transformer_cosmos
from diffusers.modular_pipelines.anima import AnimaAutoBlocks
from torch.nn.functional import interpolate

from generation.catalog.partconfigs import CONFIGS, config_of
from generation.catalog.recognition import of_file
from generation.errors import UnusableWeights
from generation.families.anima import ANIMA, told
from generation.families.architecture import Shapes
from generation.families.builds import anima
from generation.recipe import Recipe, needed
from generation.worker.loading.building import class_of
from generation.worker.model import Model
from tests.given import loaded
from tests.given.plain_diffusers import forced
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
)

NAME = "anima"
TRANSFORMER = ANIMA.denoiser


def nearest(mask: torch.Tensor, size: list[int], **_: Any) -> torch.Tensor:
    return interpolate(mask, size=size, mode="nearest")


@pytest.fixture(autouse=True)
def resized(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the class takes from torchvision to make zeros of zeros, where that is not there."""
    there = SimpleNamespace(
        functional=SimpleNamespace(resize=nearest),
        InterpolationMode=SimpleNamespace(NEAREST="nearest"),
    )
    monkeypatch.setattr(transformer_cosmos, "transforms", there, raising=False)


def by_stock(model: Model, recipe: Recipe, latents: torch.Tensor, **more: Any) -> Any:
    """What diffusers' blocks draw around the same weights, over the recipe's sigmas."""
    sampling = needed(recipe.sampling)
    pipe = AnimaAutoBlocks().init_pipeline()
    model.parts["transformer"].register_to_config(concat_padding_mask=True)
    pipe.update_components(
        scheduler=forced(FlowMatchEulerDiscreteScheduler(shift=1.0), list(sampling.sigmas)),
        tokenizer=model.parts.tokenizers["text_encoder"],
        t5_tokenizer=model.parts.tokenizers["text_conditioner"],
        **model.parts.modules,
    )
    pipe.update_components(guider=type(pipe.guider)(guidance_scale=sampling.cfg))
    pipe.set_progress_bar_config(disable=True)
    return pipe(
        prompt=recipe.prompt,
        negative_prompt=needed(recipe.words).negative_prompt,
        width=WIDTH,
        height=HEIGHT,
        num_inference_steps=sampling.steps,
        latents=latents.unsqueeze(2),
        output="images",
        **more,
    )[0]


@pytest.mark.parametrize(
    ("prompt", "cfg"), [("a red cat", 4.0), ("", 4.0), ("a (red:1.3) cat, [dog] " * 8, 1.0)]
)
def test_text_to_image_has_no_differing_pixel(prompt: str, cfg: float) -> None:
    recipe, model = a_flow(NAME, cfg=cfg, prompt=prompt), loaded.model(NAME)
    ours = drawn(recipe, model)
    latents = noise_of(recipe, 16, HEIGHT // 8, WIDTH // 8)
    assert differing(ours, by_stock(model, recipe, latents)) == 0


def test_a_picture_that_is_drawn_over_has_none_where_the_vaes_mode_is_its_sample() -> None:
    """Their blocks take the mode; a picture that is drawn over begins as a sample here."""
    recipe, model = over_a_photo(a_flow(NAME, cfg=4.0)), loaded.model(NAME)
    generator = torch.Generator().manual_seed(recipe.seed)
    pixels = torch.tensor(list(photo().tobytes()), dtype=torch.float32)
    pixels = pixels.view(HEIGHT, WIDTH, 3).permute(2, 0, 1)[None] / 255 * 2 - 1
    with torch.inference_mode():
        begun = model.engine.encode(model.parts, pixels, generator)
    noise = torch.randn(begun.shape, generator=generator)
    first = torch.tensor(needed(recipe.sampling).sigmas[0])
    latents = noise * first + (1.0 - first) * begun
    ours = drawn(recipe, model, PHOTO)
    assert differing(ours, by_stock(model, recipe, latents)) == 0


def published(**config: object) -> Shapes:
    """The makers' file of its real sizes, or others."""
    found: dict[str, tuple[int, ...]] = {}
    for part in (TRANSFORMER, ANIMA.part("text_conditioner")):
        said = {**config_of(CONFIGS / part.config), **config}
        found |= part.layout(part.network.tensors(said) or {}, said)
    return {f"net.{key.removeprefix(TRANSFORMER.prefix)}": shape for key, shape in found.items()}


def test_a_file_is_its_modules_by_the_stock_librarys_own_names() -> None:
    from diffusers.loaders.single_file_utils import (
        convert_cosmos_transformer_checkpoint_to_diffusers,
    )

    made = {
        key: torch.empty(shape, device="meta")
        for key, shape in published().items()
        if "llm_adapter" not in key
    }
    theirs = convert_cosmos_transformer_checkpoint_to_diffusers(made)
    for part, back in ((TRANSFORMER, theirs), (ANIMA.part("text_conditioner"), None)):
        config = config_of(CONFIGS / part.config)
        with torch.device("meta"):
            module = class_of(part.network.module, part.network.name).from_config(config)
        shapes = {key: tuple(tensor.shape) for key, tensor in module.state_dict().items()}
        assert part.network.tensors(config) == shapes
        assert back is None or {k: tuple(t.shape) for k, t in back.items()} == shapes


def test_the_makers_file_lacks_an_encoder_and_a_vae_and_cosmos_own_is_none() -> None:
    file = {**published(), "net.pos_embedder.dim_spatial_range": (21,)}
    found = of_file(file, "x", dtypes=dict.fromkeys(file, "BF16"))
    assert found.family == "anima"
    assert len(found.lacks) == 2
    assert ANIMA.fits({**found.others, "text_encoder": {"hidden_size": 1024}}) is None
    why = ANIMA.fits({**found.others, "text_encoder": {"hidden_size": 2560}})
    assert why == "its words are 2560 wide, and 1024 is read"
    cosmos = {key: shape for key, shape in file.items() if "llm_adapter" not in key}
    with pytest.raises(UnusableWeights, match="Cosmos"):
        of_file(cosmos, "x", dtypes=dict.fromkeys(cosmos, "BF16"))


@pytest.mark.parametrize(
    "config",
    [{"num_attention_heads": 12, "num_layers": 3}, {"text_embed_dim": 512, "adaln_lora_dim": 64}],
)
def test_each_size_is_told_by_its_tensors(config: dict[str, Any]) -> None:
    said = {**config_of(CONFIGS / TRANSFORMER.config), **config}
    shapes = TRANSFORMER.layout(anima.transformer(said) or {}, said)
    assert {key: told(shapes)[key] for key in config} == config
