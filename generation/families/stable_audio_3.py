"""Stable Audio 3: its parts, and how a folder and a single file are told.

    model.model.                            the transformer, in a single file
    conditioner.conditioners.               the reader of seconds, and what fills short prompts
    pretransform.model.                     SAME, the VAE
    t5gemma_b_b_ul2.safetensors             T5Gemma, always a file of its own, with its tokenizer

It is a flow whose levels lie evenly by the logarithm of signal to noise, and the network is told a
level as it is.  Most are distilled from guidance and renew all of the noise at each step, which the
folder's scheduler says (`stochastic_sampling`); the others are the bases that these were made of,
and of a file a card says it.  The small model's VAE looks at chunks, which the class does not: its
files are not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from generation.errors import UnusableWeights
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
from generation.families.builds import stable_audio_3 as build
from generation.families.laid import count_of, laid, renamed, under
from generation.families.text.decoder import Stack
from generation.families.text.encoder import encoder
from generation.families.text.language import gemma_tokenizer
from generation.families.trained import FLOW_SCHEDULER, of_flow_scheduler
from generation.tasks import AUDIO, Task

_WEIGHTS = "diffusion_pytorch_model"
LEVELS = "log-snr:-6.2:2.0"  # which its pipeline says; a folder's scheduler knows none
_MEDIUM = 1536  # how wide the medium model is; small ones are narrower, and make shorter sounds

TRANSFORMER = Network(
    module="diffusers.models.transformers.transformer_stable_audio3",
    name="StableAudio3DiTModel",
    weights=_WEIGHTS,
    tensors=build.transformer,
    settings=frozenset(build.DIT),
    only={"patch_size": (1, None)},  # others need a whole number of patches
)
DURATION = Network(
    module="diffusers.pipelines.stable_audio_3.modeling_stable_audio_3",
    name="StableAudio3DurationEmbedder",
    weights=_WEIGHTS,
    tensors=build.duration,
    settings=frozenset(build.DURATION),
)
SAME = Network(
    module="diffusers.models.autoencoders.autoencoder_same",
    name="AutoencoderSAME",
    weights=_WEIGHTS,
    tensors=build.same,
    settings=frozenset(build.SAME),
)
_STACK = Stack(
    usual={
        "head_dim": 256,
        "hidden_size": 2304,
        "intermediate_size": 9216,
        "num_attention_heads": 8,
        "num_hidden_layers": 26,
        "num_key_value_heads": 4,
        "vocab_size": 256000,
    },
    norms=(
        "pre_self_attn_layernorm",
        "post_self_attn_layernorm",
        "pre_feedforward_layernorm",
        "post_feedforward_layernorm",
    ),
    head=64,
)


def read_by(config: Config) -> Config:
    """The encoder's own config, of what is built as an encoder and a decoder."""
    inner = config.get("encoder")
    return inner if isinstance(inner, Mapping) else {}


def _of_encoder(config: Config) -> Shapes | None:
    found = _STACK.tensors(read_by(config))
    return None if found is None else {f"encoder.{key}": shape for key, shape in found.items()}


def _told_of_encoder(shapes: Shapes) -> Config:
    return {
        f"encoder.{key}": value for key, value in _STACK.told(under("encoder.", shapes)).items()
    }


def _another(config: Config) -> str | None:
    """What its class does not build."""
    if (kind := config.get("model_type", "t5gemma")) != "t5gemma":
        return f"a text encoder of the type {kind!r:.40}"
    if config.get("is_encoder_decoder", True):
        return "a text encoder with a decoder behind it"
    return None


T5GEMMA = Network(
    module="transformers.models.t5gemma.modeling_t5gemma",
    name="T5GemmaEncoderModel",
    weights="model",
    tensors=_of_encoder,
    settings=None,
    modern=lambda key: key.removeprefix("model."),
    harmless=("decoder.", "lm_head.", "spiece_model"),
    told=_told_of_encoder,
    fault=_another,
)


def _of_scheduler(config: Config, name: str) -> Trained:
    """What a folder's scheduler says: whether its network was distilled from guidance."""
    if config.get("num_train_timesteps") != 1:
        said = config.get("num_train_timesteps")
        raise UnusableWeights(name, f"its scheduler's num_train_timesteps is {said!r:.60}")
    found = of_flow_scheduler({**config, "num_train_timesteps": 1000}, name)
    if found.noise != "flow:1.0":
        raise UnusableWeights(name, f"its scheduler's levels are {found.noise}, not its pipeline's")
    guided = not config.get("stochastic_sampling", False)
    return Trained(prediction=found.prediction, noise=LEVELS, guided=guided)


def _fits(configs: Mapping[str, Config]) -> str | None:
    """Words and seconds are read side by side, so they are as wide."""
    read = configs.get("transformer", {})
    wanted = {
        "text_encoder": ("words", "cond_token_dim", _width_of_words),
        "duration_embedder": ("seconds", "cond_token_dim", _width_of_seconds),
        "vae": ("latents", "io_channels", _width_of_latents),
    }
    for part, (what, key, width) in wanted.items():
        if part not in configs or not read:
            continue
        looked_at, given = {**build.DIT, **read}[key], width(configs[part])
        if given is not None and given != looked_at:
            return f"its {what} are {given} wide, and {looked_at} are read"
    return None


def _width_of_words(config: Config) -> object:
    return read_by(config).get("hidden_size")


def _width_of_seconds(config: Config) -> object:
    return {**build.DURATION, **config}["output_dim"]


def _width_of_latents(config: Config) -> object:
    return {**build.SAME, **config}["latent_dim"]


def _finer_folder(_index: Config, denoiser: Config) -> str | None:
    width = {**build.DIT, **denoiser}["embed_dim"]
    return "stable-audio-3-small" if isinstance(width, int) and width < _MEDIUM else None


_DRAWS = "model.model."
_SAID = "conditioner.conditioners."
_CODED = "pretransform.model."
_BEGIN = {
    "prompt_padding_embedding": f"{_SAID}prompt.padding_embedding",
    "transformer_blocks.": f"{_DRAWS}transformer.layers.",
    "proj_": f"{_DRAWS}transformer.project_",
    "memory_tokens": f"{_DRAWS}transformer.memory_tokens",
    "rotary_pos_emb.": f"{_DRAWS}transformer.rotary_pos_emb.",
    "global_cond_embedder.": f"{_DRAWS}transformer.global_cond_embedder.",
    "": _DRAWS,
}
_INSIDE = {".ff.proj_in.": ".ff.ff.0.proj.", ".ff.proj_out.": ".ff.ff.2."}
_OF_CODED = {
    **_INSIDE,
    ".attn.": ".self_attn.",
    ".norm_attn.": ".pre_norm.",
    ".norm_ff.": ".ff_norm.",
}
_OF_SECONDS = {"linear.": "1.", "freqs": "0.freqs"}
# Of differential attention: theirs are queries, keys, values, then the second queries and keys.
_FIVE = (0, 3, 1, 4, 2)


def _lies_of_transformer(own: Shapes, config: Config) -> Mapping[str, Sequence[Lies]]:
    twice = {**build.DIT, **config}["use_differential_attention"]
    return {key: _places(key, renamed(key, _BEGIN, _INSIDE), twice=bool(twice)) for key in own}


def _lies_of_vae(own: Shapes, config: Config) -> Mapping[str, Sequence[Lies]]:
    said = {**build.SAME, **config}
    return {
        key: _places(key, _coded(key, said), twice=bool(said["use_differential_attention"]))
        for key in own
    }


def _places(key: str, theirs: str, *, twice: bool) -> tuple[Lies, ...]:
    if twice and key.endswith("attn.to_qkv.weight"):
        return tuple(Lies(key=theirs, nth=nth, of=5) for nth in _FIVE)
    return (Lies(key=theirs),)


def _coded(key: str, config: Config) -> str:
    """The makers' name: blocks and projections are layers, some of which have no tensors."""
    strides = config["encoder_strides"]
    assert isinstance(strides, Sequence)  # the build was looked at
    begin = {
        "encoder.blocks.": "encoder.layers.",
        "encoder.proj.": f"encoder.layers.{len(strides) + 1}.",
        "decoder.proj.": "decoder.layers.1.",
        "bottleneck.scale": "bottleneck.scaling_factor",
        **{f"decoder.blocks.{n}.": f"decoder.layers.{n + 3}." for n in range(len(strides))},
    }
    return _CODED + renamed(key, begin, _OF_CODED)


def _beside_vae(config: Config) -> tuple[str, ...]:
    """Noise that is added in training, and frequencies of places that the class computes."""
    said = {**build.SAME, **config}
    strides, depths = said["encoder_strides"], said["encoder_transformer_depths"]
    assert isinstance(strides, Sequence)  # the build was looked at
    assert isinstance(depths, Sequence)
    turned = (
        f"{_CODED}{side}.layers.{level + before}.transformers.{number}.rope."
        for side, before in (("encoder", 0), ("decoder", 3))
        for level in range(len(strides))
        for number in range(max(depths))
    )
    return (f"{_CODED}bottleneck.noise_", f"{_CODED}pretransform.", *turned)


def _lies_of_seconds(own: Shapes, _config: Config) -> Mapping[str, Sequence[Lies]]:
    prefix = f"{_SAID}seconds_total.embedder.embedding."
    return {key: (Lies(key=prefix + renamed(key, _OF_SECONDS, {})),) for key in own}


def _told_of_transformer(shapes: Shapes) -> Config:
    """What a single file's tensors say of its transformer; nothing where they are not its."""
    mine = under(_DRAWS, shapes)
    layer = "transformer.layers.0."
    try:
        width, waves = mine["to_timestep_embed.0.weight"]
        remembered = mine.get("transformer.memory_tokens", (0,))[0]
        return {
            "cond_token_dim": mine["to_cond_embed.0.weight"][1],
            "depth": count_of(mine, "transformer.layers"),
            "embed_dim": width,
            "ff_mult": mine[f"{layer}ff.ff.0.proj.weight"][0] / (2 * width),
            "global_cond_dim": mine["to_global_embed.0.weight"][1],
            "io_channels": mine["preprocess_conv.weight"][0],
            "local_add_cond_dim": mine[f"{layer}to_local_embed.0.weight"][1],
            "num_heads": width // mine[f"{layer}self_attn.q_norm.gamma"][0],
            "num_memory_tokens": remembered,
            "timestep_features_dim": waves,
            "use_differential_attention": mine[f"{layer}self_attn.to_qkv.weight"][0] == 5 * width,
        }
    except (LookupError, ValueError, ZeroDivisionError):
        return {}


# The width of the small model's VAE.
_CHUNKED = 768


def _small(shapes: Shapes) -> str | None:
    width = shapes.get(f"{_CODED}encoder.layers.0.new_tokens", (0,))[-1]
    return "the small Stable Audio 3 as a single file" if width == _CHUNKED else None


STABLE_AUDIO_3 = Architecture(
    name="stable-audio-3",
    family="stable-audio-3",
    parts=(
        Part(
            name="transformer",
            title="transformer",
            network=TRANSFORMER,
            stage=Stage.DENOISE,
            config="stable-audio-3/transformer",
            prefix=_DRAWS,
            layout=laid(_lies_of_transformer),
            lies=_lies_of_transformer,
            told=_told_of_transformer,
        ),
        # One layer, whose number stands among the words and beside them.
        Part(
            name="duration_embedder",
            title="reader of seconds",
            network=DURATION,
            stage=Stage.DENOISE,
            config="stable-audio-3/duration_embedder",
            prefix=_SAID,  # among which lies what fills short prompts
            layout=laid(_lies_of_seconds),
            lies=_lies_of_seconds,
            supplied=("freqs",),
            apart=False,
        ),
        Part(
            name="vae",
            title="VAE (SAME)",
            network=SAME,
            stage=Stage.DECODE,
            config="stable-audio-3/vae",
            prefix=_CODED,
            layout=laid(_lies_of_vae),
            lies=_lies_of_vae,
            spare=_beside_vae,
            apart=False,
        ),
        encoder(
            T5GEMMA,
            title="T5Gemma",
            config="stable-audio-3/text_encoder",
            prefix="text_encoders.t5gemma.transformer.",
            tokenizer=gemma_tokenizer(bare="t5gemma"),
            file="t5gemma_b_b_ul2.safetensors",
        ),
    ),
    recognise=lambda shapes: f"{_DRAWS}transformer.memory_tokens" in shapes,
    relative=_small,
    recognise_folder=lambda config: config.get("_class_name") == TRANSFORMER.name,
    pipelines="StableAudio3(AudioToAudio|Inpaint)?Pipeline",
    fits=_fits,
    noise=Noise(
        levels=LEVELS,
        prediction="flow",
        schedulers=frozenset({FLOW_SCHEDULER}),
        read=_of_scheduler,
        whole=1.0,
    ),
    finer_folder=_finer_folder,
    alike={"stable-audio-3": ("stable-audio-3-base",)},
    by_guidance={
        "stable-audio-3": "stable-audio-3-base",
        "stable-audio-3-small": "stable-audio-3-small-base",
    },
    tasks=frozenset({Task.TEXT_TO_AUDIO, Task.AUDIO_TO_AUDIO}),
    grid=1,
    latent_channels=256,
    medium=AUDIO,
)
