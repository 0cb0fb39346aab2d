"""Stable Audio Open: its parts, and how a folder is told.

A folder alone is read, as diffusers keeps it.  The single file that Stability published has other
names in another order, and no text encoder: what it is called is said, and where a folder is.

Its noise is preconditioned (Karras et al. 2022): levels lie evenly in their logarithm, and the
network is told of one either its angle (as it was published) or a quarter of its logarithm.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from generation.errors import UnusableWeights
from generation.families.architecture import (
    Architecture,
    Config,
    Network,
    Noise,
    Shapes,
    Stage,
    Trained,
)
from generation.families.builds import stable_audio
from generation.families.laid import folder_part
from generation.families.networks import T5, t5_tokenizer
from generation.recipe import Recipe
from generation.sigmas import PRECONDITIONED
from generation.tasks import Task

_WEIGHTS = "diffusion_pytorch_model"

TRANSFORMER = Network(
    module="diffusers.models.transformers.stable_audio_transformer",
    name="StableAudioDiTModel",
    weights=_WEIGHTS,
    tensors=stable_audio.transformer,
    settings=frozenset(stable_audio.DIT),
)
PROJECTION = Network(
    module="diffusers.pipelines.stable_audio.modeling_stable_audio",
    name="StableAudioProjectionModel",
    weights=_WEIGHTS,
    tensors=stable_audio.projection,
    settings=frozenset(stable_audio.PROJECTION),
)
OOBLECK = Network(
    module="diffusers.models.autoencoders.autoencoder_oobleck",
    name="AutoencoderOobleck",
    weights=_WEIGHTS,
    tensors=stable_audio.oobleck,
    settings=frozenset(stable_audio.OOBLECK),
)

# Schedulers that walk the same levels, and what their networks are told of one.
_TOLD = {
    "CosineDPMSolverMultistepScheduler": "cosine",
    "EDMDPMSolverMultistepScheduler": "edm",
    "EDMEulerScheduler": "edm",
}
_USUAL: Mapping[str, tuple[float, float, float]] = {
    "cosine": (0.3, 500.0, 1.0),
    "edm": (0.002, 80.0, 0.5),
}


def _of_scheduler(config: Config, name: str) -> Trained:
    """What a folder's scheduler says of the levels."""
    kind = _TOLD.get(str(config.get("_class_name")))
    if kind is None:
        raise UnusableWeights(name, f"its scheduler is {config.get('_class_name')!r:.60}")
    usually = "v_prediction" if kind == "cosine" else "epsilon"
    if (said := config.get("prediction_type", usually)) != "v_prediction":
        raise UnusableWeights(name, f"its scheduler's prediction_type is {said!r:.60}")
    numbers = []
    for key, usual in zip(("sigma_min", "sigma_max", "sigma_data"), _USUAL[kind], strict=True):
        value = config.get(key, usual)
        if not isinstance(value, int | float) or not 0 < value < 10_000:
            raise UnusableWeights(name, f"its scheduler's {key} is {value!r:.60}")
        numbers.append(repr(float(value)))
    noise = ":".join([kind, *numbers])
    if PRECONDITIONED.fullmatch(noise) is None:
        raise UnusableWeights(name, f"its scheduler's levels are {noise!r:.60}")
    return Trained(prediction="v_prediction", noise=noise)


def _whole(_: Recipe) -> float:
    """The work of a call: all latents are drawn, however short the sound."""
    return 1.0


def _fits(configs: Mapping[str, Config]) -> str | None:
    read = configs.get("projection_model", {}).get("text_encoder_dim")
    given = configs.get("text_encoder", {}).get("d_model")
    if not isinstance(read, int) or not isinstance(given, int) or read == given:
        return None
    return f"its words are {given} wide, and {read} is read"


_part = partial(folder_part, "stable-audio")


def _recognise(shapes: Shapes) -> bool:
    ours = ("transformer.global_proj.0.weight", "transformer.cross_attention_proj.0.weight")
    return all(key in shapes for key in ours)


STABLE_AUDIO = Architecture(
    name="stable-audio",
    family="stable-audio",
    parts=(
        _part("transformer", "transformer", TRANSFORMER, Stage.DENOISE),
        # It reads two numbers and hands words on: a hundredth of the work, and asked there.
        _part("projection_model", "reader of seconds", PROJECTION, Stage.DENOISE),
        _part("vae", "VAE", OOBLECK, Stage.DECODE),
        _part("text_encoder", "T5", T5, Stage.ENCODE, t5_tokenizer("tokenizer")),
    ),
    recognise=_recognise,
    recognise_folder=lambda config: config.get("_class_name") == TRANSFORMER.name,
    pipelines="StableAudioPipeline",
    fits=_fits,
    noise=Noise(
        levels="cosine:0.3:500.0:1.0",
        prediction="v_prediction",
        schedulers=frozenset(_TOLD),
        read=_of_scheduler,
    ),
    tasks=frozenset({Task.TEXT_TO_AUDIO, Task.AUDIO_TO_AUDIO}),
    grid=1,
    latent_channels=64,
    medium="audio",
    work=_whole,
)
