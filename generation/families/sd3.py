"""Stable Diffusion 3 and 3.5: their parts, and how their files are told.

    model.diffusion_model.joint_blocks...   the transformer (MMDiT), of any size
    first_stage_model.                      the VAE, of 16 channels
    text_encoders.clip_l. clip_g. t5xxl.    the text encoders; T5 may be left out

A file's tensors say how large its transformer is: 3 medium, 3.5 medium (two attentions in its first
blocks) and 3.5 large are the same build.  One head is 64 wide in all of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import isqrt

from generation.families import blueprint, encoder_files, ldm
from generation.families.architecture import (
    Architecture,
    Config,
    Lies,
    Network,
    Noise,
    Part,
    Shapes,
    Stage,
)
from generation.families.encoder_files import CLIP_G, CLIP_L, T5XXL
from generation.families.laid import under
from generation.families.networks import (
    AUTOENCODER,
    PROJECTED_CLIP,
    T5,
    clip_tokenizer,
    t5_tokenizer,
)
from generation.families.trained import FLOW_SCHEDULER, of_flow_scheduler
from generation.tasks import Task

HEAD = 64  # the width of an attention head

_DENOISER = "model.diffusion_model."

# diffusers' names, and those of the single files.
_ENDS = {
    "pos_embed.pos_embed": "pos_embed",
    "pos_embed.proj": "x_embedder.proj",
    "time_text_embed.timestep_embedder.linear_1": "t_embedder.mlp.0",
    "time_text_embed.timestep_embedder.linear_2": "t_embedder.mlp.2",
    "time_text_embed.text_embedder.linear_1": "y_embedder.mlp.0",
    "time_text_embed.text_embedder.linear_2": "y_embedder.mlp.2",
    "context_embedder": "context_embedder",
    "norm_out.linear": "final_layer.adaLN_modulation.1",
    "proj_out": "final_layer.linear",
}
_BLOCK = {
    "norm1.linear": "x_block.adaLN_modulation.1",
    "norm1_context.linear": "context_block.adaLN_modulation.1",
    "attn.to_q": "x_block.attn.qkv",
    "attn.add_q_proj": "context_block.attn.qkv",
    "attn.norm_q": "x_block.attn.ln_q",
    "attn.norm_k": "x_block.attn.ln_k",
    "attn.norm_added_q": "context_block.attn.ln_q",
    "attn.norm_added_k": "context_block.attn.ln_k",
    "attn.to_out.0": "x_block.attn.proj",
    "attn.to_add_out": "context_block.attn.proj",
    "attn2.to_q": "x_block.attn2.qkv",
    "attn2.norm_q": "x_block.attn2.ln_q",
    "attn2.norm_k": "x_block.attn2.ln_k",
    "attn2.to_out.0": "x_block.attn2.proj",
    "ff.net.0.proj": "x_block.mlp.fc1",
    "ff.net.2": "x_block.mlp.fc2",
    "ff_context.net.0.proj": "context_block.mlp.fc1",
    "ff_context.net.2": "context_block.mlp.fc2",
}
# Those that lie in one tensor with the queries.
_WITH_QUERIES = re.compile(r"\.(to_[kv]|add_[kv]_proj)\.(weight|bias)$")
_BLOCKS = re.compile(r"joint_blocks\.(\d+)\.")


def layout(shapes: Shapes, _config: Config) -> Shapes:
    """The transformer's tensors as a single file has them."""
    found: dict[str, tuple[int, ...]] = {}
    for key, shape in shapes.items():
        if _WITH_QUERIES.search(key):
            continue
        inner, _, end = key.rpartition(".")
        if key in _ENDS:
            found[_DENOISER + _ENDS[key]] = shape
        else:
            three = inner.endswith((".to_q", ".add_q_proj"))
            whole = (3 * shape[0], *shape[1:]) if three else shape
            found[_whole_key(inner, end)] = whole
    return found


def lies(shapes: Shapes, config: Config) -> Mapping[str, Sequence[Lies]]:
    """Where the transformer's tensors lie in a single file."""
    layers = {**_USUAL, **config}["num_layers"]
    assert isinstance(layers, int)  # the shapes were made of it
    last = f"transformer_blocks.{layers - 1}"
    return {key: _places(key, last) for key in shapes}


def _places(key: str, last: str) -> Sequence[Lies]:
    inner, _, end = key.rpartition(".")
    if key in _ENDS:
        return (Lies(key=_DENOISER + _ENDS[key]),)
    if inner in (_LAST_NORM, f"{last}.norm1_context.linear"):
        whole = _whole_key(inner, end)  # shift and scale, which the network has in another order
        return Lies(key=whole, nth=1, of=2), Lies(key=whole, nth=0, of=2)
    for names in _THREES:
        for nth, name in enumerate(names):
            if inner.endswith(name):
                first = inner.removesuffix(name) + names[0]
                return (Lies(key=_whole_key(first, end), nth=nth, of=3),)
    return (Lies(key=_whole_key(inner, end)),)


def _whole_key(inner: str, end: str) -> str:
    """The single file's name for a layer's weight or bias."""
    if inner in _ENDS:
        return f"{_DENOISER}{_ENDS[inner]}.{end}"
    _, number, name = inner.split(".", 2)
    return f"{_DENOISER}joint_blocks.{number}.{_BLOCK[name]}.{end}"


_LAST_NORM = "norm_out.linear"
# Queries, keys and values that lie in one tensor.
_THREES = (
    (".to_q", ".to_k", ".to_v"),
    (".add_q_proj", ".add_k_proj", ".add_v_proj"),
)


def told(shapes: Shapes) -> Config:
    """What a single file's tensors say of its transformer; nothing where they are not its."""
    mine = under(_DENOISER, shapes)
    blocks = sorted({int(match[1]) for key in mine if (match := _BLOCKS.match(key))})
    two = (b for b in blocks if f"joint_blocks.{b}.x_block.attn2.qkv.weight" in mine)
    normed = "joint_blocks.0.x_block.attn.ln_q.weight" in mine
    try:
        width, channels, patch, _ = mine["x_embedder.proj.weight"]
        return {
            "attention_head_dim": HEAD,
            "caption_projection_dim": mine["context_embedder.weight"][0],
            "dual_attention_layers": tuple(two),
            "in_channels": channels,
            "joint_attention_dim": mine["context_embedder.weight"][1],
            "num_attention_heads": width // HEAD,
            "num_layers": len(blocks),
            "out_channels": mine["final_layer.linear.weight"][0] // patch**2,
            "patch_size": patch,
            "pooled_projection_dim": mine["y_embedder.mlp.0.weight"][1],
            "pos_embed_max_size": isqrt(mine["pos_embed"][1]),
            "qk_norm": "rms_norm" if normed else None,
        }
    except (LookupError, ValueError, ZeroDivisionError):
        return {}


def tensors(config: Config) -> dict[str, tuple[int, ...]] | None:
    """The tensors of a SD3Transformer2DModel; None: its build is not written down."""
    try:
        return _tensors({**_USUAL, **config})
    except (blueprint.Unwritten, TypeError, ValueError):
        return None


# What its class takes where a config says nothing.
_USUAL: Config = {
    "attention_head_dim": 64,
    "caption_projection_dim": 1152,
    "dual_attention_layers": (),
    "in_channels": 16,
    "joint_attention_dim": 4096,
    "num_attention_heads": 18,
    "num_layers": 18,
    "out_channels": 16,
    "patch_size": 2,
    "pooled_projection_dim": 2048,
    "pos_embed_max_size": 96,
    "qk_norm": None,
    "sample_size": 128,
}
_TIME = 256  # the waves that a timestep becomes


def _tensors(config: Config) -> dict[str, tuple[int, ...]]:
    head = blueprint.whole(config["attention_head_dim"])
    width = head * blueprint.whole(config["num_attention_heads"])
    patch, layers = blueprint.whole(config["patch_size"]), config["num_layers"]
    out: dict[str, tuple[int, ...]] = {}
    places = blueprint.whole(config["pos_embed_max_size"]) ** 2
    out["pos_embed.pos_embed"] = (1, places, width)
    out["pos_embed.proj.weight"] = (width, blueprint.whole(config["in_channels"]), patch, patch)
    out["pos_embed.proj.bias"] = (width,)
    pooled = blueprint.whole(config["pooled_projection_dim"])
    for what, read in (("timestep_embedder", _TIME), ("text_embedder", pooled)):
        blueprint.linear(out, f"time_text_embed.{what}.linear_1", width, read)
        blueprint.linear(out, f"time_text_embed.{what}.linear_2", width, width)
    words = blueprint.whole(config["joint_attention_dim"])
    blueprint.linear(out, "context_embedder", _caption(config, width), words)
    count = blueprint.whole(layers, blueprint.MOST)
    for number in range(count):
        _block(out, number, config, width, head, last=number == count - 1)
    blueprint.linear(out, "norm_out.linear", 2 * width, width)
    made = patch**2 * blueprint.whole(config["out_channels"])
    blueprint.linear(out, "proj_out", made, width)
    return out


def _caption(config: Config, width: int) -> int:
    """Words and picture are attended to together, so they are equally wide."""
    if config["caption_projection_dim"] != width:
        raise blueprint.Unwritten
    return width


def _block(
    out: dict[str, tuple[int, ...]],
    number: int,
    config: Config,
    width: int,
    head: int,
    *,
    last: bool,
) -> None:
    name, dual = f"transformer_blocks.{number}", config["dual_attention_layers"]
    if not isinstance(dual, Sequence) or config["qk_norm"] not in (None, "rms_norm"):
        raise blueprint.Unwritten
    normed, two = config["qk_norm"] is not None, number in dual
    blueprint.linear(out, f"{name}.norm1.linear", (9 if two else 6) * width, width)
    blueprint.linear(out, f"{name}.norm1_context.linear", (2 if last else 6) * width, width)
    linears = ["attn.to_q", "attn.to_k", "attn.to_v", "attn.to_out.0"]
    linears += ["attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"]
    norms = ["attn.norm_q", "attn.norm_k", "attn.norm_added_q", "attn.norm_added_k"]
    if two:
        linears += ["attn2.to_q", "attn2.to_k", "attn2.to_v", "attn2.to_out.0"]
        norms += ["attn2.norm_q", "attn2.norm_k"]
    if not last:  # the words end before the last block
        linears.append("attn.to_add_out")
    for what in linears:
        blueprint.linear(out, f"{name}.{what}", width, width)
    for what in norms if normed else ():
        out[f"{name}.{what}.weight"] = (head,)
    for what in ("ff",) if last else ("ff", "ff_context"):
        blueprint.linear(out, f"{name}.{what}.net.0.proj", 4 * width, width)
        blueprint.linear(out, f"{name}.{what}.net.2", width, 4 * width)


TRANSFORMER = Network(
    module="diffusers.models.transformers.transformer_sd3",
    name="SD3Transformer2DModel",
    weights="diffusion_pytorch_model",
    tensors=tensors,
    settings=frozenset(_USUAL),
)


def _recognise(shapes: Shapes) -> bool:
    return f"{_DENOISER}joint_blocks.0.x_block.attn.qkv.weight" in shapes


def _recognise_folder(config: Config) -> bool:
    return config.get("_class_name") == TRANSFORMER.name


SD3 = Architecture(
    name="sd3",
    family="sd3",
    parts=(
        Part(
            name="transformer",
            title="transformer",
            network=TRANSFORMER,
            stage=Stage.DENOISE,
            config="sd3/transformer",
            told=told,
            prefix=_DENOISER,
            layout=layout,
            lies=lies,
            fullest={"dual_attention_layers": (0, 1)},
            settings={"in_channels": (16, None), "out_channels": (16, None)},
        ),
        Part(
            name="vae",
            title="VAE",
            network=AUTOENCODER,
            stage=Stage.DECODE,
            config="sd3/vae",
            prefix=ldm.VAE,
            layout=ldm.vae,
            settings={"latent_channels": (16,)},
            file="sd3_vae.safetensors",
        ),
        Part(
            name="text_encoder",
            title="first text encoder (CLIP-L)",
            network=PROJECTED_CLIP,
            stage=Stage.ENCODE,
            config="sd3/text_encoder",
            prefix=CLIP_L,
            layout=encoder_files.clip(CLIP_L, projected=False),
            lies=encoder_files.unprojected(CLIP_L),
            spare=encoder_files.beside(CLIP_L, *PROJECTED_CLIP.harmless),
            tokenizer=clip_tokenizer("tokenizer", padding="<|endoftext|>"),
            file="clip_l.safetensors",
        ),
        Part(
            name="text_encoder_2",
            title="second text encoder (CLIP-G)",
            network=PROJECTED_CLIP,
            stage=Stage.ENCODE,
            config="sd3/text_encoder_2",
            prefix=CLIP_G,
            layout=encoder_files.clip(CLIP_G, projected=True),
            tokenizer=clip_tokenizer("tokenizer_2", padding="!"),
            file="clip_g.safetensors",
        ),
        Part(
            name="text_encoder_3",
            title="third text encoder (T5-XXL)",
            network=T5,
            stage=Stage.ENCODE,
            config="sd3/text_encoder_3",
            prefix=T5XXL,
            layout=encoder_files.t5(T5XXL),
            spare=encoder_files.beside(T5XXL, *T5.harmless),
            tokenizer=t5_tokenizer("tokenizer_3"),
            file="t5xxl_fp16.safetensors",
            optional=True,
        ),
    ),
    recognise=_recognise,
    recognise_folder=_recognise_folder,
    pipelines="StableDiffusion3(PAG)?(Img2Img|Inpaint)?Pipeline",
    noise=Noise(
        levels="flow:3.0",
        prediction="flow",
        schedulers=frozenset({FLOW_SCHEDULER}),
        read=of_flow_scheduler,
    ),
    tasks=frozenset(
        {
            *(Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.BLEND),
            *(Task.INPAINT, Task.OUTPAINT, Task.UPSCALE),
        }
    ),
    grid=16,  # two latent pixels of a side are one of its tokens
    latent_channels=16,
)
