"""The tensors of FLUX.2's transformer and VAE, from their configs, and what files call them.

    img_in txt_in time_in guidance_in       what comes in; only dev is told its guidance
    double_blocks.0.img_attn.qkv ...        a picture's tokens and the words', side by side
    single_blocks.0.linear1 ...             both as one sequence
    final_layer                             shift before scale, where the network has scale first

dev and klein are one build of several sizes, and a file's tensors say which.  Modulation is made
once for all blocks of a kind, by which the build is told from FLUX.1's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from generation.families import blueprint, ldm
from generation.families.architecture import Config, Lies, Shapes
from generation.families.laid import count_of, laid

DENOISER = "model.diffusion_model."
VAE = "vae."

# The network's names, and those of the files that its makers gave out.
_ENDS = {
    "x_embedder": "img_in",
    "context_embedder": "txt_in",
    "time_guidance_embed.timestep_embedder.linear_1": "time_in.in_layer",
    "time_guidance_embed.timestep_embedder.linear_2": "time_in.out_layer",
    "time_guidance_embed.guidance_embedder.linear_1": "guidance_in.in_layer",
    "time_guidance_embed.guidance_embedder.linear_2": "guidance_in.out_layer",
    "double_stream_modulation_img.linear": "double_stream_modulation_img.lin",
    "double_stream_modulation_txt.linear": "double_stream_modulation_txt.lin",
    "single_stream_modulation.linear": "single_stream_modulation.lin",
    "norm_out.linear": "final_layer.adaLN_modulation.1",
    "proj_out": "final_layer.linear",
}
_DOUBLE = {
    "attn.to_q": "img_attn.qkv",
    "attn.to_k": "img_attn.qkv",
    "attn.to_v": "img_attn.qkv",
    "attn.add_q_proj": "txt_attn.qkv",
    "attn.add_k_proj": "txt_attn.qkv",
    "attn.add_v_proj": "txt_attn.qkv",
    "attn.norm_q": "img_attn.norm.query_norm",
    "attn.norm_k": "img_attn.norm.key_norm",
    "attn.norm_added_q": "txt_attn.norm.query_norm",
    "attn.norm_added_k": "txt_attn.norm.key_norm",
    "attn.to_out.0": "img_attn.proj",
    "attn.to_add_out": "txt_attn.proj",
    "ff.linear_in": "img_mlp.0",
    "ff.linear_out": "img_mlp.2",
    "ff_context.linear_in": "txt_mlp.0",
    "ff_context.linear_out": "txt_mlp.2",
}
_SINGLE = {
    "attn.to_qkv_mlp_proj": "linear1",
    "attn.to_out": "linear2",
    "attn.norm_q": "norm.query_norm",
    "attn.norm_k": "norm.key_norm",
}
_BLOCKS = {
    "transformer_blocks": ("double_blocks", _DOUBLE),
    "single_transformer_blocks": ("single_blocks", _SINGLE),
}
_NTH = {
    **dict.fromkeys(("attn.to_q", "attn.add_q_proj"), 0),
    **dict.fromkeys(("attn.to_k", "attn.add_k_proj"), 1),
    **dict.fromkeys(("attn.to_v", "attn.add_v_proj"), 2),
}
_NORM = re.compile(r"(\.(?:query|key)_norm)\.weight$")

# What its class takes where a config says nothing.
USUAL: Config = {
    "attention_head_dim": 128,
    "axes_dims_rope": (32, 32, 32, 32),
    "eps": 1e-6,
    "guidance_embeds": True,
    "in_channels": 128,
    "joint_attention_dim": 15360,
    "mlp_ratio": 3.0,
    "num_attention_heads": 48,
    "num_layers": 8,
    "num_single_layers": 48,
    "out_channels": None,
    "patch_size": 1,
    "rope_theta": 2000,
    "timestep_guidance_channels": 256,
}


def lies(shapes: Shapes, _config: Config) -> Mapping[str, Sequence[Lies]]:
    """Where the transformer's tensors lie in a single file."""
    return {key: _places(key) for key in shapes}


layout = laid(lies)  # the transformer's tensors as a single file has them


def _places(key: str) -> Sequence[Lies]:
    inner, _, end = key.rpartition(".")
    if inner == "norm_out.linear":
        whole = f"{DENOISER}{_ENDS[inner]}.{end}"
        return Lies(key=whole, nth=1, of=2), Lies(key=whole, nth=0, of=2)
    if inner in _ENDS:
        return (Lies(key=f"{DENOISER}{_ENDS[inner]}.{end}"),)
    kind, number, name = inner.split(".", 2)
    blocks, names = _BLOCKS[kind]
    theirs = names[name]
    if theirs.endswith("_norm"):
        end = "scale"
    whole = f"{DENOISER}{blocks}.{number}.{theirs}.{end}"
    if name in _NTH:
        return (Lies(key=whole, nth=_NTH[name], of=3),)
    return (Lies(key=whole),)


def spelling(key: str) -> str:
    """The layout's name for a tensor that other files call otherwise."""
    return _NORM.sub(r"\1.scale", key) if key.startswith(DENOISER) else key


def told(shapes: Shapes) -> Config:
    """What a single file's tensors say of its transformer; nothing where they are not its."""
    mine = {
        spelling(k).removeprefix(DENOISER): s for k, s in shapes.items() if k.startswith(DENOISER)
    }
    try:
        width, channels = mine["img_in.weight"]
        (head,) = mine["double_blocks.0.img_attn.norm.query_norm.scale"]
        return {
            "attention_head_dim": head,
            "axes_dims_rope": (head // 4,) * 4,
            "guidance_embeds": "guidance_in.in_layer.weight" in mine,
            "in_channels": channels,
            "joint_attention_dim": mine["txt_in.weight"][1],
            "mlp_ratio": mine["double_blocks.0.img_mlp.2.weight"][1] / width,
            "num_attention_heads": width // head,
            "num_layers": count_of(mine, "double_blocks"),
            "num_single_layers": count_of(mine, "single_blocks"),
            "out_channels": mine["final_layer.linear.weight"][0],
            "timestep_guidance_channels": mine["time_in.in_layer.weight"][1],
        }
    except (LookupError, ValueError, ZeroDivisionError):
        return {}


def tensors(config: Config) -> dict[str, tuple[int, ...]] | None:
    """The tensors of a Flux2Transformer2DModel; None: its build is not written down."""
    try:
        return _tensors({**USUAL, **config})
    except (blueprint.Unwritten, TypeError, ValueError, OverflowError):
        return None


def _tensors(config: Config) -> dict[str, tuple[int, ...]]:
    head = blueprint.whole(config["attention_head_dim"])
    width = head * blueprint.whole(config["num_attention_heads"])
    channels = blueprint.whole(config["in_channels"])
    mlp = inner_width(config["mlp_ratio"], width)
    out: dict[str, tuple[int, ...]] = {}
    waves = blueprint.whole(config["timestep_guidance_channels"])
    told = ("timestep_embedder", "guidance_embedder")
    for what in told if config["guidance_embeds"] else told[:1]:
        _linear(out, f"time_guidance_embed.{what}.linear_1", width, waves)
        _linear(out, f"time_guidance_embed.{what}.linear_2", width, width)
    for what, sets in (("double_stream_modulation_img", 2), ("double_stream_modulation_txt", 2)):
        _linear(out, f"{what}.linear", 3 * sets * width, width)
    _linear(out, "single_stream_modulation.linear", 3 * width, width)
    _linear(out, "x_embedder", width, channels)
    _linear(out, "context_embedder", width, blueprint.whole(config["joint_attention_dim"]))
    for number in range(blueprint.whole(config["num_layers"], blueprint.MOST)):
        _double(out, f"transformer_blocks.{number}", width, head, mlp)
    for number in range(blueprint.whole(config["num_single_layers"], blueprint.MOST)):
        name = f"single_transformer_blocks.{number}.attn"
        _linear(out, f"{name}.to_qkv_mlp_proj", 3 * width + 2 * mlp, width)
        _linear(out, f"{name}.to_out", width, width + mlp)
        out[f"{name}.norm_q.weight"] = out[f"{name}.norm_k.weight"] = (head,)
    _linear(out, "norm_out.linear", 2 * width, width)
    made = blueprint.whole(config["out_channels"] or channels)
    _linear(out, "proj_out", blueprint.whole(config["patch_size"]) ** 2 * made, width)
    return out


def inner_width(ratio: object, width: int) -> int:
    """How wide a block's feed-forward layer is."""
    if not isinstance(ratio, int | float) or isinstance(ratio, bool):
        raise blueprint.Unwritten
    return blueprint.whole(int(width * ratio))


def _double(out: dict[str, tuple[int, ...]], name: str, width: int, head: int, mlp: int) -> None:
    for what in ("to_q", "to_k", "to_v", "to_out.0"):
        _linear(out, f"{name}.attn.{what}", width, width)
    for what in ("add_q_proj", "add_k_proj", "add_v_proj", "to_add_out"):
        _linear(out, f"{name}.attn.{what}", width, width)
    for what in ("norm_q", "norm_k", "norm_added_q", "norm_added_k"):
        out[f"{name}.attn.{what}.weight"] = (head,)
    for what in ("ff", "ff_context"):
        _linear(out, f"{name}.{what}.linear_in", 2 * mlp, width)
        _linear(out, f"{name}.{what}.linear_out", width, mlp)


def _linear(out: dict[str, tuple[int, ...]], name: str, rows: int, columns: int) -> None:
    blueprint.linear(out, name, rows, columns, bias=False)


# The VAE.

VAE_USUAL: Config = {
    "batch_norm_eps": 1e-4,
    "batch_norm_momentum": 0.1,
    "block_out_channels": (128, 256, 512, 512),
    "decoder_block_out_channels": None,
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "in_channels": 3,
    "latent_channels": 32,
    "layers_per_block": 2,
    "mid_block_add_attention": True,
    "out_channels": 3,
    "patch_size": (2, 2),
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "use_post_quant_conv": True,
    "use_quant_conv": True,
}
# Inside of the encoder and the decoder, where the network has them beside.
_QUANT = {"quant_conv.": "encoder.quant_conv.", "post_quant_conv.": "decoder.post_quant_conv."}
_LEVEL = re.compile(
    r"(encoder|decoder)\.(down|up|down_blocks|up_blocks)\.(\d+)\.(?:block|resnets)\.0\.conv1\.weight"
)


def vae(config: Config) -> dict[str, tuple[int, ...]] | None:
    """The tensors of an AutoencoderKLFlux2; None: its build is not written down."""
    config = {**VAE_USUAL, **config}
    found = blueprint.vae(config)
    channels = config["latent_channels"]
    if found is None or not isinstance(channels, int):
        return None
    statistics = (4 * channels,)  # of 2x2 latent pixels that are one
    return found | {"bn.running_mean": statistics, "bn.running_var": statistics}


def vae_layout(shapes: Shapes, config: Config) -> Shapes:
    """The VAE's tensors as a single file has them."""
    found: dict[str, tuple[int, ...]] = {}
    for key, shape in ldm.vae(shapes, config).items():
        bare = key.removeprefix(ldm.VAE)
        begin = next((begin for begin in _QUANT if bare.startswith(begin)), "")
        found[VAE + _QUANT.get(begin, "") + bare.removeprefix(begin)] = shape
    return found


def vae_told(shapes: Shapes) -> Config:
    """What a file's tensors say of its VAE, of which there is one with a small decoder."""
    widths: dict[str, dict[int, int]] = {"encoder": {}, "decoder": {}}
    for key, shape in shapes.items():
        if (match := _LEVEL.fullmatch(key.removeprefix(VAE))) and shape:
            side, upwards, number = match[1], match[2] == "up_blocks", int(match[3])
            widths[side][-number if upwards else number] = shape[0]
    down, up = (tuple(found[n] for n in sorted(found)) for found in widths.values())
    if not down or len(down) != len(up):
        return {}
    return {
        "block_out_channels": down,
        "decoder_block_out_channels": up if up != down else None,
        "down_block_types": ("DownEncoderBlock2D",) * len(down),
        "up_block_types": ("UpDecoderBlock2D",) * len(up),
    }
