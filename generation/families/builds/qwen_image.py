"""The tensors of Qwen-Image's transformer, whose single files have the same names."""

from __future__ import annotations

import re
from collections.abc import Mapping

from generation.families import blueprint
from generation.families.blueprint import Config, Shapes, linear, whole

HEAD = 128  # the width of an attention head, in every checkpoint

# What its class takes where a config says nothing.
USUAL: Mapping[str, object] = {
    "attention_head_dim": HEAD,
    "axes_dims_rope": (16, 56, 56),
    "guidance_embeds": False,
    "in_channels": 64,
    "joint_attention_dim": 3584,
    "num_attention_heads": 24,
    "num_layers": 60,
    "out_channels": 16,
    "patch_size": 2,
    "use_additional_t_cond": False,
    "use_layer3d_rope": False,
    "zero_cond_t": False,
}
_TIME = 256  # the waves that a timestep becomes

# In files of Qwen-Image-Edit-2511: pictures that are looked at have the time of finished ones.
TIMELESS = "__index_timestep_zero__"
_BLOCK = re.compile(r"transformer_blocks\.(\d+)\.")


def tensors(config: Config) -> Shapes | None:
    """The tensors of a QwenImageTransformer2DModel; None: its build is not written down."""
    try:
        return _tensors({**USUAL, **config})
    except (blueprint.Unwritten, TypeError, ValueError):
        return None


def _tensors(config: Config) -> Shapes:
    if config["guidance_embeds"] or config["use_additional_t_cond"]:
        raise blueprint.Unwritten
    head = whole(config["attention_head_dim"])
    width, words = head * whole(config["num_attention_heads"]), config["joint_attention_dim"]
    read, patch = whole(config["in_channels"]), whole(config["patch_size"], 16)
    made = config["out_channels"] or read
    out: Shapes = {}
    linear(out, "time_text_embed.timestep_embedder.linear_1", width, _TIME)
    linear(out, "time_text_embed.timestep_embedder.linear_2", width, width)
    out["txt_norm.weight"] = (whole(words),)
    linear(out, "img_in", width, read)
    linear(out, "txt_in", width, whole(words))
    for number in range(whole(config["num_layers"], 4 * blueprint.MOST)):
        _block(out, f"transformer_blocks.{number}", width, head)
    linear(out, "norm_out.linear", 2 * width, width)
    linear(out, "proj_out", patch**2 * whole(made), width)
    return out


def _block(out: Shapes, name: str, width: int, head: int) -> None:
    for side in ("img", "txt"):
        linear(out, f"{name}.{side}_mod.1", 6 * width, width)
        linear(out, f"{name}.{side}_mlp.net.0.proj", 4 * width, width)
        linear(out, f"{name}.{side}_mlp.net.2", width, 4 * width)
    linears = ["to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj", "add_v_proj"]
    for what in (*linears, "to_add_out"):
        linear(out, f"{name}.attn.{what}", width, width)
    for what in ("norm_q", "norm_k", "norm_added_q", "norm_added_k"):
        out[f"{name}.attn.{what}.weight"] = (head,)


def told(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, object]:
    """What a file's tensors say of its transformer; nothing where they are not its."""
    blocks = {int(match[1]) for key in shapes if (match := _BLOCK.match(key))}
    try:
        width, read = shapes["img_in.weight"]
        (head,) = shapes["transformer_blocks.0.attn.norm_q.weight"]
        return {
            "attention_head_dim": head,
            "in_channels": read,
            "joint_attention_dim": shapes["txt_norm.weight"][0],
            "num_attention_heads": width // head,
            "num_layers": len(blocks),
            "out_channels": shapes["proj_out.weight"][0] // 4,
            "zero_cond_t": TIMELESS in shapes,
        }
    except (LookupError, ValueError, ZeroDivisionError):
        return {}
