"""Whether the parts of a diffusers folder are whole, and are used as their configs say.

Catalog and loader choose among variants by the same function.  Invariant: every tensor and setting
of a part is used, or known to be harmless, or the folder is refused with its name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from generation.catalog import blueprint
from generation.catalog.checkpoint import check_types, fits, is_harmless, missing, modern_vae_name
from generation.catalog.header import Header, read_header
from generation.catalog.modelfolder import read_json
from generation.catalog.quantised import Contents, scales_of
from generation.catalog.trained import SCHEDULERS, Trained, of_scheduler
from generation.errors import BrokenWeights, UnusableWeights

Shapes = Mapping[str, tuple[int, ...]]
Config = Mapping[str, object]

# The stem of a part's weights, and its class in model_index.json.
_STEMS = {"unet": "diffusion_pytorch_model", "vae": "diffusion_pytorch_model"}
_CLASSES = {
    "unet": ("UNet2DConditionModel",),
    "vae": ("AutoencoderKL",),
    "text_encoder": ("CLIPTextModel", "CLIPTextModelWithProjection"),
    "text_encoder_2": ("CLIPTextModelWithProjection",),
    "tokenizer": ("CLIPTokenizer", "CLIPTokenizerFast"),
    "tokenizer_2": ("CLIPTokenizer", "CLIPTokenizerFast"),
    "scheduler": tuple(SCHEDULERS),
}
PARTS = {
    "sd1": ("text_encoder", "tokenizer", "unet", "vae", "scheduler"),
    "sdxl": (
        *("text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2"),
        *("unet", "vae", "scheduler"),
    ),
}
# They judge, describe or read pictures; words are drawn without them.
_UNUSED = frozenset({"safety_checker", "feature_extractor", "image_encoder", "watermark"})
_INDEX_SETTINGS: dict[str, tuple[object, ...] | None] = {
    "requires_safety_checker": None,
    "force_zeros_for_empty_prompt": None,
    "add_watermarker": None,
    "requires_aesthetics_score": (False, None),
}

# What a UNet would read besides latents, words and (SDXL) sizes, which nobody gives it here.
_UNET_ONLY: dict[str, tuple[object, ...]] = {
    "in_channels": (4,),
    "out_channels": (4,),
    "class_embed_type": (None,),
    "num_class_embeds": (None,),
    "encoder_hid_dim": (None,),
    "encoder_hid_dim_type": (None,),
    "time_cond_proj_dim": (None,),
    "attention_type": ("default", None),
}
# Passed on to the network's class, which builds what they say.
_UNET_USED = frozenset(
    (
        *("act_fn", "addition_embed_type", "addition_embed_type_num_heads"),
        *("addition_time_embed_dim", "attention_head_dim", "block_out_channels"),
        *("center_input_sample", "class_embeddings_concat", "conv_in_kernel", "conv_out_kernel"),
        *("cross_attention_dim", "cross_attention_norm", "down_block_types", "downsample_padding"),
        *("dropout", "dual_cross_attention", "flip_sin_to_cos", "freq_shift", "layers_per_block"),
        *("mid_block_only_cross_attention", "mid_block_scale_factor", "mid_block_type"),
        *("norm_eps", "norm_num_groups", "num_attention_heads", "only_cross_attention"),
        *("projection_class_embeddings_input_dim", "resnet_out_scale_factor"),
        *("resnet_skip_time_act", "resnet_time_scale_shift"),
        *("reverse_transformer_layers_per_block", "sample_size", "time_embedding_act_fn"),
        *("time_embedding_dim", "time_embedding_type", "timestep_post_act"),
        *("transformer_layers_per_block", "up_block_types", "upcast_attention"),
        *("use_linear_projection", "decay", "inv_gamma", "min_decay", "optimization_step"),
        *("power", "update_after_step", "use_ema_warmup"),  # of a moving average; the last 7
    )
)
_VAE_ONLY: dict[str, tuple[object, ...]] = {
    "latents_mean": (None,),
    "latents_std": (None,),
    "latent_channels": (4,),
    "in_channels": (3,),
    "out_channels": (3,),
}
_VAE_USED = frozenset(
    (
        *("act_fn", "block_out_channels", "down_block_types", "force_upcast", "layers_per_block"),
        *("mid_block_add_attention", "norm_num_groups", "sample_size", "scaling_factor"),
        *("shift_factor", "up_block_types", "use_post_quant_conv", "use_quant_conv"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The weights of one part: which variant is read, and what else lies beside it."""

    variant: str | None
    files: tuple[Path, ...]
    passed_over: tuple[str, ...]


def chosen_weights(folder: Path, name: str, part: str) -> Chosen:
    """The files that are read: the plain ones where they are, else fp16, bf16 or what there is.

    Raises BrokenWeights when there are none, or shards are missing.
    """
    stem = _STEMS.get(part, "model")
    single = re.compile(rf"{stem}(?:\.([\w-]+))?\.safetensors")
    sharded = re.compile(rf"{stem}\.safetensors\.index(?:\.([\w-]+))?\.json")
    files: dict[str | None, Path] = {}
    indices: dict[str | None, Path] = {}
    for file in sorted(folder.iterdir()):
        if match := single.fullmatch(file.name):
            if not re.search(r"-\d{5}-of-\d{5}$", file.stem):
                files[match[1]] = file
        elif match := sharded.fullmatch(file.name):
            indices[match[1]] = file
    there = {*files, *indices}
    if not there:
        raise BrokenWeights(name, f"its folder {folder.name} has no {stem}.safetensors")
    variant = _preferred(there)
    # As the libraries do: diffusers looks for shards first, transformers for the one file.
    if variant in indices and (variant not in files or part in _STEMS):
        found = _shards(indices[variant], name)
    else:
        found = (files[variant],)
    others = sorted(other or "the plain ones" for other in there - {variant})
    return Chosen(variant=variant, files=found, passed_over=tuple(others))


def note_on_variants(path: Path, name: str) -> str:
    """Which weights of a folder are read, where there are several; or nothing."""
    told = []
    for part in ("unet", "vae", "text_encoder", "text_encoder_2"):
        if (path / part).is_dir():
            chosen = chosen_weights(path / part, name, part)
            if chosen.passed_over:
                taken = chosen.variant or "the plain weights"
                told.append(f"{taken} of its {part}, not {' or '.join(chosen.passed_over)}")
    return "; ".join(told)


def read_parts(path: Path, name: str, index: Config, architecture: str) -> Trained:
    """What a folder of "sd1" or "sdxl" was trained for.  Raises UnusableWeights."""
    for part in PARTS[architecture]:
        if part not in index:
            raise UnusableWeights(name, f"its model_index.json names no {part}")
    for key, value in index.items():
        _check_entry(key, value, architecture, name)
    _read_unet(path / "unet", name, architecture)
    read_vae_folder(path / "vae", name)
    for part in PARTS[architecture]:
        if part.startswith("text_encoder"):
            _read_clip(path / part, name, str(_class_of(index[part])))
    scheduler = read_json(path / "scheduler" / "scheduler_config.json", f"{name}/scheduler")
    return of_scheduler({"_class_name": _class_of(index["scheduler"]), **scheduler}, name)


def _check_entry(key: str, value: object, architecture: str, name: str) -> None:
    if key.startswith("_") or key in _UNUSED:
        return
    if key in _INDEX_SETTINGS:
        fine = _INDEX_SETTINGS[key]
        if fine is not None and value not in fine:
            raise UnusableWeights(name, f"its {key} is {value!r:.40}, not supported yet")
    elif key not in PARTS[architecture]:
        if _class_of(value) is not None or not isinstance(value, list):
            raise UnusableWeights(name, f"its part or setting {key:.60} is not known here")
    elif _class_of(value) not in _CLASSES[key]:
        kind = _class_of(value)
        raise UnusableWeights(name, f"its {key} is {kind!r:.60}, not supported yet")


def _class_of(entry: object) -> object:
    return entry[1] if isinstance(entry, list) and len(entry) == 2 else None


def _read_unet(folder: Path, name: str, architecture: str) -> None:
    config = _config(folder, name, _UNET_ONLY, _UNET_USED, "UNet2DConditionModel")
    added = {"sd1": None, "sdxl": "text_time"}[architecture]
    if config.get("addition_embed_type") != added:
        kind = config.get("addition_embed_type")
        raise UnusableWeights(name, f"its UNet reads {kind!r:.40} besides, not supported yet")
    _check_tensors(folder, name, "unet", blueprint.unet(config), str)


def read_vae_folder(folder: Path, name: str) -> None:
    """Judge a VAE, of a model or alone.  Raises UnusableWeights."""
    config = _config(folder, name, _VAE_ONLY, _VAE_USED, "AutoencoderKL")
    for key in ("scaling_factor", "shift_factor"):
        value = config.get(key, 1.0)
        if key == "shift_factor" and value is None:
            continue
        if not isinstance(value, int | float) or not math.isfinite(value) or not value:
            raise UnusableWeights(name, f"the {key} of its VAE is {value!r:.40}")
    _check_tensors(folder, name, "vae", blueprint.vae(config), modern_vae_name)


def _read_clip(folder: Path, name: str, kind: str) -> None:
    config = read_json(folder / "config.json", f"{name}/{folder.name}")
    _check_quantisation(config, name)
    inner = config.get("text_config")
    config = {**(inner if isinstance(inner, dict) else config), "architectures": [kind]}
    _check_tensors(
        folder, name, folder.name, blueprint.clip(config), lambda k: k.removeprefix("text_model.")
    )


def _config(
    folder: Path,
    name: str,
    only: Mapping[str, tuple[object, ...]],
    used: frozenset[str],
    kind: str,
) -> Config:
    config = read_json(folder / "config.json", f"{name}/{folder.name}")
    _check_quantisation(config, name)
    called = config.get("_class_name", kind)
    if called != kind:
        raise UnusableWeights(name, f"its {folder.name} is {called!r:.60}, not supported yet")
    for key, value in config.items():
        if key in only:
            if value not in only[key]:
                raise UnusableWeights(
                    name, f"the {key} of its {folder.name} is {value!r:.40}, not supported yet"
                )
        elif key not in used and not key.startswith("_"):
            raise UnusableWeights(name, f"the setting {key:.60} of its {folder.name} is not known")
    return config


def _check_quantisation(config: Config, name: str) -> None:
    said = config.get("quantization_config")
    if said is not None:
        method = said.get("quant_method", "") if isinstance(said, dict) else ""
        raise UnusableWeights(name, f"weights quantised by {method!s:.30}, not supported yet")


def _check_tensors(
    folder: Path,
    name: str,
    part: str,
    expected: Shapes | None,
    named: Callable[[str], str],
) -> None:
    """Raises UnusableWeights when the part is not whole, or holds what nobody knows."""
    title = {"unet": "UNet", "vae": "VAE"}.get(part, part)
    shapes: dict[str, tuple[int, ...]] = {}
    dtypes: dict[str, str] = {}
    for header in _headers(chosen_weights(folder, name, part), name):
        scaled = scales_of(
            Contents(shapes=header.shapes, dtypes=header.dtypes, metadata=header.metadata), name
        )
        if scaled.of:
            raise UnusableWeights(name, f"scaled fp8 in its {title}, not supported yet in a folder")
        shapes |= {named(key): shape for key, shape in header.shapes.items()}
        dtypes |= {named(key): kind for key, kind in header.dtypes.items()}
    if expected is None:  # a build that is not written down: the loader will tell
        expected = shapes
    lacking = expected.keys() - shapes.keys()
    if lacking:
        raise missing(name, title, lacking)
    for key, shape in expected.items():
        if not fits(shapes[key], shape, key):
            raise BrokenWeights(
                name, f"{key:.120} of its {title} has the shape {shapes[key]}, not {shape}"
            )
    check_types(expected, dtypes, name)
    spare = sorted(k for k in shapes.keys() - expected.keys() if not _spare_is_harmless(k, part))
    if spare:
        raise UnusableWeights(name, f"its {title} holds tensors not known here: {spare[0]:.120}")


def _spare_is_harmless(key: str, part: str) -> bool:
    if part.startswith("text_encoder"):
        return is_harmless(key) or key.startswith(("vision_model.", "visual_", "text_projection."))
    return is_harmless(key)


def _headers(chosen: Chosen, name: str) -> list[Header]:
    return [read_header(f, f"{name}/{f.parent.name}/{f.name}") for f in chosen.files]


def _preferred(variants: set[str | None]) -> str | None:
    for wanted in (None, "fp16", "bf16", "fp32"):
        if wanted in variants:
            return wanted
    return min(str(variant) for variant in variants)


def _shards(index: Path, name: str) -> tuple[Path, ...]:
    here = f"{name}/{index.parent.name}"
    shards = read_json(index, here).get("weight_map")
    named = sorted({str(v) for v in shards.values()}) if isinstance(shards, dict) else []
    if not named:
        raise BrokenWeights(here, f"its {index.name} names no shards")
    if any(Path(shard).name != shard for shard in named):
        raise BrokenWeights(here, f"its {index.name} names a file elsewhere")
    files = tuple(index.with_name(shard) for shard in named)
    lacking = [file for file in files if not file.is_file()]
    if lacking:
        raise BrokenWeights(here, f"{len(lacking)} of its {len(named)} shards are missing")
    return files
