"""Whether the tensors of a single file are a whole checkpoint or VAE, and how they are to be read.

Catalog and loader ask the same function, so what is listed can be drawn with.  Invariant: every
tensor is used, or known to be harmless, or the file is refused with its name; and every tensor
that the family has is there, in its shape.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from generation.catalog.denoiser_names import Named, named_for
from generation.catalog.partconfigs import CONFIGS, config_of
from generation.catalog.quantised import UNPACKED, Contents, understood
from generation.errors import BrokenWeights, UnusableWeights
from generation.families.architecture import Architecture, Config, Part, with_told

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]

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
_HARMLESS_ENDS = (
    *("position_ids", "logit_scale", ".attn_mask", "num_batches_tracked"),
    *(".pos_encoder.pe", ".pos_embed.pe"),  # places that a motion module's class computes
)
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

    # The layout's name, or the network's own of a part that keeps those: the file's.
    used: Mapping[str, str]
    contents: Contents  # understood
    parts: tuple[Part, ...]  # that it has
    configs: Mapping[str, Config]  # what each of them is built from, by its name
    prediction: str  # that its tensors say, and a recipe that names none
    # What a recipe must say, or it is drawn without, as before anybody read it.
    told: str | None  # the prediction that only its metadata says
    says: str | None  # what it predicts, by whatever says so; None: nothing does
    noise: str | None  # a name of generation.sigmas.levels; None: its family's


def read_checkpoint(
    contents: Contents,
    name: str,
    architecture: Architecture,
    configs: Path = CONFIGS,
    named: Named | None = None,
) -> Reading:
    """How a checkpoint of that architecture is read; `named`: its tensors, where that is known.

    Raises UnusableWeights.
    """
    contents = understood(contents, name)
    for key, kind in _EDM.items():
        if key in contents.shapes:
            raise UnusableWeights(name, f"{kind}, not supported yet")
    named = named or named_for(architecture, contents.shapes, configs)
    if (special := architecture.relative(named.shapes)) is not None:
        raise UnusableWeights(name, f"{special}, not supported yet")
    expected, used, parts = _expected(named, architecture, configs, name)
    check_whole(expected, used, contents.shapes, name, parts)
    check_types(used.values(), contents.dtypes, name)
    _check_beside(named, used, contents, architecture, configs, name)
    usual = architecture.noise
    told = _told(contents, name, usual.prediction)
    marked = "v_prediction" if V_PREDICTION in contents.shapes else None
    return Reading(
        used=used,
        contents=contents,
        parts=parts,
        configs={part.name: config_told(part, configs, named.shapes) for part in parts},
        prediction=marked or usual.prediction or "epsilon",
        told=told,
        says=marked or told or usual.prediction,
        noise=f"{usual.levels}-zsnr" if ZERO_SNR in contents.shapes else None,
    )


def _expected(
    named: Named, architecture: Architecture, configs: Path, name: str
) -> tuple[Shapes, dict[str, str], tuple[Part, ...]]:
    """The tensors that a file must have, those that it has of them, and its parts.

    Raises UnusableWeights where a part lacks that is no file of its own.
    """
    if named.own:
        alone = architecture.denoiser
        for part in architecture.parts:
            if part is not alone and not (part.apart or part.optional):
                raise UnusableWeights(name, f"a checkpoint without its {part.title}")
        its = alone.network.tensors(config_told(alone, configs, named.shapes)) or {}
        used = {key: named.theirs[key] for key in its if key in named.theirs}
        return its, used, (alone,)
    laid = {p: laid_out(p, configs, p.told(named.shapes)) for p in architecture.parts}
    expected: dict[str, Shape] = {}
    parts = []
    for part, its in laid.items():
        if not named.theirs.keys().isdisjoint(its):
            parts.append(part)
            config = config_told(part, configs, named.shapes)
            expected |= without_supplied(part, config, its, named.theirs.keys())
        elif part is architecture.denoiser or not (part.apart or part.optional):
            raise UnusableWeights(name, f"a checkpoint without its {part.title}")
    used = {key: its for key, its in named.theirs.items() if key in expected}
    return expected, used, tuple(parts)


def _check_beside(
    named: Named,
    used: Mapping[str, str],
    contents: Contents,
    architecture: Architecture,
    configs: Path,
    name: str,
) -> None:
    """Raises UnusableWeights for tensors that are not used and not known."""
    unread = tuple(
        begin
        for part in architecture.parts
        for begin in part.spare(config_of(configs / part.config))
    )
    if named.own:
        unread = architecture.denoiser.network.harmless
    taken = {*used.values(), *contents.beside}
    if architecture.noise.prediction != "flow":
        taken |= {V_PREDICTION, ZERO_SNR}
    spare = {key: its for key, its in named.theirs.items() if its not in taken}
    check_spare((its for key, its in spare.items() if not key.startswith(unread)), name)


def config_told(part: Part, configs: Path, shapes: Shapes) -> Config:
    """A part's config, with what a file's tensors say of it; `shapes` by the layout's names."""
    return with_told(config_of(configs / part.config), part.told(shapes))


def fits(shape: Shape, expected: Shape, key: str) -> bool:
    """Whether a tensor has its shape; a VAE's attention may be made of 1x1 convolutions, and its
    kernels may have a side of time, of one frame."""
    if shape == expected:
        return True
    if len(expected) == 4 and shape == (*expected[:2], 1, *expected[2:]):
        return True
    attention = ".mid.attn_1." in key or ".mid_block.attentions.0." in key
    return attention and shape[:2] == expected[:2] and set(shape[2:] + expected[2:]) <= {1}


def expected_tensors(
    architecture: Architecture, configs: Path = CONFIGS, shapes: Shapes = MappingProxyType({})
) -> Shapes:
    """The tensors of a single file, from the configs of its architecture, and what `shapes` say."""
    found: dict[str, Shape] = {}
    for part in architecture.parts:
        found |= laid_out(part, configs, part.told(shapes))
    return found


def without_supplied(part: Part, config: Config, shapes: Shapes, keys: Set[str]) -> Shapes:
    """A part's tensors, by its layout's names, that must be among those keys."""
    if not part.supplied:
        return shapes
    lies = part.where(config)
    spared = {lie.key for name in part.supplied for lie in lies.get(name, ())} - keys
    return {key: shape for key, shape in shapes.items() if key not in spared}


def laid_out(part: Part, configs: Path, told: Config) -> Shapes:
    """A part's tensors by its layout's names, with what is told of its config."""
    return _laid_out(part, configs, tuple(told.items()))


@lru_cache(256)
def _laid_out(part: Part, configs: Path, told: tuple[tuple[str, object], ...]) -> Shapes:
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


FLOATS = frozenset(("F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2", UNPACKED))


def missing(name: str, part: str, keys: Iterable[str]) -> BrokenWeights:
    """The refusal of a part that is not whole."""
    found = sorted(keys)
    return BrokenWeights(
        name, f"{len(found)} tensors of its {part} are missing, such as {found[0]}"[:250]
    )


def check_whole(
    expected: Shapes, used: Mapping[str, str], shapes: Shapes, name: str, parts: Sequence[Part]
) -> None:
    """Raises BrokenWeights where a tensor is missing, or has another shape."""
    lacking = expected.keys() - used.keys()
    if lacking:
        first = min(lacking)
        inmost = sorted(parts, key=lambda part: -len(part.prefix))  # one may lie in another's
        called = [part.title for part in inmost if first.startswith(part.prefix)]
        raise missing(name, (called or [parts[0].title])[0], lacking)
    for key, theirs in used.items():
        if not fits(shapes[theirs], expected[key], key):
            raise BrokenWeights(
                name,
                f"its tensor {theirs:.120} has the shape {shapes[theirs]}, not {expected[key]}",
            )


def check_spare(spare: Iterable[str], name: str) -> None:
    """Raises UnusableWeights for tensors that nobody knows."""
    unknown = sorted(key for key in spare if not is_harmless(key))
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
