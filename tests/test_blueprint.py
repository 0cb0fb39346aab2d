"""The written-down shapes are those of the modules that the worker builds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from generation.catalog.checkpoint import expected_tensors, fits, is_harmless
from generation.catalog.partconfigs import CONFIGS, config_of
from generation.families import blueprint, musicgen, stable_audio_3
from generation.families.builds import shap_e, siglip
from generation.families.family import ARCHITECTURES
from generation.families.laid import under
from generation.families.text import language
from generation.worker.loading.building import class_of
from tests.given import tinymodels
from tests.given.checkpoints import the_single_file
from tests.given.languagemodels import LANGUAGE_MODELS
from tests.given.thinmodels import architecture as build_of
from tests.given.thinmodels import with_channels

Tensors = Callable[[Mapping[str, Any]], Mapping[str, tuple[int, ...]] | None]
ENCODERS: Mapping[str, Tensors] = {
    "CLIPTextModel": blueprint.clip,
    "CLIPTextModelWithProjection": blueprint.clip,
    "T5EncoderModel": blueprint.t5,
    "UMT5EncoderModel": blueprint.t5,
    "CLIPVisionModel": shap_e.vision,
    "SiglipVisionModel": siglip.tensors,
    "Qwen2_5_VLTextModel": language.QWEN25_VL_WORDS.tensors,
    musicgen.DECODER.name: musicgen.DECODER.tensors,
    musicgen.ENCODEC.name: musicgen.ENCODEC.tensors,
    stable_audio_3.T5GEMMA.name: stable_audio_3.T5GEMMA.tensors,
    **{network.name: network.tensors for network in LANGUAGE_MODELS},
}
NETWORKS = {part.network.name: part.network for one in ARCHITECTURES for part in one.parts}
WORDS_OF = {
    "Mistral3ForConditionalGeneration": "MistralModel",
    "Mistral3Model": "Ministral3Model",
    "Gemma3ForConditionalGeneration": "Gemma3TextModel",
}  # a class: its words' alone
STARTER = Path(blueprint.__file__).parents[1] / "starter" / "models" / "starter"


def built(kind: Any, config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        module = kind(config)
    saved = module.state_dict().keys()
    ends = ("num_batches_tracked", "pos_embed.pe")  # counted, or computed by the class
    counted = {key for key, _ in module.named_buffers() if key.endswith(ends)}
    buffers = (b for b in module.named_buffers() if b[0] in saved - counted)
    tensors = [*module.named_parameters(), *buffers]
    plain = re.compile(r"^(text|vision)_model\.")
    return {plain.sub("", key): tuple(tensor.shape) for key, tensor in tensors}


def diffusers_module(name: str) -> Any:
    import diffusers

    if hasattr(diffusers, name):
        return getattr(diffusers, name).from_config
    return class_of(NETWORKS[name].module, name).from_config


def text_encoder(named: str, config: dict[str, Any]) -> Any:
    import transformers

    kind = getattr(transformers, named)
    return kind(kind.config_class(**config))


def folders() -> list[Path]:
    known = sorted(path for path in CONFIGS.iterdir() if path.is_dir())
    built_in = [STARTER, *(STARTER.with_name(f"starter-{kind}") for kind in ("form", "video"))]
    return [
        *known,
        *built_in,
        *map(tinymodels.of, (*tinymodels.BUILDS, *tinymodels.FORMS, *tinymodels.SOUNDS)),
    ]


def test_every_tensor_is_written_down_with_its_shape() -> None:
    for folder in folders():
        check(folder)


def check(folder: Path) -> None:
    for part in sorted(path.parent for path in folder.glob("*/config.json")):
        config = json.loads((part / "config.json").read_text())
        ours: Tensors
        if part.name == "unet":
            right, ours = built(diffusers_module("UNet2DConditionModel"), config), blueprint.unet
        elif "made" in config:  # a layer of ours, which has no class of a library
            continue
        elif "_class_name" in config or (
            part.name in ("vae", "transformer") and "architectures" not in config
        ):
            kind = config.get("_class_name", "AutoencoderKL")
            right, ours = built(diffusers_module(kind), config), NETWORKS[kind].tensors
        else:
            named = config["architectures"][0]
            if (kind := WORDS_OF.get(named)) is not None:
                config, named = config["text_config"], kind
            named = named.replace("ForConditionalGeneration", "Model")
            right, ours = built(partial(text_encoder, named), config), ENCODERS[named]
        assert ours(config) == right, part


def test_fewer_layers_and_lists_of_them_are_written_down_too() -> None:
    """As in SSD-1B: lists of depths, another list for the way up, and no middle."""
    config = json.loads((CONFIGS / "sdxl" / "unet" / "config.json").read_text())
    config |= {
        "transformer_layers_per_block": [1, [2, 2], [4, 4]],
        "reverse_transformer_layers_per_block": [[4, 4, 10], [2, 1, 1], 1],
        "mid_block_type": "UNetMidBlock2D",
        "layers_per_block": 2,
    }
    assert blueprint.unet(config) == built(diffusers_module("UNet2DConditionModel"), config)


@pytest.mark.parametrize(
    "odd",
    [
        {"down_block_types": ["SimpleCrossAttnDownBlock2D"] * 3},
        {"block_out_channels": "many"},
        {"class_embed_type": "timestep"},
        {"cross_attention_dim": [2048, 1024]},
        {"layers_per_block": 2**40},
        {"transformer_layers_per_block": 2**19},
        {"down_block_types": ["DownBlock2D"] * 2**19},
        {"transformer_layers_per_block": None},
    ],
)
def test_a_config_that_is_not_understood_has_no_blueprint(odd: dict[str, object]) -> None:
    config = json.loads((CONFIGS / "sdxl" / "unet" / "config.json").read_text())
    assert blueprint.unet(config | odd) is None


@pytest.mark.parametrize(
    ("architecture", "channels", "known"),
    [
        ("sd1", 4, "v1"),
        ("sd1", 9, "inpainting"),
        ("sd2", 4, "v2"),
        ("sd2", 9, "inpainting_v2"),
        ("sdxl", 4, "xl_base"),
        ("sdxl", 9, "xl_inpaint"),
        ("sdxl-refiner", 4, "xl_refiner"),
    ],
)
def test_the_stock_library_takes_a_file_of_these_tensors_for_the_same_model(
    architecture: str, channels: int, known: str
) -> None:
    from diffusers.loaders.single_file_utils import infer_diffusers_model_type

    shapes = with_channels(expected_tensors(build_of(architecture)), channels)
    with torch.device("meta"):
        tensors = {key: torch.empty(shape) for key, shape in shapes.items()}
    assert infer_diffusers_model_type(tensors) == known


def test_what_the_stock_library_passes_over_in_a_file_of_2_is_passed_over_here() -> None:
    from diffusers.loaders.single_file_utils import SD_2_TEXT_ENCODER_KEYS_TO_IGNORE

    encoder = build_of("sd2").part("text_encoder")
    spare = encoder.spare(config_of(CONFIGS / encoder.config))
    assert all(key.startswith(spare) for key in SD_2_TEXT_ENCODER_KEYS_TO_IGNORE)
    assert not any(key.startswith(spare) for key in expected_tensors(build_of("sd2")))


@pytest.mark.parametrize("architecture", tinymodels.BUILDS)
def test_the_names_of_single_files_are_those_that_they_are_written_with(
    architecture: str,
) -> None:
    tensors, configs = the_single_file(architecture)
    built = build_of(architecture)
    shapes = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
    absent = tuple(p.prefix for p in built.parts if p.optional and not under(p.prefix, shapes))
    expected = {
        key: shape
        for key, shape in expected_tensors(built, configs, shapes).items()
        if not key.startswith(absent)
    }
    unread = tuple(
        begin for part in built.parts for begin in part.spare(config_of(configs / part.config))
    )
    found = {
        key: shape
        for key, shape in shapes.items()
        if not key.startswith(unread) and not is_harmless(key)
    }
    assert found.keys() == expected.keys()
    assert all(fits(found[key], shape, key) for key, shape in expected.items())
