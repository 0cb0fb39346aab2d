"""The tensors of a ZImageTransformer2DModel.

    noise_refiner, context_refiner   the picture's tokens and the words', each among themselves
    layers                           both, one behind the other

Invariant: every tensor that the class builds from the same config, and no other.
"""

from __future__ import annotations

from generation.families import blueprint
from generation.families.architecture import Config

Tensors = dict[str, tuple[int, ...]]

# What its class takes where a config says nothing.
USUAL: Config = {
    "all_f_patch_size": [1],
    "all_patch_size": [2],
    "axes_dims": [32, 48, 48],
    "axes_lens": [1024, 512, 512],
    "cap_feat_dim": 2560,
    "dim": 3840,
    "in_channels": 16,
    "n_heads": 30,
    "n_kv_heads": 30,
    "n_layers": 30,
    "n_refiner_layers": 2,
    "norm_eps": 1e-5,
    "qk_norm": True,
    "rope_theta": 256.0,
    "t_scale": 1000.0,
}
PATCH = 2  # latent pixels of a token's side: the only build there is
_TIME, _TIME_INNER = 256, 1024  # the waves that a timestep becomes, and what reads them


def tensors(config: Config) -> Tensors | None:
    """All of them; None: a build that is not written down."""
    try:
        return _tensors({**USUAL, **config})
    except (blueprint.Unwritten, TypeError, ValueError):
        return None


def _tensors(config: Config) -> Tensors:
    width = blueprint.whole(config["dim"])
    head, left = divmod(width, blueprint.whole(config["n_heads"]))
    if left or config["qk_norm"] is not True:
        raise blueprint.Unwritten
    told = min(width, _TIME)  # how wide the time is that each block is told
    made = PATCH**2 * blueprint.whole(config["in_channels"])
    out: Tensors = {}
    blueprint.linear(out, "all_x_embedder.2-1", width, made)
    blueprint.linear(out, "all_final_layer.2-1.linear", made, width)
    blueprint.linear(out, "all_final_layer.2-1.adaLN_modulation.1", width, told)
    blueprint.linear(out, "t_embedder.mlp.0", _TIME_INNER, _TIME)
    blueprint.linear(out, "t_embedder.mlp.2", told, _TIME_INNER)
    words = blueprint.whole(config["cap_feat_dim"])
    out["cap_embedder.0.weight"] = (words,)
    blueprint.linear(out, "cap_embedder.1", width, words)
    out["x_pad_token"] = out["cap_pad_token"] = (1, width)
    refined = blueprint.whole(config["n_refiner_layers"], blueprint.MOST)
    layers = blueprint.whole(config["n_layers"], blueprint.MOST)
    for name, count in (
        *(("noise_refiner", refined), ("context_refiner", refined), ("layers", layers)),
    ):
        for number in range(count):
            timed = None if name == "context_refiner" else told
            _block(out, f"{name}.{number}", width, head, timed)
    return out


def _block(out: Tensors, name: str, width: int, head: int, told: int | None) -> None:
    """`told`: how wide the time is that it is told; None: nothing."""
    for what in ("to_q", "to_k", "to_v", "to_out.0"):
        blueprint.linear(out, f"{name}.attention.{what}", width, width, bias=False)
    for what in ("norm_q", "norm_k"):
        out[f"{name}.attention.{what}.weight"] = (head,)
    inner = int(width / 3 * 8)
    for what, rows, columns in (("w1", inner, width), ("w2", width, inner), ("w3", inner, width)):
        blueprint.linear(out, f"{name}.feed_forward.{what}", rows, columns, bias=False)
    for what in ("attention_norm1", "ffn_norm1", "attention_norm2", "ffn_norm2"):
        out[f"{name}.{what}.weight"] = (width,)
    if told is not None:
        blueprint.linear(out, f"{name}.adaLN_modulation.0", 4 * width, told)
