"""Names for what cannot be drawn yet, told from the names of tensors or a pipeline's class.

A table and two look-ups: whoever finds a file refused reads "AuraFlow, not supported yet" and no
riddle.  Invariant: a row matches nothing that this program draws.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from generation.families import ldm
from generation.families.family import ARCHITECTURES

Shapes = Mapping[str, tuple[int, ...]]

# What programs put before a denoiser's own names.
_PREFIXES = ("model.diffusion_model.", "diffusion_model.", "transformer.", "unet.", "net.")


@dataclass(frozen=True, slots=True)
class _Row:
    """A title, and ways to tell it: each a group of beginnings that all must occur.

    `unless`: a beginning with which it is something that is drawn.
    """

    title: str
    ways: tuple[tuple[str, ...], ...]
    unless: str


def _row(title: str, *ways: str | tuple[str, ...], unless: str = "") -> _Row:
    return _Row(title, tuple((way,) if isinstance(way, str) else way for way in ways), unless)


# A recipe is of one picture.
_LAYERED = "Qwen-Image-Layered, which takes a picture apart into several"

# In this order: what is special before what it was derived from.
_ARCHITECTURES = (
    _row("Chroma Radiance", "nerf_blocks.", "nerf_image_embedder."),
    _row(
        "HunyuanVideo 1.5 as its makers keep it (ComfyUI's file and diffusers' folder are drawn)",
        ("cond_type_embedding.", "double_blocks.0.img_attn_q."),
    ),
    _row(
        "HunyuanVideo",
        "txt_in.individual_token_refiner.",
        "context_embedder.token_refiner.",
        unless="cond_type_embed",  # 1.5
    ),
    _row("a ControlNet of another build", "control_model.", "controlnet_", "input_hint_block."),
    _row("a Control-LoRA", "lora_controlnet"),
    _row("a ControlNet of Z-Image", "control_all_x_embedder.", "control_layers."),
    _row("a ControlNet", "control_net."),
    _row("a ControlNet-LLLite", "lllite_"),
    _row("an IP-Adapter", "ip_adapter.", "image_proj."),
    _row("Fibo 2", "perceiver.latent_queries"),
    _row("AuraFlow", "double_layers.0.", "joint_transformer_blocks.0."),
    _row(_LAYERED, "time_text_embed.addition_t_embedding."),
    _row("Lumina-Next", ("cap_embedder.", "layers.0.attention.wq.")),
    _row(
        "PixArt",
        ("blocks.0.cross_attn.kv_linear.", "blocks.0.mlp.fc1."),
        ("adaln_single.", "caption_projection."),
        unless="patchify_proj.",  # LTX-Video
    ),
    # Built like Wan, with something beside.
    _row("Wan-Animate", "face_adapter.fuser_blocks."),
    _row("Wan S2V", "casual_audio_encoder."),
    _row("HuMo", "audio_proj.audio_proj_glob_"),
    _row("Wan Fun with a camera's way", ("control_adapter.conv.", "head.modulation")),
    _row("Wan Fun with a control film", ("ref_conv.", "head.modulation")),
    _row("Mochi", "blocks.0.attn.qkv_x."),
    _row("Hunyuan-DiT", "text_embedding_padding"),
    _row("Cosmos", "blocks.block0."),
    _row(
        "Cosmos",
        "blocks.0.adaln_modulation_self_attn.",
        "pos_embedder.dim_spatial_range",
        unless="llm_adapter.",  # Anima
    ),
    _row("Stable Cascade", "clip_txt_mapper.", "clip_mapper.", "down_blocks.0.0.channelwise."),
    _row("Stable Video Diffusion", "input_blocks.1.1.time_stack.", "input_blocks.1.1.time_mixer."),
    _row("ModelScope's video model", "input_blocks.1.0.temopral_conv."),
    _row("Stable Audio", "pretransform.model.", unless="model.model.to_cond_embed."),
    _row("GLIGEN", "position_net.", "input_blocks.1.1.transformer_blocks.0.fuser."),
    _row(
        "AnimateDiff's motion module for SDXL",
        "down_blocks.2.motion_modules.",
        unless="down_blocks.3.motion_modules.",
    ),
    _row("Stable unCLIP", "noise_augmentor."),
    _row("a T2I-Adapter", "adapter.body.", "body.0.block1.", "body.0.resnets."),
)

# UNets of Stable Diffusion's kind that are made for another task, by the channels they take.
_CHANNELS = {
    5: "a depth-to-image model (5 channels)",
    7: "the x4 upscaler (7 channels)",
}

# Channels of latents that are drawn with, and whose others are.
_DRAWN = frozenset(one.latent_channels for one in ARCHITECTURES)
_VAES = {16: " (FLUX.1, Stable Diffusion 3)"}

_UNET = "a UNet of a build that nothing here draws with"

# Parts that lie alone.  Only of a file that has no denoiser under the usual prefix.
_PARTS = (
    _row("an upscaler", ("conv_first.", "body.0.")),
    _row("an upscaler", "layers.0.residual_group.", "params_ema.", "params.", "upsampler."),
    _row("an upscaler", ("conv_first.", "conv_last."), ("conv_first.", "conv_up1.")),
    _row("a tiny VAE (TAESD)", "taesd_", "decoder.layers.", ("1.weight", "3.conv.0.")),
    _row("a tiny VAE (TAESD)", ("0.weight", "1.conv.0.")),
    _row("the VAE of Qwen-Image-Layered", "decoder.middle.0.residual.0."),
    _row("the VAE of a video model", "decoder.conv_in.conv.", "per_channel_statistics."),
    _row("the VAE of a video model", "vae.per_channel_statistics."),
    _row("the text encoder T5, alone", "encoder.block.0.layer.0.SelfAttention.", "shared.weight"),
    _row("CLIP's vision encoder, alone", "vision_model.", "visual."),
    _row("the text encoder CLIP, alone", "text_model.encoder.", "resblocks.0.", "text_projection"),
    _row("the text encoder CLIP, alone", "encoder.layers.0.self_attn."),
    _row("a language model, alone", "model.layers.0.", "layers.0.self_attn.q_proj.", "lm_head."),
    _row("a language model, alone", "model.language_model.", "language_model."),
    _row("a safety checker", "special_care_embeds"),
    _row(_UNET, "input_blocks.0.0.", "conv_in."),
)

_CLASSES = {
    "FluxControlNet": "a model with a ControlNet",
    "FluxPriorRedux": "FLUX.1 Redux",
    "QwenImageControlNet": "a model with a ControlNet",
    "QwenImageLayered": _LAYERED,
    "ZImageControlNet": "a model with a ControlNet",
    "ZImageOmni": "Z-Image-Omni",
    "Wan": "Wan",
    "WanAnimate": "Wan-Animate",
    "LTX2": "LTX-2 by a pipeline of another kind",
    "LTX2LatentUpsample": "LTX-2's enlarging of latents",
    "LTXLatentUpsample": "LTX-Video's enlarging of latents",
    "LTXI2VLongMultiPrompt": "LTX-Video by several prompts",
    "Lumina": "Lumina-Next",
    "SanaControlNet": "a model with a ControlNet",
    "SanaVideo": "Sana Video",
    "AuraFlow": "AuraFlow",
    "PixArt": "PixArt",
    "HunyuanDiT": "Hunyuan-DiT",
    "HunyuanVideo": "HunyuanVideo",
    "HunyuanImage": "HunyuanImage",
    "StableCascade": "Stable Cascade",
    "BriaFibo": "Fibo",
    "BriaFibo2": "Fibo 2",
    "Wuerstchen": "Wuerstchen",
    "Kolors": "Kolors",
    "Kandinsky": "Kandinsky",
    "StableVideoDiffusion": "Stable Video Diffusion",
    "CogView": "CogView",
    "CogVideoXFunControl": "CogVideoX Fun",
    "Mochi": "Mochi",
    "Cosmos": "Cosmos",
    "Allegro": "Allegro",
    "IF": "DeepFloyd IF",
    "AnimateDiff": "AnimateDiff",
    "LatentConsistency": "a latent consistency model that is told its guidance",
    "StableUnCLIP": "Stable unCLIP",
    "StableDiffusionUpscale": "the x4 upscaler",
    "StableDiffusionLatentUpscale": "the latent upscaler",
    "StableDiffusionDepth2Img": "depth-to-image",
    "StableDiffusionGLIGEN": "GLIGEN",
    "StableDiffusionControlNet": "a model with a ControlNet",
    "StableDiffusionXLControlNet": "a model with a ControlNet",
    "StableDiffusionLDM3D": "LDM3D",
}


def architecture(shapes: Shapes) -> str | None:
    """The name of an architecture that is not drawn, or None."""
    return _first(_ARCHITECTURES, shapes)


def unet(shapes: Shapes) -> str | None:
    """What a single file's UNet is, if it is of a kind that is known and not drawn."""
    return _special(ldm.channels_of_unet(shapes))


def unet_of_folder(config: Mapping[str, object]) -> str | None:
    """The same of a folder's, from its config.json."""
    return _special(config.get("in_channels", 4))


def _special(channels: object) -> str | None:
    if isinstance(channels, int) and channels in _CHANNELS:
        return _CHANNELS[channels]
    if channels != 4:
        return f"a UNet that takes {channels!r:.20} channels"
    return None


def part(shapes: Shapes) -> str | None:
    """The name of what is no whole model: an upscaler, a text encoder alone, ..."""
    if (latents := vae(shapes)) is not None:
        return latents
    found = _first(_PARTS, shapes)
    if found != _UNET:
        return found
    ends = ("input_blocks.0.0.weight", "conv_in.weight")
    first = next((shape for key, shape in shapes.items() if key.endswith(ends)), ())
    return _special(first[1] if len(first) > 1 else 4) or found


def pipeline(class_name: str) -> str | None:
    """The name behind a diffusers pipeline that is not drawn; the longest beginning wins."""
    if any(one.is_pipeline(class_name) for one in ARCHITECTURES):
        return None
    known = [begin for begin in _CLASSES if class_name.startswith(begin)]
    return _CLASSES[max(known, key=len)] if known else None


def likeness(shapes: Shapes) -> str:
    """What to say of a file that nothing here knows: what its first tensors are called."""
    if not shapes:
        return "it holds no tensors"
    first = ", ".join(key[:80] for key in sorted(shapes)[:3])
    return f"it is no model, LoRA, VAE or embedding that is known here; it holds {first}"


def vae(shapes: Shapes) -> str | None:
    """A VAE whose latents have as many channels as nothing here draws with, or half a VAE."""
    bare = {key.removeprefix("first_stage_model.").removeprefix("vae."): key for key in shapes}
    first = bare.get("decoder.conv_in.weight")
    if first is None:
        return None
    if len(shapes[first]) == 5:
        return "the VAE of a video model"
    channels = shapes[first][1] if len(shapes[first]) > 1 else 0
    if channels in _DRAWN:
        lacks = "encoder.conv_in.weight" not in bare
        return "the decoder of a VAE without its encoder" if lacks else None
    return f"a VAE with {channels} latent channels{_VAES.get(channels, '')}"


def _first(rows: Iterable[_Row], shapes: Shapes) -> str | None:
    keys = sorted(map(_bare, shapes))

    def occurs(begin: str) -> bool:
        at = bisect_left(keys, begin)
        return at < len(keys) and keys[at].startswith(begin)

    for row in rows:
        drawn = bool(row.unless) and occurs(row.unless)
        if not drawn and any(all(map(occurs, way)) for way in row.ways):
            return row.title
    return None


def _bare(key: str) -> str:
    for prefix in _PREFIXES:
        if key.startswith(prefix):
            return key[len(prefix) :]
    return key
