"""LTX-2 and 2.3: their parts, and how their folders are told.

    transformer   a stream of the film and one of its sound, which look at each other
    connectors    all layers of the words as one, and a few blocks for each stream
    vae           128 channels; 32 pixels of a side and 8 frames are one
    audio_vae     mel spectra of its sound, four of them in one; the vocoder makes waves of these
    text_encoder  Gemma 3 12B, of which all layers are read
    latent_upsampler  makes latents twice as wide and high, of films in two passes; no folder and no
                  file of the others has it

    model.diffusion_model.audio_patchify_proj    in a file that has all but the text encoder

2.3 reads words by two projections, modulates them by the time, and lets each head of its
attentions through by a share; its vocoder is two, the second of which makes finer waves of what the
first one's sound like.  A distilled one says levels that are not bent by the
film's size; of a file its card says it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from generation.families.architecture import (
    Architecture,
    Config,
    Network,
    Noise,
    Part,
    Shapes,
    Stage,
)
from generation.families.builds import ltx2, ltx2_codecs
from generation.families.flux import DENOISER, VAE
from generation.families.laid import count_of, renamed, under
from generation.families.lengths import film_work
from generation.families.ltx import SIDE, latent_frames, tokens
from generation.families.text.encoder import encoder
from generation.families.text.language import GEMMA3, gemma_tokenizer, of_text
from generation.families.trained import FLOW_SCHEDULER, of_flow_scheduler
from generation.sigmas import TOKEN
from generation.tasks import Task

_WEIGHTS = "diffusion_pytorch_model"
# The families of those that need no guidance.
DISTILLED, DISTILLED_23 = "ltx-2-distilled", "ltx-2.3-distilled"
ENLARGER = "latent_upsampler"
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

ENLARGES = Network(
    module="diffusers.pipelines.ltx2.latent_upsampler",
    name="LTX2LatentUpsamplerModel",
    weights=_WEIGHTS,
    tensors=ltx2_codecs.enlarger,
    settings=frozenset(ltx2_codecs.ENLARGER),
    told=ltx2_codecs.enlarger_told,
)


def _fits(configs: Mapping[str, Config]) -> str | None:
    """Whether words, film and sound are as wide as they are read."""
    drawn = configs.get("transformer")
    if drawn is None:
        return None
    drawn = {**ltx2.USUAL, **drawn}
    if (larger := configs.get(ENLARGER)) is not None:
        taken = larger.get("in_channels")
        wrong = taken != drawn["in_channels"]
        return f"latents {taken} wide, {drawn['in_channels']} are drawn" if wrong else None
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


# diffusers' names of each part, and those of its files.
_BEGINNINGS = {
    "proj_in.": "patchify_proj.",
    "audio_proj_in.": "audio_patchify_proj.",
    "time_embed.": "adaln_single.",
    "audio_time_embed.": "audio_adaln_single.",
    "prompt_adaln.": "prompt_adaln_single.",
    "audio_prompt_adaln.": "audio_prompt_adaln_single.",
    "av_cross_attn_video_scale_shift.": "av_ca_video_scale_shift_adaln_single.",
    "av_cross_attn_audio_scale_shift.": "av_ca_audio_scale_shift_adaln_single.",
    "av_cross_attn_video_a2v_gate.": "av_ca_a2v_gate_adaln_single.",
    "av_cross_attn_audio_v2a_gate.": "av_ca_v2a_gate_adaln_single.",
}
_INSIDE = {
    ".video_a2v_cross_attn_scale_shift_table": ".scale_shift_table_a2v_ca_video",
    ".audio_a2v_cross_attn_scale_shift_table": ".scale_shift_table_a2v_ca_audio",
    ".norm_q.": ".q_norm.",
    ".norm_k.": ".k_norm.",
}
_OF_WORDS = {
    "video_connector.": "video_embeddings_connector.",
    "audio_connector.": "audio_embeddings_connector.",
    "text_proj_in.": "text_embedding_projection.aggregate_embed.",
    "video_text_proj_in.": "text_embedding_projection.video_aggregate_embed.",
    "audio_text_proj_in.": "text_embedding_projection.audio_aggregate_embed.",
}
_INSIDE_OF_WORDS = {".transformer_blocks.": ".transformer_1d_blocks.", **_INSIDE}
_STATISTICS = {
    "latents_mean": "per_channel_statistics.mean-of-means",
    "latents_std": "per_channel_statistics.std-of-means",
}
_OF_VOICE = {
    "upsamplers.": "ups.",
    "resnets.": "resblocks.",
    "conv_in.": "conv_pre.",
    "conv_out.": "conv_post.",
    "act_out.": "act_post.",
}
_READER, _HEARD, _VOICE = "connectors.", "audio_vae.", "vocoder."
_LEVEL = re.compile(r"(encoder|decoder)\.(down|up)_blocks\.(\d+)\.(down|up)samplers\.0\.")
_BLOCK = re.compile(r"(encoder|decoder)\.(down|up)_blocks\.(\d+)\.resnets\.")


def _layout(shapes: Shapes, _config: Config) -> Shapes:
    return {DENOISER + renamed(key, _BEGINNINGS, _INSIDE): s for key, s in shapes.items()}


def _told(shapes: Shapes) -> Config:
    """How many blocks a file's transformer has; nothing where they are not its."""
    count = count_of(under(DENOISER, shapes), "transformer_blocks")
    return {"num_layers": count} if f"{DENOISER}audio_patchify_proj.weight" in shapes else {}


def _reader_layout(shapes: Shapes, _config: Config) -> Shapes:
    return {_READER + renamed(key, _OF_WORDS, _INSIDE_OF_WORDS): s for key, s in shapes.items()}


def _reader_named(key: str) -> str:
    """A file keeps the connectors within its transformer, and their projections beside it."""
    inner = key.removeprefix(DENOISER)
    mine = ("video_embeddings_connector.", "audio_embeddings_connector.")
    if inner.startswith(mine) or key.startswith("text_embedding_projection."):
        return _READER + inner
    return key


def _vae_layout(shapes: Shapes, _config: Config) -> Shapes:
    """In a file the levels and what lies between them are numbered as one row."""
    downs = count_of(under("encoder.", shapes), "down_blocks")

    def named(key: str) -> str:
        if key in _STATISTICS:
            return _STATISTICS[key]
        if (level := _LEVEL.match(key)) is not None:
            side, way, number, _ = level.groups()
            row = 2 * int(number) + 1
            return f"{side}.{way}_blocks.{row}.{key[level.end() :]}"
        if (block := _BLOCK.match(key)) is not None:
            side, way, number = block.groups()
            row = 2 * int(number) + (2 if side == "decoder" else 0)
            return f"{side}.{way}_blocks.{row}.res_blocks.{key[block.end() :]}"
        key = key.replace("encoder.mid_block.", f"encoder.down_blocks.{2 * downs}.")
        key = key.replace("decoder.mid_block.", "decoder.up_blocks.0.")
        return key.replace(".resnets.", ".res_blocks.")

    return {VAE + named(key): shape for key, shape in shapes.items()}


def _heard_layout(shapes: Shapes, _config: Config) -> Shapes:
    return {_HEARD + _STATISTICS.get(key, key): shape for key, shape in shapes.items()}


def _voice_layout(shapes: Shapes, _config: Config) -> Shapes:
    """2.3's has two vocoders in it, each by the same names."""

    def named(key: str) -> str:
        before = next((one for one in ("vocoder.", "bwe_generator.") if key.startswith(one)), "")
        its = renamed(key.removeprefix(before), _OF_VOICE, {})
        return before + its.replace(".downsample.filter", ".downsample.lowpass.filter")

    return {_VOICE + named(key): shape for key, shape in shapes.items()}


def _beside_vae(_config: Config) -> tuple[str, ...]:
    """Statistics that nothing reads."""
    return tuple(f"{VAE}per_channel_statistics.{name}" for name in ("channel", "mean-of-stds"))


def _newest_file(shapes: Shapes) -> str | None:
    later = f"{DENOISER}transformer_blocks.0.ff.net.0.proj.bias" not in shapes
    return "LTX-2.5 in one file" if later else None


def _codecs(name: str, vocoder: Network) -> tuple[Part, ...]:
    """What gives its latents back."""
    part = partial(Part, stage=Stage.DECODE, apart=False)
    return (
        part(
            name="vae",
            title="VAE",
            network=AUTOENCODER,
            config=f"{name}/vae",
            prefix=VAE,
            layout=_vae_layout,
            spare=_beside_vae,
        ),
        part(
            name="audio_vae",
            title="VAE of sounds",
            network=HEARING,
            config=f"{name}/audio_vae",
            prefix=_HEARD,
            layout=_heard_layout,
        ),
        part(
            name="vocoder",
            title="vocoder",
            network=vocoder,
            config=f"{name}/vocoder",
            prefix=_VOICE,
            layout=_voice_layout,
        ),
    )


def _enlarger(file: str) -> Part:
    """Whose shapes are the same in both: a file's name, or its card, tells them apart."""
    return Part(
        name=ENLARGER,
        title="latent upsampler",
        network=ENLARGES,
        stage=Stage.ENLARGE,
        config=f"ltx-2/{ENLARGER}",
        prefix=f"{ENLARGER}.",
        layout=lambda shapes, _: {f"{ENLARGER}.{key}": shape for key, shape in shapes.items()},
        supplied=("upsampler.blur_down.kernel",),
        optional=True,
        file=file,
    )


def _parts(name: str, *networks: Network) -> tuple[Part, ...]:
    """All of one's parts: of its file all but the text encoder and the enlarger."""
    transformer, vocoder, reader = networks
    return (
        Part(
            name="transformer",
            title="transformer",
            network=transformer,
            stage=Stage.DENOISE,
            config=f"{name}/transformer",
            told=_told,
            prefix=DENOISER,
            layout=_layout,
        ),
        *_codecs(name, vocoder),
        Part(
            apart=False,
            name="connectors",
            title="reader of words",
            network=reader,
            stage=Stage.ENCODE,
            config=f"{name}/connectors",
            prefix=_READER,
            layout=_reader_layout,
            spelling=_reader_named,
        ),
        encoder(
            GEMMA3,
            title="text encoder (Gemma 3 12B)",
            config="text/gemma3-12b",
            prefix="text_encoders.gemma3_12b.transformer.",
            tokenizer=gemma_tokenizer(bare="gemma3"),
            classes=("Gemma3ForConditionalGeneration", "Gemma3Model"),
            file="gemma_3_12B_it.safetensors",
        ),
        _enlarger(f"{name}-spatial-upscaler-x2.safetensors"),
    )


def _architecture(name: str, distilled: str, *networks: Network, newer: bool) -> Architecture:
    """One of them: its transformer, its vocoder, and what reads its words."""
    transformer, *_ = networks
    return Architecture(
        name=name,
        family=name,
        parts=_parts(name, *networks),
        recognise=lambda shapes: _GATE in shapes and (_MODULATED in shapes) == newer,
        relative=_newest_file,
        recognise_folder=lambda config: (
            config.get("_class_name") == transformer.name and _is_newer(config) == newer
        ),
        pipelines="LTX2(Condition|ImageToVideo)?Pipeline",
        by_levels={"flow:1.0": distilled},
        alike={name: (distilled,)},
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


_GATE = f"{DENOISER}av_ca_a2v_gate_adaln_single.linear.weight"
_MODULATED = f"{DENOISER}prompt_adaln_single.linear.weight"

LTX_2 = _architecture("ltx-2", DISTILLED, TRANSFORMER, VOCODER, READER, newer=False)
LTX_23 = _architecture(
    "ltx-2.3", DISTILLED_23, TRANSFORMER_OF_23, VOCODER_OF_23, READER_OF_23, newer=True
)
