"""The tensors of a HiDreamImageTransformer2DModel, and its config by them.

    double_stream_blocks   picture and words beside each other; experts for the picture's tokens
    single_stream_blocks   both in one row
    caption_projection     one for each block's layer of Llama, and the last for T5's words

Invariant: every tensor that the class builds from the same config, and no other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from generation.families import blueprint
from generation.families.architecture import Config, Shapes

Tensors = dict[str, tuple[int, ...]]

# What its class takes where a config says nothing.
USUAL: Config = {
    "attention_head_dim": 128,
    "axes_dims_rope": [32, 32],
    "caption_channels": None,
    "force_inference_output": False,
    "in_channels": 64,
    "llama_layers": None,
    "max_resolution": [128, 128],
    "num_activated_experts": 2,
    "num_attention_heads": 20,
    "num_layers": 16,
    "num_routed_experts": 4,
    "num_single_layers": 32,
    "out_channels": None,
    "patch_size": None,
    "text_emb_dim": 2048,
}
HEAD, PATCH = 128, 2  # of all that is published
_TIME = 256  # the waves that a timestep becomes
_MULTIPLE = 256  # that a layer between is a multiple of


def tensors(config: Config) -> Tensors | None:
    """All of them; None: a build that is not written down."""
    try:
        return _tensors({**USUAL, **config})
    except (blueprint.Unwritten, LookupError, TypeError, ValueError):
        return None


def _tensors(config: Config) -> Tensors:
    width = blueprint.whole(config["attention_head_dim"])
    width *= blueprint.whole(config["num_attention_heads"])
    channels, captions = blueprint.whole(config["in_channels"]), config["caption_channels"]
    if config["patch_size"] != PATCH or not isinstance(captions, Sequence):
        raise blueprint.Unwritten
    out: Tensors = {}
    for name, read in (
        ("t_embedder.timestep_embedder", _TIME),
        ("p_embedder.pooled_embedder", blueprint.whole(config["text_emb_dim"])),
    ):
        blueprint.linear(out, f"{name}.linear_1", width, read)
        blueprint.linear(out, f"{name}.linear_2", width, width)
    blueprint.linear(out, "x_embedder.proj", width, channels * PATCH**2)
    experts = blueprint.whole(config["num_routed_experts"], blueprint.MOST)
    counts = {
        "double": blueprint.whole(config["num_layers"], blueprint.MOST),
        "single": blueprint.whole(config["num_single_layers"], blueprint.MOST),
    }
    for kind, count in counts.items():
        for number in range(count):
            name = f"{kind}_stream_blocks.{number}.block"
            _block(out, name, width, experts, double=kind == "double")
    made = blueprint.whole(config["out_channels"] or channels) * PATCH**2
    blueprint.linear(out, "final_layer.linear", made, width)
    blueprint.linear(out, "final_layer.adaLN_modulation.1", 2 * width, width)
    t5, llama = blueprint.whole(captions[0]), blueprint.whole(captions[1])
    for number, read in enumerate([llama] * sum(counts.values()) + [t5]):
        blueprint.linear(out, f"caption_projection.{number}.linear", width, read, bias=False)
    return out


def _block(out: Tensors, name: str, width: int, experts: int, *, double: bool) -> None:
    blueprint.linear(out, f"{name}.adaLN_modulation.1", (12 if double else 6) * width, width)
    for end in ("", "_t") if double else ("",):
        for what in ("to_q", "to_k", "to_v", "to_out"):
            blueprint.linear(out, f"{name}.attn1.{what}{end}", width, width)
        for what in ("q_rms_norm", "k_rms_norm"):
            out[f"{name}.attn1.{what}{end}.weight"] = (width,)
    _between(out, f"{name}.ff_i.shared_experts", width, 2 * width)
    for number in range(experts):
        _between(out, f"{name}.ff_i.experts.{number}", width, 4 * width)
    out[f"{name}.ff_i.gate.weight"] = (experts, width)
    if double:
        _between(out, f"{name}.ff_t", width, 4 * width)


def _between(out: Tensors, name: str, width: int, asked: int) -> None:
    inner = -(-int(2 * asked / 3) // _MULTIPLE) * _MULTIPLE
    for what, rows, columns in (("w1", inner, width), ("w2", width, inner), ("w3", inner, width)):
        blueprint.linear(out, f"{name}.{what}", rows, columns, bias=False)


_BLOCK = re.compile(r"(double|single)_stream_blocks\.(\d+)\.")
_EXPERT = re.compile(r"double_stream_blocks\.0\.block\.ff_i\.experts\.(\d+)\.w1\.")


def told(shapes: Shapes) -> Config:
    """What tensors of these names say of the config; nothing where they are not such ones."""
    blocks = {match.groups() for key in shapes if (match := _BLOCK.match(key))}
    count = {kind: sum(one == kind for one, _ in blocks) for kind in ("double", "single")}
    try:
        width, pixels = shapes["x_embedder.proj.weight"]
        t5 = shapes[f"caption_projection.{len(blocks)}.linear.weight"][1]
        return {
            "caption_channels": (t5, shapes["caption_projection.0.linear.weight"][1]),
            "in_channels": pixels // PATCH**2,
            "num_attention_heads": width // HEAD,
            "num_layers": count["double"],
            "num_routed_experts": len({m[1] for key in shapes if (m := _EXPERT.match(key))}),
            "num_single_layers": count["single"],
            "out_channels": shapes["final_layer.linear.weight"][0] // PATCH**2,
            "text_emb_dim": shapes["p_embedder.pooled_embedder.linear_1.weight"][1],
        }
    except (LookupError, ValueError):
        return {}
