"""The tensors of a Lumina2Transformer2DModel, from its config.

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
    "axes_dim_rope": [32, 32, 32],
    "axes_lens": [300, 512, 512],
    "cap_feat_dim": 1024,
    "ffn_dim_multiplier": None,
    "hidden_size": 2304,
    "in_channels": 16,
    "multiple_of": 256,
    "norm_eps": 1e-5,
    "num_attention_heads": 24,
    "num_kv_heads": 8,
    "num_layers": 26,
    "num_refiner_layers": 2,
    "out_channels": None,
    "patch_size": 2,
    "sample_size": 128,
    "scaling_factor": 1.0,
}
PATCH = 2  # latent pixels of a token's side: the only build there is
_TIME, _TOLD = 256, 1024  # the waves that a timestep becomes, and how wide blocks are told it


def tensors(config: Config) -> Tensors | None:
    """All of them; None: a build that is not written down."""
    try:
        return _tensors({**USUAL, **config})
    except (blueprint.Unwritten, TypeError, ValueError):
        return None


def shared(config: Config) -> int:
    """How many heads of queries look at one of keys and values.  Raises Unwritten."""
    heads = blueprint.whole(config["num_attention_heads"])
    each, left = divmod(heads, blueprint.whole(config["num_kv_heads"]))
    if left:
        raise blueprint.Unwritten
    return each


def _tensors(config: Config) -> Tensors:
    width = blueprint.whole(config["hidden_size"])
    if width % blueprint.whole(config["num_attention_heads"]) or config["patch_size"] != PATCH:
        raise blueprint.Unwritten
    told, channels = min(width, _TOLD), blueprint.whole(config["in_channels"])
    out: Tensors = {}
    blueprint.linear(out, "x_embedder", width, PATCH**2 * channels)
    time, words = "time_caption_embed.timestep_embedder", "time_caption_embed.caption_embedder"
    blueprint.linear(out, f"{time}.linear_1", told, _TIME)
    blueprint.linear(out, f"{time}.linear_2", told, told)
    read = blueprint.whole(config["cap_feat_dim"])
    out[f"{words}.0.weight"] = (read,)
    blueprint.linear(out, f"{words}.1", width, read)
    refined = blueprint.whole(config["num_refiner_layers"], blueprint.MOST)
    layers = blueprint.whole(config["num_layers"], blueprint.MOST)
    for name, count in (
        *(("noise_refiner", refined), ("context_refiner", refined), ("layers", layers)),
    ):
        for number in range(count):
            _block(out, f"{name}.{number}", config, None if name == "context_refiner" else told)
    blueprint.linear(out, "norm_out.linear_1", width, told)
    made = blueprint.whole(config["out_channels"] or channels)
    blueprint.linear(out, "norm_out.linear_2", PATCH**2 * made, width)
    return out


def _block(out: Tensors, name: str, config: Config, told: int | None) -> None:
    """`told`: how wide the time is that it is told; None: nothing."""
    width, heads = config["hidden_size"], config["num_attention_heads"]
    assert isinstance(width, int)  # both were looked at
    assert isinstance(heads, int)
    few = width // shared(config)
    for what, rows in (("to_q", width), ("to_k", few), ("to_v", few), ("to_out.0", width)):
        blueprint.linear(out, f"{name}.attn.{what}", rows, width, bias=False)
    for what in ("norm_q", "norm_k"):
        out[f"{name}.attn.{what}.weight"] = (width // heads,)
    inner = _inner(width, config)
    for number, rows, columns in ((1, inner, width), (2, width, inner), (3, inner, width)):
        blueprint.linear(out, f"{name}.feed_forward.linear_{number}", rows, columns, bias=False)
    first = "norm1" if told is None else "norm1.norm"
    for what in (first, "ffn_norm1", "norm2", "ffn_norm2"):
        out[f"{name}.{what}.weight"] = (width,)
    if told is not None:
        blueprint.linear(out, f"{name}.norm1.linear", 4 * width, told)


def _inner(width: int, config: Config) -> int:
    """How wide a block's feed-forward layer is inside."""
    inner, wider = 4 * width, config["ffn_dim_multiplier"]
    if wider is not None:
        if not isinstance(wider, int | float) or not 0 < wider <= blueprint.MOST:
            raise blueprint.Unwritten
        inner = int(wider * inner)
    step = blueprint.whole(config["multiple_of"])
    return step * -(-inner // step)
