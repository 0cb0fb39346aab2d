"""Whether the tensors of a single file are a whole checkpoint or VAE, and how they are to be read.

Catalog and loader ask the same function, so what is listed can be drawn with.  Invariant: every
tensor is used, or known to be harmless, or the file is refused with its name; and every tensor
that the family has is there, in its shape.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from generation.catalog.quantised import Contents, Scales, scales_of
from generation.errors import BrokenWeights, UnusableWeights
from generation.families.architecture import Architecture, Part, with_told
from generation.families.family import ARCHITECTURES

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]

CONFIGS = Path(__file__).parents[1] / "worker" / "configs"

V_PREDICTION, ZERO_SNR = "v_pred", "ztsnr"  # empty tensors that say so
PREDICTION = "modelspec.prediction_type"  # in the metadata
_PREDICTIONS = {
    **dict.fromkeys(("v", "v_prediction", "v-prediction"), "v_prediction"),
    **dict.fromkeys(("eps", "epsilon"), "epsilon"),
    **dict.fromkeys(("flow", "rf", "rectified_flow", "flow_matching"), "flow"),
    **dict.fromkeys(("", "none")),
}

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
    says: str | None  # what it predicts, by whatever says so; None: nothing does
    noise: str | None  # a name of generation.sigmas.levels; None: its family's
    lacks: tuple[str, ...]  # the parts that it takes from other files, by their `Part.config`


def read_checkpoint(
    contents: Contents, name: str, architecture: Architecture, configs: Path = CONFIGS
) -> Reading:
    """How a checkpoint of that architecture is read.  Raises UnusableWeights."""
    shapes = contents.shapes
    for key, kind in _EDM.items():
        if key in shapes:
            raise UnusableWeights(name, f"{kind}, not supported yet")
    scales = scales_of(contents, name)
    if (special := architecture.relative(shapes)) is not None:
        raise UnusableWeights(name, f"{special}, not supported yet")
    expected = expected_tensors(architecture, configs, shapes)
    used = {_spelled(key, architecture): key for key in shapes if key not in expected}
    used = {theirs: key for theirs, key in used.items() if theirs in expected}
    used |= {key: key for key in shapes if key in expected}
    expected = _of_parts_there(expected, used, architecture, name)
    _check_whole(expected, used, shapes, name, architecture.parts)
    check_types(used.values(), contents.dtypes, name)
    spare = shapes.keys() - set(used.values()) - scales.keys
    unread = tuple(
        begin
        for part in architecture.parts
        for begin in part.spare(config_of(configs / part.config))
    )
    usual = architecture.noise
    marks = {V_PREDICTION, ZERO_SNR} if usual.prediction != "flow" else set()
    check_spare(spare - marks, name, unread)
    told = _told(contents, name, architecture.noise.prediction)
    marked = "v_prediction" if V_PREDICTION in shapes else None
    return Reading(
        used=used,
        scales=scales,
        prediction=marked or usual.prediction or "epsilon",
        told=told,
        says=marked or told or usual.prediction,
        noise=f"{usual.levels}-zsnr" if ZERO_SNR in shapes else None,
        lacks=tuple(
            part.config
            for part in architecture.parts
            if part.apart and not any(key.startswith(part.prefix) for key in used)
        ),
    )


def read_vae(contents: Contents, name: str, configs: Path = CONFIGS) -> Reading:
    """How a VAE that is a file of its own is read, in either layout.  Raises UnusableWeights."""
    scales = scales_of(contents, name)
    architecture = architectures_of_vae(contents.shapes)[0]
    part = architecture.vae
    bare = {key.removeprefix(part.prefix): key for key in contents.shapes}
    config = config_of(configs / part.config)
    expected = part.network.tensors(config) or {}
    if any(key.startswith("encoder.down_blocks.") for key in bare):
        bare = {part.network.modern(key): old for key, old in bare.items()}
    else:
        layout = part.layout(expected, config)
        expected = {key.removeprefix(part.prefix): shape for key, shape in layout.items()}
    used = {key: bare[key] for key in expected if key in bare}
    _check_whole(expected, used, contents.shapes, name, (replace(part, prefix=""),))
    check_types(used.values(), contents.dtypes, name)
    spare = contents.shapes.keys() - set(used.values()) - scales.keys
    check_spare(spare, name)
    usual = architecture.noise
    return Reading(
        used=used,
        scales=scales,
        prediction=usual.prediction or "epsilon",
        told=None,
        says=None,
        noise=None,
        lacks=(),
    )


def architectures_of_vae(shapes: Shapes) -> tuple[Architecture, ...]:
    """Those whose latents have as many channels; all where the file does not tell."""
    for each in ARCHITECTURES:
        for prefix in ("", each.vae.prefix):
            latent = shapes.get(f"{prefix}decoder.conv_in.weight", ())[1:2]
            if latent:
                fitting = tuple(a for a in ARCHITECTURES if (a.latent_channels,) == latent)
                return fitting or ARCHITECTURES
    return ARCHITECTURES


def fits(shape: Shape, expected: Shape, key: str) -> bool:
    """Whether a tensor has its shape; a VAE's attention may be made of 1x1 convolutions."""
    if shape == expected:
        return True
    attention = ".mid.attn_1." in key or ".mid_block.attentions.0." in key
    return attention and shape[:2] == expected[:2] and set(shape[2:] + expected[2:]) <= {1}


def expected_tensors(
    architecture: Architecture, configs: Path = CONFIGS, shapes: Shapes = MappingProxyType({})
) -> Shapes:
    """The tensors of a single file, from the configs of its architecture, and what `shapes` say."""
    found: dict[str, Shape] = {}
    for part in architecture.parts:
        found |= _tensors_of(part, configs, tuple(part.told(shapes).items()))
    return found


@lru_cache(64)
def _tensors_of(part: Part, configs: Path, told: tuple[tuple[str, object], ...]) -> Shapes:
    config = with_told(config_of(configs / part.config), dict(told))
    return part.layout(part.network.tensors(config) or {}, config)


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


def _of_parts_there(
    expected: Shapes, used: Mapping[str, str], architecture: Architecture, name: str
) -> Shapes:
    """What is expected of the parts that a file has.  Raises UnusableWeights where one lacks."""
    for part in architecture.parts:
        if not any(key.startswith(part.prefix) for key in used):
            if not part.optional and not part.apart:
                raise UnusableWeights(name, f"a checkpoint without its {part.title}")
            expected = {k: s for k, s in expected.items() if not k.startswith(part.prefix)}
    return expected


def _check_whole(
    expected: Shapes, used: Mapping[str, str], shapes: Shapes, name: str, parts: Iterable[Part]
) -> None:
    lacking = expected.keys() - used.keys()
    if lacking:
        first = min(lacking)
        called = next(part.title for part in parts if first.startswith(part.prefix))
        raise missing(name, called, lacking)
    for key, theirs in used.items():
        if not fits(shapes[theirs], expected[key], key):
            raise BrokenWeights(
                name,
                f"its tensor {theirs:.120} has the shape {shapes[theirs]}, not {expected[key]}",
            )


def check_spare(spare: Iterable[str], name: str, unread: tuple[str, ...] = ()) -> None:
    """Raises UnusableWeights for tensors that nobody knows."""
    unknown = sorted(key for key in spare if not (is_harmless(key) or key.startswith(unread)))
    if unknown:
        more = f" and {len(unknown) - 1} others" if len(unknown) > 1 else ""
        raise UnusableWeights(
            name, f"it holds tensors that are not known here: {unknown[0]:.120}{more}"
        )


def is_harmless(key: str) -> bool:
    """Whether a tensor takes no part in drawing."""
    return key in _HARMLESS or key.startswith(_HARMLESS_BEGINNINGS) or key.endswith(_HARMLESS_ENDS)


def _told(contents: Contents, name: str, usual: str | None) -> str | None:
    """What the metadata says of the prediction that is not the usual one."""
    said = contents.metadata.get(PREDICTION, "").strip().lower()
    found = _PREDICTIONS.get(said)
    # A flow is no other way to say what noise is in a picture: it is trained for itself.
    odd = "flow" in (found, usual) and found not in (None, usual)
    if said not in _PREDICTIONS or odd:
        raise UnusableWeights(name, f"its {PREDICTION} is {said!r:.40}, not supported yet")
    return found if found != usual and V_PREDICTION not in contents.shapes else None


def _spelled(key: str, architecture: Architecture) -> str:
    """The layout's name for a tensor that the file calls otherwise."""
    for part in architecture.parts:
        key = part.spelling(key)
    return key


def config_of(folder: Path) -> dict[str, object]:
    """The config of a part whose shapes come with this program."""
    found = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)  # our own file
    return found
