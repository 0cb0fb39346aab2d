"""LTX-2 and 2.3: their parts, and how their folders are told.

    transformer   a stream of the film and one of its sound, which look at each other
    connectors    all layers of the words as one, and a few blocks for each stream
    vae           128 channels; 32 pixels of a side and 8 frames are one
    audio_vae     mel spectra of its sound, four of them in one; the vocoder makes waves of these
    text_encoder  Gemma 3 12B, of which all layers are read

2.3 reads words by two projections, modulates them by the time, and lets each head of its
attentions through by a share; its vocoder is two, the second of which makes finer waves of what the
first one's sound like.  Published in folders.  A distilled one says levels that are not bent by the
film's size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from generation.families.architecture import (
    Architecture,
    Config,
    Network,
    Noise,
    Stage,
)
from generation.families.builds import ltx2, ltx2_codecs
from generation.families.laid import folder_part
from generation.families.lengths import film_work
from generation.families.ltx import SIDE, latent_frames, tokens
from generation.families.text.language import GEMMA3, gemma_tokenizer, of_text
from generation.families.trained import FLOW_SCHEDULER, of_flow_scheduler
from generation.sigmas import TOKEN
from generation.tasks import Task

_WEIGHTS = "diffusion_pytorch_model"
# The families of those that need no guidance.
DISTILLED, DISTILLED_23 = "ltx-2-distilled", "ltx-2.3-distilled"
MEL = 4  # mel spectra that are one latent, and bands of one


def _is_newer(config: Config) -> bool:
    """2.3 and later modulate what is read of the words, and read them without projecting them."""
    return bool(config.get("cross_attn_mod")) or config.get("use_prompt_embeddings") is False


def _newest(config: Config) -> str | None:
    if config.get("ff_bias") is False or config.get("use_keyframes_abs_pos_embedding"):
        return "it is LTX-2.5, whose text encoder and decoder are others; 2.0 and 2.3 are drawn"
    return None


def _noisy(config: Config) -> str | None:
    throws = config.get("decoder_inject_noise")
    if throws is True or (isinstance(throws, list | tuple) and any(throws)):
        return "its VAE throws noise between its layers, which no recipe says"
    return None


TRANSFORMER = Network(
    module="diffusers.models.transformers.transformer_ltx2",
    name="LTX2VideoTransformer3DModel",
    weights=_WEIGHTS,
    tensors=ltx2.tensors,
    settings=frozenset(ltx2.USUAL),
    only={
        "activation_fn": ("gelu-approximate", None),
        "attention_bias": (True, None),
        "attention_out_bias": (True, None),
        "audio_cross_attn_mod": (False, None),
        "audio_ff_bias": (True, None),
        "audio_gated_attn": (False, None),
        "audio_patch_size": (1, None),
        "audio_patch_size_t": (1, None),
        "audio_scale_factor": (MEL, None),
        "cross_attn_mod": (False, None),
        "ff_bias": (True, None),
        "gated_attn": (False, None),
        "norm_elementwise_affine": (False, None),
        "patch_size": (1, None),
        "patch_size_t": (1, None),
        "perturbed_attn": (False, None),
        "qk_norm": ("rms_norm_across_heads", None),
        "use_keyframes_abs_pos_embedding": (False, None),
        "use_prompt_embeddings": (True, None),
    },
)
TRANSFORMER_OF_23 = replace(
    TRANSFORMER,
    only={
        **TRANSFORMER.only,
        **dict.fromkeys(("cross_attn_mod", "audio_cross_attn_mod"), (True,)),
        **dict.fromkeys(("gated_attn", "audio_gated_attn"), (True,)),
        "perturbed_attn": (True, False, None),  # only for guidance that is off here
        "use_prompt_adaln_single": (True, None),
        "use_prompt_embeddings": (False,),
    },
    fault=_newest,
)
READER = Network(
    module="diffusers.pipelines.ltx2.connectors",
    name="LTX2TextConnectors",
    weights=_WEIGHTS,
    tensors=ltx2.connectors,
    settings=frozenset(ltx2.CONNECTORS),
    only={
        "audio_gated_attn": (False, None),
        "per_modality_projections": (False, None),
        "video_gated_attn": (False, None),
    },
)
READER_OF_23 = replace(
    READER,
    only=dict.fromkeys(
        ("audio_gated_attn", "per_modality_projections", "video_gated_attn"), (True,)
    ),
)
AUTOENCODER = Network(
    module="diffusers.models.autoencoders.autoencoder_kl_ltx2",
    name="AutoencoderKLLTX2Video",
    weights=_WEIGHTS,
    tensors=ltx2_codecs.vae,
    settings=frozenset(ltx2_codecs.VAE),
    only={
        "encoder_causal": (True, None),
        "in_channels": (3, None),
        "out_channels": (3, None),
        "patch_size_t": (1, None),
        "scaling_factor": (1.0, 1, None),
        "timestep_conditioning": (False, None),
    },
    fault=_noisy,
)
HEARING = Network(
    module="diffusers.models.autoencoders.autoencoder_kl_ltx2_audio",
    name="AutoencoderKLLTX2Audio",
    weights=_WEIGHTS,
    tensors=ltx2_codecs.audio_vae,
    settings=frozenset(ltx2_codecs.AUDIO_VAE),
    only={
        "attn_resolutions": (None, [], ()),
        "causality_axis": ("height", None),
        "mid_block_add_attention": (False, None),
        "norm_type": ("pixel", None),
    },
)
VOCODER = Network(
    module="diffusers.pipelines.ltx2.vocoder",
    name="LTX2Vocoder",
    weights=_WEIGHTS,
    tensors=ltx2_codecs.vocoder,
    settings=frozenset(ltx2_codecs.VOCODER),
    only={"act_fn": ("leaky_relu", None), "antialias": (False, None)},
)
VOCODER_OF_23 = replace(
    VOCODER,
    name="LTX2VocoderWithBWE",
    tensors=ltx2_codecs.better_vocoder,
    settings=frozenset(ltx2_codecs.BETTER_VOCODER),
    only={
        **dict.fromkeys(("act_fn", "bwe_act_fn"), ("snakebeta", None)),
        **dict.fromkeys(("antialias", "bwe_antialias"), (True, None)),
    },
)


def _fits(configs: Mapping[str, Config]) -> str | None:
    """Whether words, film and sound are as wide as they are read."""
    drawn = configs.get("transformer")
    if drawn is None:
        return None
    drawn = {**ltx2.USUAL, **drawn}
    if (reads := configs.get("connectors")) is not None:
        reads = {**ltx2.CONNECTORS, **reads}
        if (misread := _misfitting(reads, drawn)) is not None:
            return misread
        if (words := configs.get("text_encoder")) is not None:
            return _misread(of_text(words), reads)
    if (heard := configs.get("audio_vae")) is not None:
        wide = _packed({**ltx2_codecs.AUDIO_VAE, **heard})
        if not wide == drawn["audio_in_channels"] == drawn["in_channels"]:
            return f"sounds {wide} wide, {drawn['audio_in_channels']} are drawn"
    return None


def _misfitting(reads: Config, drawn: Config) -> str | None:
    """Whether what is read of the words is as wide as what is drawn from."""
    pairs = [("caption_channels", "caption_channels")]
    if reads["per_modality_projections"]:
        pairs = [("video_hidden_dim", "cross_attention_dim")]
        pairs += [("audio_hidden_dim", "audio_cross_attention_dim")]
    for given, wanted in pairs:
        if reads[given] != drawn[wanted]:
            return f"words {reads[given]} wide, {drawn[wanted]} are read"
    return None


def _misread(words: Config, reads: Config) -> str | None:
    wide, layers = words.get("hidden_size"), words.get("num_hidden_layers")
    if not isinstance(wide, int) or not isinstance(layers, int):
        return None
    if (wide, layers + 1) == (reads["caption_channels"], reads["text_proj_in_factor"]):
        return None
    return f"{layers} layers of words {wide} wide, others are read"


def _packed(config: Config) -> object:
    """How wide a moment of sound is; its VAE's statistics are as many."""
    channels, bands = config["latent_channels"], config["mel_bins"]
    if not isinstance(channels, int) or not isinstance(bands, int):
        return None
    packed = channels * (bands // MEL)
    return packed if packed == config["base_channels"] else None


def _architecture(name: str, distilled: str, *networks: Network, newer: bool) -> Architecture:
    """One of them: its transformer, its vocoder, and what reads its words."""
    part, (transformer, vocoder, reader) = partial(folder_part, name), networks
    return Architecture(
        name=name,
        family=name,
        parts=(
            part("transformer", "transformer", transformer, Stage.DENOISE),
            part("vae", "VAE", AUTOENCODER, Stage.DECODE),
            part("audio_vae", "VAE of sounds", HEARING, Stage.DECODE),
            part("vocoder", "vocoder", vocoder, Stage.DECODE),
            part("connectors", "reader of words", reader, Stage.ENCODE),
            part(
                "text_encoder",
                "text encoder (Gemma 3 12B)",
                GEMMA3,
                Stage.ENCODE,
                gemma_tokenizer(),
                config="text/gemma3-12b",
                classes=(GEMMA3.name, "Gemma3ForConditionalGeneration", "Gemma3Model"),
            ),
        ),
        recognise=lambda shapes: _GATE in shapes and (_MODULATED in shapes) == newer,
        recognise_folder=lambda config: (
            config.get("_class_name") == transformer.name and _is_newer(config) == newer
        ),
        pipelines="LTX2(Condition|ImageToVideo)?Pipeline",
        by_levels={"flow:1.0": distilled},
        fits=_fits,
        noise=Noise(
            levels="flow-mu:0.95:2.05:1024:4096@0.1",
            prediction="flow",
            schedulers=frozenset({FLOW_SCHEDULER}),
            read=of_flow_scheduler,
        ),
        tasks=frozenset({Task.TEXT_TO_VIDEO, Task.IMAGE_TO_VIDEO, Task.EXTEND_VIDEO}),
        grid=SIDE,
        latent_channels=128,
        medium="video",
        work=film_work(latent_frames),
        levels_by=lambda pixels, frames: TOKEN * tokens(pixels, frames),
    )


_GATE = "transformer.av_cross_attn_video_a2v_gate.linear.weight"
_MODULATED = "transformer.prompt_adaln.linear.weight"

LTX_2 = _architecture("ltx-2", DISTILLED, TRANSFORMER, VOCODER, READER, newer=False)
LTX_23 = _architecture(
    "ltx-2.3", DISTILLED_23, TRANSFORMER_OF_23, VOCODER_OF_23, READER_OF_23, newer=True
)
