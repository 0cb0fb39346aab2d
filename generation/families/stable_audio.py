"""Stable Audio Open: its parts, and how a folder and a single file are told.

    model.model.                    the transformer, in a single file
    conditioner.conditioners.       the reader of seconds
    pretransform.model.             Oobleck, the VAE, whose blocks and units are numbered layers
    t5-base.safetensors             T5, always a file of its own

Its noise is preconditioned (Karras et al. 2022): levels lie evenly in their logarithm, and the
network is told of one either its angle (as it was published) or a quarter of its logarithm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from generation.errors import UnusableWeights
from generation.families import encoder_files
from generation.families.architecture import (
    Architecture,
    Config,
    Lies,
    Network,
    Noise,
    Part,
    Shapes,
    Stage,
    Trained,
)
from generation.families.builds import stable_audio
from generation.families.laid import count_of, laid, renamed, under
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


_DRAWS = "model.model."
_SAID = "conditioner.conditioners."
_CODED = "pretransform.model."
_T5 = "text_encoders.t5base.transformer."
# diffusers' names, and the makers'.
_BEGIN = {
    "time_proj.": f"{_DRAWS}timestep_features.",
    "timestep_proj.": f"{_DRAWS}to_timestep_embed.",
    "global_proj.": f"{_DRAWS}to_global_embed.",
    "cross_attention_proj.": f"{_DRAWS}to_cond_embed.",
    "proj_": f"{_DRAWS}transformer.project_",
    "transformer_blocks.": f"{_DRAWS}transformer.layers.",
    "": _DRAWS,
}
_INSIDE = {
    ".attn1.": ".self_attn.",
    ".attn2.": ".cross_attn.",
    ".to_out.0.": ".to_out.",
    ".ff.net.": ".ff.ff.",
    **{
        f".{ours}.{end}": f".{theirs}.{named}"
        for ours, theirs in (
            ("norm1", "pre_norm"),
            ("norm2", "cross_attend_norm"),
            ("norm3", "ff_norm"),
        )
        for end, named in (("weight", "gamma"), ("bias", "beta"))
    },
}
_JOINED = {
    **{f".attn1.to_{one}.": (".self_attn.to_qkv.", nth, 3) for nth, one in enumerate("qkv")},
    **{f".attn2.to_{one}.": (".cross_attn.to_kv.", nth, 2) for nth, one in enumerate("kv")},
}
_OF_SECONDS = {
    "start_number_conditioner.": "seconds_start.",
    "end_number_conditioner.": "seconds_total.",
}
_UNIT = {"snake1": 0, "conv1": 1, "snake2": 2, "conv2": 3}
# Layers of a block in front of its units, and the others by their numbers.
_BLOCKS = {
    "encoder": (0, {"snake1": 3, "conv1": 4}),
    "decoder": (2, {"snake1": 0, "conv_t1": 1}),
}


def _lies_of_transformer(own: Shapes, _config: Config) -> Mapping[str, Sequence[Lies]]:
    return {key: (_place(key),) for key in own}


def _place(key: str) -> Lies:
    for ours, (theirs, nth, of) in _JOINED.items():
        if ours in key:
            named = renamed(key.replace(ours, theirs), _BEGIN, {})
            return Lies(key=named, nth=nth, of=of)
    return Lies(key=renamed(key, _BEGIN, _INSIDE))


def _laid_transformer(own: Shapes, config: Config) -> Shapes:
    """Theirs, where waves are a column."""
    waves = f"{_DRAWS}timestep_features.weight"
    found = laid(_lies_of_transformer)(own, config)
    return {key: (*shape, 1) if key == waves else shape for key, shape in found.items()}


def _lies_of_vae(own: Shapes, config: Config) -> Mapping[str, Sequence[Lies]]:
    ratios = {**stable_audio.OOBLECK, **config}["downsampling_ratios"]
    assert isinstance(ratios, Sequence)  # the build was looked at
    return {key: (Lies(key=_coded(key, len(ratios))),) for key in own}


def _coded(key: str, blocks: int) -> str:
    """The makers' name: everything is a layer, and so is everything in a block and in a unit."""
    side, *names = key.split(".")
    ends = {"conv1": 0, "snake1": blocks + 1, "conv2": blocks + 2}
    if names[0] in ends:
        return f"{_CODED}{side}.layers.{ends[names[0]]}.{names[1]}"
    before, others = _BLOCKS[side]
    _, number, inner, *rest = names
    if inner in others:
        layer = f"{others[inner]}"
    else:
        unit, *rest = rest
        layer = f"{before + int(inner.removeprefix('res_unit')) - 1}.layers.{_UNIT[unit]}"
    return f"{_CODED}{side}.layers.{int(number) + 1}.layers.{layer}.{'.'.join(rest)}"


def _laid_vae(own: Shapes, config: Config) -> Shapes:
    """Theirs, where what a snake has for each channel is a row."""
    lies = _lies_of_vae(own, config)
    return {
        place.key: shape[1:2] if key.endswith((".alpha", ".beta")) else shape
        for key, shape in own.items()
        for place in lies[key]
    }


def _lies_of_seconds(own: Shapes, _config: Config) -> Mapping[str, Sequence[Lies]]:
    inside = {".time_positional_embedding.": ".embedder.embedding.", **_OF_SECONDS}
    return {key: (Lies(key=_SAID + renamed(key, {}, inside)),) for key in own}


def _told_of_transformer(shapes: Shapes) -> Config:
    """What a single file's tensors say of its transformer; nothing where they are not its."""
    mine = under(_DRAWS, shapes)
    layer = "transformer.layers.0."
    try:
        width, waves = mine["to_timestep_embed.0.weight"]
        return {
            "cross_attention_dim": mine["to_cond_embed.0.weight"][0],
            "cross_attention_input_dim": mine["to_cond_embed.0.weight"][1],
            "global_states_input_dim": mine["to_global_embed.0.weight"][1],
            "in_channels": mine["preprocess_conv.weight"][0],
            "num_layers": count_of(mine, "transformer.layers"),
            "out_channels": mine["postprocess_conv.weight"][0],
            "time_proj_dim": waves,
            **_heads(width, mine[f"{layer}cross_attn.to_kv.weight"][0] // 2),
        }
    except (LookupError, ValueError):
        return {}


def _heads(width: int, shared: int) -> Config:
    """By tensors of which the width of a head is not told: of published ones it is 64."""
    if width % _HEAD or shared % _HEAD:
        return {}
    return {"num_attention_heads": width // _HEAD, "num_key_value_attention_heads": shared // _HEAD}


_HEAD = 64


def _recognise(shapes: Shapes) -> bool:
    ours = ("timestep_features.weight", "transformer.layers.0.cross_attn.to_kv.weight")
    return all(_DRAWS + key in shapes for key in ours)


STABLE_AUDIO = Architecture(
    name="stable-audio",
    family="stable-audio",
    parts=(
        Part(
            name="transformer",
            title="transformer",
            network=TRANSFORMER,
            stage=Stage.DENOISE,
            config="stable-audio/transformer",
            prefix=_DRAWS,
            layout=_laid_transformer,
            lies=_lies_of_transformer,
            told=_told_of_transformer,
            spare=lambda _: (f"{_DRAWS}transformer.rotary_pos_emb.",),
        ),
        # It reads two numbers and hands words on: a hundredth of the work, and asked there.
        Part(
            name="projection_model",
            title="reader of seconds",
            network=PROJECTION,
            stage=Stage.DENOISE,
            config="stable-audio/projection_model",
            prefix=_SAID,
            layout=laid(_lies_of_seconds),
            lies=_lies_of_seconds,
            apart=False,
        ),
        Part(
            name="vae",
            title="VAE",
            network=OOBLECK,
            stage=Stage.DECODE,
            config="stable-audio/vae",
            prefix=_CODED,
            layout=_laid_vae,
            lies=_lies_of_vae,
            apart=False,
        ),
        Part(
            name="text_encoder",
            title="T5",
            network=T5,
            stage=Stage.ENCODE,
            config="stable-audio/text_encoder",
            prefix=_T5,
            layout=encoder_files.t5(_T5),
            spare=encoder_files.beside(_T5, *T5.harmless),
            tokenizer=t5_tokenizer("tokenizer"),
            file="t5-base.safetensors",
        ),
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
