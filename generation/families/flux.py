"""FLUX.1 dev and schnell: their parts, and how their files are told.

    double_blocks. single_blocks.           the transformer, alone or behind model.diffusion_model.
    vae.                                    the VAE, of 16 channels
    text_encoders.clip_l. t5xxl.            the text encoders

A file's tensors say how large its transformer is, and whether it was distilled from guidance and is
told of it (`guidance_in`: dev and its kin) or to few steps and is not (schnell).  Those that are
made to inpaint take more channels than their latents' 64: the masked picture, and 8x8 pixels of the
mask for each latent; those that look at edges or at depth (Canny, Depth), a control picture.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from generation.families import encoder_files, ldm
from generation.families.architecture import (
    Architecture,
    Config,
    Lies,
    Network,
    Noise,
    Part,
    Purpose,
    Shapes,
    Stage,
)
from generation.families.builds import flux as build
from generation.families.encoder_files import CLIP_L, T5XXL
from generation.families.laid import laid
from generation.families.marks import by_marks
from generation.families.networks import AUTOENCODER, CLIP, T5, clip_tokenizer, t5_tokenizer
from generation.families.trained import FLOW_SCHEDULER, of_flow_scheduler
from generation.tasks import Task

DENOISER = "model.diffusion_model."
VAE = "vae."

CHANNELS = 64  # of a token: 16 of a latent pixel, four of which are one
_MADE_FOR = {6 * CHANNELS: Purpose.INPAINTING, 2 * CHANNELS: Purpose.CONTROL}
_FAMILIES = {6 * CHANNELS: "flux1-fill", 2 * CHANNELS: "flux1-control"}

# diffusers' names, and Black Forest Labs'.
_ENDS = {
    "time_text_embed.timestep_embedder.linear_1": "time_in.in_layer",
    "time_text_embed.timestep_embedder.linear_2": "time_in.out_layer",
    "time_text_embed.guidance_embedder.linear_1": "guidance_in.in_layer",
    "time_text_embed.guidance_embedder.linear_2": "guidance_in.out_layer",
    "time_text_embed.text_embedder.linear_1": "vector_in.in_layer",
    "time_text_embed.text_embedder.linear_2": "vector_in.out_layer",
    "context_embedder": "txt_in",
    "x_embedder": "img_in",
    "norm_out.linear": "final_layer.adaLN_modulation.1",
    "proj_out": "final_layer.linear",
}
_BLOCK = {
    "norm1.linear": "img_mod.lin",
    "norm1_context.linear": "txt_mod.lin",
    "attn.norm_q": "img_attn.norm.query_norm",
    "attn.norm_k": "img_attn.norm.key_norm",
    "attn.norm_added_q": "txt_attn.norm.query_norm",
    "attn.norm_added_k": "txt_attn.norm.key_norm",
    "attn.to_out.0": "img_attn.proj",
    "attn.to_add_out": "txt_attn.proj",
    "ff.net.0.proj": "img_mlp.0",
    "ff.net.2": "img_mlp.2",
    "ff_context.net.0.proj": "txt_mlp.0",
    "ff_context.net.2": "txt_mlp.2",
}
_SINGLE_BLOCK = {
    "norm.linear": "modulation.lin",
    "attn.norm_q": "norm.query_norm",
    "attn.norm_k": "norm.key_norm",
    "proj_out": "linear2",
}
# What lies in one tensor: which of how many equal shares of its rows.
_SHARES = {
    "attn.to_q": ("img_attn.qkv", (0,), 3),
    "attn.to_k": ("img_attn.qkv", (1,), 3),
    "attn.to_v": ("img_attn.qkv", (2,), 3),
    "attn.add_q_proj": ("txt_attn.qkv", (0,), 3),
    "attn.add_k_proj": ("txt_attn.qkv", (1,), 3),
    "attn.add_v_proj": ("txt_attn.qkv", (2,), 3),
}
_SINGLE_SHARES = {
    "attn.to_q": ("linear1", (0,), 7),
    "attn.to_k": ("linear1", (1,), 7),
    "attn.to_v": ("linear1", (2,), 7),
    "proj_mlp": ("linear1", (3, 4, 5, 6), 7),
}
_NORM_OUT = "norm_out.linear"  # shift and scale, which the network has in another order


def lies(shapes: Shapes, _config: Config) -> Mapping[str, Sequence[Lies]]:
    """Where the transformer's tensors lie in a single file."""
    return {key: places(key) for key in shapes}


def places(key: str) -> Sequence[Lies]:
    """Where one of them lies."""
    inner, _, end = key.rpartition(".")
    if inner in _ENDS:
        nths: Sequence[int] = (1, 0) if inner == _NORM_OUT else (0,)
        theirs = f"{DENOISER}{_ENDS[inner]}.{end}"
        return tuple(Lies(key=theirs, nth=nth, of=len(nths)) for nth in nths)
    kind, number, name = inner.split(".", 2)
    single = kind == "single_transformer_blocks"
    block = f"{DENOISER}{'single' if single else 'double'}_blocks.{number}."
    shares, names = (_SINGLE_SHARES, _SINGLE_BLOCK) if single else (_SHARES, _BLOCK)
    if name in shares:
        whole, nths, of = shares[name]
        return tuple(Lies(key=f"{block}{whole}.{end}", nth=nth, of=of) for nth in nths)
    scale = "scale" if ".norm_" in name else end
    return (Lies(key=f"{block}{names[name]}.{scale}"),)


def spelling(key: str) -> str:
    """The layout's name for one that newer programs write."""
    return _NORM.sub(r"\1.scale", key) if key.startswith(DENOISER) else key


_NORM = re.compile(r"(\.(?:query|key)_norm)\.weight$")
_BLOCKS = re.compile(r"(double|single)_blocks\.(\d+)\.")


def told(shapes: Shapes) -> Config:
    """What a single file's tensors say of its transformer; nothing where they are not its."""
    summary = shapes.get(f"{DENOISER}vector_in.in_layer.weight", ())
    if not (blocks := told_of_blocks(shapes)) or len(summary) < 2:
        return {}
    return {
        **blocks,
        "guidance_embeds": f"{DENOISER}guidance_in.in_layer.weight" in shapes,
        "pooled_projection_dim": summary[1],
    }


def told_of_blocks(shapes: Shapes) -> Config:
    """The same of what Chroma's has as well."""
    mine = {
        spelling(key).removeprefix(DENOISER): shape
        for key, shape in shapes.items()
        if key.startswith(DENOISER)
    }
    blocks = {match.groups() for key in mine if (match := _BLOCKS.match(key))}
    try:
        width, channels = mine["img_in.weight"]
        (head,) = mine["double_blocks.0.img_attn.norm.key_norm.scale"]
        return {
            "attention_head_dim": head,
            "in_channels": channels,
            "joint_attention_dim": mine["txt_in.weight"][1],
            "num_attention_heads": width // head,
            "num_layers": sum(kind == "double" for kind, _ in blocks),
            "num_single_layers": sum(kind == "single" for kind, _ in blocks),
            "out_channels": mine["final_layer.linear.weight"][0],
        }
    except (LookupError, ValueError, ZeroDivisionError):
        return {}


TRANSFORMER = Network(
    module="diffusers.models.transformers.transformer_flux",
    name="FluxTransformer2DModel",
    weights="diffusion_pytorch_model",
    tensors=build.flux,
    settings=frozenset(build.FLUX),
    only={"patch_size": (1,)},
)


def _spelled_vae(key: str) -> str:
    """The VAE's name in a file that has it where Stable Diffusion's have theirs."""
    return VAE + key.removeprefix(ldm.VAE) if key.startswith(ldm.VAE) else key


def _vae(shapes: Shapes, config: Config) -> Shapes:
    found = ldm.vae(shapes, config)
    return {_spelled_vae(key): shape for key, shape in found.items()}


TRANSFORMER_PART = Part(
    name="transformer",
    title="transformer",
    network=TRANSFORMER,
    stage=Stage.DENOISE,
    config="flux1/transformer",
    told=told,
    prefix=DENOISER,
    layout=laid(lies),
    lies=lies,
    spelling=spelling,
    settings={
        "in_channels": (CHANNELS, *_MADE_FOR),
        "out_channels": (CHANNELS, None),
        "guidance_embeds": (True,),
    },
)


VAE_PART = Part(
    name="vae",
    title="VAE",
    network=AUTOENCODER,
    stage=Stage.DECODE,
    config="flux1/vae",
    prefix=VAE,
    layout=_vae,
    spelling=_spelled_vae,
    settings={"latent_channels": (16,)},
    file="ae.safetensors",
)
_CLIP_L = Part(
    name="text_encoder",
    title="first text encoder (CLIP-L)",
    network=CLIP,
    stage=Stage.ENCODE,
    config="sd1/text_encoder",
    prefix=CLIP_L,
    layout=ldm.clip(CLIP_L),
    spelling=ldm.levelled(CLIP_L),
    spare=encoder_files.beside(CLIP_L, *CLIP.harmless),
    tokenizer=clip_tokenizer("tokenizer", padding="<|endoftext|>"),
    file="clip_l.safetensors",
)
_T5 = Part(
    name="text_encoder_2",
    title="second text encoder (T5-XXL)",
    network=T5,
    stage=Stage.ENCODE,
    config="sd3/text_encoder_3",
    prefix=T5XXL,
    layout=encoder_files.t5(T5XXL),
    spare=encoder_files.beside(T5XXL, *T5.harmless),
    tokenizer=t5_tokenizer("tokenizer_2"),
    file="t5xxl_fp16.safetensors",
)


def _recognise(shapes: Shapes, *, guided: bool) -> bool:
    ours = ("double_blocks.0.img_mod.lin.weight", "vector_in.in_layer.weight")
    if not all(DENOISER + key in shapes for key in ours):
        return False
    return (f"{DENOISER}guidance_in.in_layer.weight" in shapes) is guided


def _recognise_folder(config: Config, *, guided: bool) -> bool:
    ours = config.get("_class_name") == TRANSFORMER.name
    return ours and bool(config.get("guidance_embeds")) is guided


def _finer(shapes: Shapes, metadata: Mapping[str, str]) -> str | None:
    """The family by the channels that it takes, or by what trainers and mergers write."""
    taken = told(shapes).get("in_channels")
    if isinstance(taken, int) and taken in _FAMILIES:
        return _FAMILIES[taken]
    return _MARKED(shapes, metadata)


_MARKED = by_marks({mark: f"flux1-{mark}" for mark in ("kontext", "krea")})

# The sizes that Kontext was trained at, a megapixel each, and as many on their sides.
_EDITED_AT = (
    *((672, 1568), (688, 1504), (720, 1456), (752, 1392), (800, 1328), (832, 1248), (880, 1184)),
    *((944, 1104), (1024, 1024), (1104, 944), (1184, 880), (1248, 832), (1328, 800), (1392, 752)),
    *((1456, 720), (1504, 688), (1568, 672)),
)


def edited_at(width: int, height: int) -> tuple[int, int]:
    """The size of the nearest shape at which a picture of that size is edited."""
    aspect = width / height
    return min(_EDITED_AT, key=lambda size: (abs(aspect - size[0] / size[1]), size))


def _seen_at(width: int, height: int, nth: int) -> tuple[int, int] | None:
    """The first is changed, and others are looked at in their own shape."""
    return edited_at(width, height) if nth else None


FLUX1 = Architecture(
    name="flux1",
    family="flux1-dev",
    parts=(TRANSFORMER_PART, VAE_PART, _CLIP_L, _T5),
    recognise=partial(_recognise, guided=True),
    recognise_folder=partial(_recognise_folder, guided=True),
    pipelines="Flux((Control)?(Img2Img|Inpaint)?|Fill|Kontext(Inpaint)?)Pipeline",
    noise=Noise(
        levels="flow-mu:0.5:1.15:256:4096",
        prediction="flow",
        schedulers=frozenset({FLOW_SCHEDULER}),
        read=of_flow_scheduler,
    ),
    tasks=frozenset(
        {
            *(Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.BLEND),
            *(Task.INPAINT, Task.OUTPAINT, Task.UPSCALE, Task.EDIT),
        }
    ),
    grid=16,  # two latent pixels of a side are one of its tokens
    latent_channels=16,
    purposes=_MADE_FOR,
    mask_channels=8 * 8,
    by_pipeline={
        "FluxFillPipeline": "flux1-fill",
        "FluxControl.*": "flux1-control",
        "FluxKontext.*": "flux1-kontext",
    },
    finer=_finer,
    alike={"flux1-dev": ("flux1-krea", "flux1-kontext")},
    edits_at=edited_at,
    seen_at=_seen_at,
)
# Distilled to few steps, from a model that is told no guidance: the same levels at every size.
SCHNELL = replace(
    FLUX1,
    name="flux1-schnell",
    family="flux1-schnell",
    parts=(
        replace(
            TRANSFORMER_PART,
            config="flux1-schnell/transformer",
            settings={
                **TRANSFORMER_PART.settings,
                "in_channels": (CHANNELS,),
                "guidance_embeds": (False, None),
            },
        ),
        VAE_PART,
        _CLIP_L,
        _T5,
    ),
    recognise=partial(_recognise, guided=False),
    recognise_folder=partial(_recognise_folder, guided=False),
    noise=replace(FLUX1.noise, levels="flow"),
    tasks=FLUX1.tasks - {Task.EDIT},
    purposes={},
    by_pipeline={},
    finer=lambda _shapes, _metadata: None,
    alike={},
    edits_at=None,
    seen_at=None,
)
