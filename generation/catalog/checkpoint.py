"""Whether the tensors of a single file are a whole checkpoint or VAE, and how they are to be read.

Catalog and loader ask the same function, so what is listed can be drawn with.  Invariant: every
tensor is used, or known to be harmless, or the file is refused with its name; and every tensor
that the family has is there, in its shape.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from generation.catalog import blueprint, ldm
from generation.catalog.quantised import Contents, Scales, scales_of
from generation.errors import BrokenWeights, UnusableWeights

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]

CONFIGS = Path(__file__).parents[1] / "worker" / "configs"

_SD1_CLIP = "cond_stage_model.transformer."
_SDXL_CLIPS = ("conditioner.embedders.0.transformer.", "conditioner.embedders.1.model.")
# Some merges of 2022 lost this level of the names.
_LEVEL = "text_model."

_PARTS = (
    (ldm.UNET, "UNet"),
    (ldm.VAE, "VAE"),
    ("cond_stage_model.", "text encoder"),
    ("conditioner.embedders.0.", "first text encoder"),
    ("conditioner.embedders.1.", "second text encoder"),
)

V_PREDICTION, ZERO_SNR = "v_pred", "ztsnr"  # empty tensors that say so
PREDICTION = "modelspec.prediction_type"  # in the metadata

# Noise of another kind: drawn with the usual one, such models give noise.
_EDM = {
    "edm_mean": "Playground 2.5's EDM",
    "edm_std": "Playground 2.5's EDM",
    "edm_vpred.sigma_max": "CosXL's EDM",
    "edm_vpred.sigma_min": "CosXL's EDM",
}

# What training, conversion and merging leave behind; none of it takes part in drawing.
_HARMLESS_BEGINNINGS = (
    *("model_ema.", "loss.", "first_stage_model.loss.", "first_stage_model.model_ema."),
    *("optimizer", "lr_scheduler", "callbacks", "loops", "embedding_manager.", "discriminator."),
    *("cond_stage_model.transformer.vision_model.", "cond_stage_model.transformer.visual_"),
    *("cond_stage_model.transformer.text_projection", "conditioner.embedders.0.transformer.text_p"),
    *("posterior_", "sqrt_", "betas", "alphas_cumprod", "log_one_minus_", "lvlb_weights"),
    *("safety_checker.", "denoiser.", "cond_stage_model.model.visual."),
)
_HARMLESS_ENDS = ("position_ids", "logit_scale", ".attn_mask", "num_batches_tracked")
_HARMLESS = frozenset(
    (
        *("global_step", "epoch", "iteration", "logvar", "scale_factor", "state_dict"),
        *("model.conditioning_key", "model.decay", "model.num_updates", "decay", "num_updates"),
        *("conditioner.embedders.0.transformer.logit_scale", "pytorch-lightning_version"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a file is read: its tensors' names, by those that its loader knows."""

    used: Mapping[str, str]  # the loader's name: the file's name
    scales: Scales
    prediction: str  # that its tensors say, and a recipe that names none
    # What a recipe must say, or it is drawn without, as before anybody read it.
    told: str | None  # the prediction that only its metadata says
    noise: str | None  # a name of generation.sigmas.levels; None: its family's


def read_checkpoint(
    contents: Contents, name: str, architecture: str, configs: Path = CONFIGS
) -> Reading:
    """How a checkpoint of "sd1" or "sdxl" is read.  Raises UnusableWeights."""
    shapes = contents.shapes
    for key, kind in _EDM.items():
        if key in shapes:
            raise UnusableWeights(name, f"{kind}, not supported yet")
    scales = scales_of(contents, name)
    if (special := _relative(shapes, architecture)) is not None:
        raise UnusableWeights(name, f"{special}, not supported yet")
    expected = expected_tensors(architecture, configs)
    clips = (_SD1_CLIP,) if architecture == "sd1" else _SDXL_CLIPS[:1]
    used = {_levelled(key, clips): key for key in shapes if key not in expected}
    used = {theirs: key for theirs, key in used.items() if theirs in expected}
    used |= {key: key for key in shapes if key in expected}
    _check_parts(expected, used, name)
    _check_whole(expected, used, shapes, name)
    check_types(used.values(), contents.dtypes, name)
    spare = shapes.keys() - set(used.values()) - scales.keys
    _check_spare(spare - {V_PREDICTION, ZERO_SNR}, name)
    return Reading(
        used=used,
        scales=scales,
        prediction="v_prediction" if V_PREDICTION in shapes else "epsilon",
        told=_told(contents, name),
        noise="scaled-linear-zsnr" if ZERO_SNR in shapes else None,
    )


def read_vae(contents: Contents, name: str, configs: Path = CONFIGS) -> Reading:
    """How a VAE that is a file of its own is read, in either layout.  Raises UnusableWeights.

    The VAEs of Stable Diffusion 1 and XL have the same tensors.
    """
    scales = scales_of(contents, name)
    bare = {key.removeprefix(ldm.VAE): key for key in contents.shapes}
    config = config_of(configs / "sd1" / "vae")
    expected = blueprint.vae(config) or {}
    if any(key.startswith("encoder.down_blocks.") for key in bare):
        bare = {modern_vae_name(key): old for key, old in bare.items()}
    else:
        expected = dict(ldm.vae(expected, _blocks(config)))
    used = {key: bare[key] for key in expected if key in bare}
    _check_whole(expected, used, contents.shapes, name, part="VAE")
    check_types(used.values(), contents.dtypes, name)
    spare = contents.shapes.keys() - set(used.values()) - scales.keys
    _check_spare(spare, name)
    return Reading(used=used, scales=scales, prediction="epsilon", told=None, noise=None)


_OLD_ATTENTION = {
    ".query.": ".to_q.",
    ".key.": ".to_k.",
    ".value.": ".to_v.",
    ".proj_attn.": ".to_out.0.",
}


def modern_vae_name(key: str) -> str:
    """diffusers' name of today for one of 2022."""
    if ".attentions." in key:
        for old, new in _OLD_ATTENTION.items():
            key = key.replace(old, new)
    return key


def fits(shape: Shape, expected: Shape, key: str) -> bool:
    """Whether a tensor has its shape; a VAE's attention may be made of 1x1 convolutions."""
    if shape == expected:
        return True
    attention = ".mid.attn_1." in key or ".mid_block.attentions.0." in key
    return attention and shape[:2] == expected[:2] and set(shape[2:] + expected[2:]) <= {1}


@lru_cache(8)
def expected_tensors(architecture: str, configs: Path = CONFIGS) -> Shapes:
    """The tensors of a single file, from the configs of its architecture."""
    folder = configs / architecture
    config = config_of(folder / "unet")
    layers = config.get("layers_per_block", 2)
    blocks = len(_listed(config["block_out_channels"]))
    attentive = ["CrossAttn" in str(kind) for kind in _listed(config["up_block_types"])]
    unet = blueprint.unet(config) or {}
    vae = config_of(folder / "vae")
    found = dict(ldm.unet(unet, [layers] * blocks, attentive))  # type: ignore[list-item]  # an int
    found |= {
        ldm.VAE + key: shape
        for key, shape in ldm.vae(blueprint.vae(vae) or {}, _blocks(vae)).items()
    }
    first = blueprint.clip(config_of(folder / "text_encoder")) or {}
    if architecture == "sd1":
        return found | dict(ldm.clip(first, _SD1_CLIP))
    second = blueprint.clip(config_of(folder / "text_encoder_2")) or {}
    return (
        found | dict(ldm.clip(first, _SDXL_CLIPS[0])) | dict(ldm.open_clip(second, _SDXL_CLIPS[1]))
    )


def check_types(
    used: Iterable[str], dtypes: Mapping[str, str], name: str, *, what: str = "tensors"
) -> None:
    """Raises UnusableWeights for numbers that are no plain floats."""
    for key in used:
        if dtypes.get(key, "F32") not in FLOATS:
            kind = dtypes[key]
            raise UnusableWeights(name, f"its {what} are quantised ({kind}), not supported yet")


FLOATS = frozenset(("F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"))


def missing(name: str, part: str, keys: Iterable[str]) -> BrokenWeights:
    """The refusal of a part that is not whole."""
    found = sorted(keys)
    return BrokenWeights(
        name, f"{len(found)} tensors of its {part} are missing, such as {found[0]}"[:250]
    )


def _relative(shapes: Shapes, architecture: str) -> str | None:
    """What is built like SDXL and is another model."""
    if architecture != "sdxl":
        return None
    if shapes.get(f"{ldm.UNET}label_emb.0.0.weight", ())[1:2] == (5632,):
        return "Kolors"
    whole = f"{ldm.UNET}middle_block."
    if any(key.startswith(whole) for key in shapes) and not any(
        key.startswith(f"{whole}1.") for key in shapes
    ):
        return "SSD-1B or another SDXL with layers taken out"
    return None


def _check_parts(expected: Shapes, used: Mapping[str, str], name: str) -> None:
    for prefix, part in _PARTS:
        wanted = any(key.startswith(prefix) for key in expected)
        if wanted and not any(key.startswith(prefix) for key in used):
            raise UnusableWeights(name, f"a checkpoint without its {part}")


def _check_whole(
    expected: Shapes, used: Mapping[str, str], shapes: Shapes, name: str, part: str | None = None
) -> None:
    lacking = expected.keys() - used.keys()
    if lacking:
        first = min(lacking)
        called = part or next(title for prefix, title in _PARTS if first.startswith(prefix))
        raise missing(name, called, lacking)
    for key, theirs in used.items():
        if not fits(shapes[theirs], expected[key], key):
            raise BrokenWeights(
                name,
                f"its tensor {theirs:.120} has the shape {shapes[theirs]}, not {expected[key]}",
            )


def _check_spare(spare: Iterable[str], name: str) -> None:
    unknown = sorted(key for key in spare if not is_harmless(key))
    if unknown:
        more = f" and {len(unknown) - 1} others" if len(unknown) > 1 else ""
        raise UnusableWeights(
            name, f"it holds tensors that are not known here: {unknown[0]:.120}{more}"
        )


def is_harmless(key: str) -> bool:
    """Whether a tensor takes no part in drawing."""
    return key in _HARMLESS or key.startswith(_HARMLESS_BEGINNINGS) or key.endswith(_HARMLESS_ENDS)


def _told(contents: Contents, name: str) -> str | None:
    said = contents.metadata.get(PREDICTION, "").strip()
    velocity = said.lower() in ("v", "v_prediction", "v-prediction")
    if not velocity and said.lower() not in ("", "none", "eps", "epsilon"):
        raise UnusableWeights(name, f"its {PREDICTION} is {said!r:.40}, not supported yet")
    return "v_prediction" if velocity and V_PREDICTION not in contents.shapes else None


def _levelled(key: str, clips: Iterable[str]) -> str:
    for prefix in clips:
        if key.startswith(prefix) and not key.startswith(prefix + _LEVEL):
            return prefix + _LEVEL + key[len(prefix) :]
    return key


def config_of(folder: Path) -> dict[str, object]:
    """The config of a part whose shapes come with this program."""
    found = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)  # our own file
    return found


def _blocks(config: Mapping[str, object]) -> int:
    return len(_listed(config["block_out_channels"]))


def _listed(value: object) -> list[object]:
    assert isinstance(value, list)  # our own file
    return value
