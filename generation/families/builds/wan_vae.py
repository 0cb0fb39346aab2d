"""The tensors of Wan's VAEs, of films: that of 2.1, which Qwen-Image kept, and that of 2.2.

The second has twice the sides of a latent pixel, and its levels go around themselves; Qwen-Image
2.1's is the same without time.  Invariant: every tensor that the class builds from the same config.
"""

from __future__ import annotations

from collections.abc import Mapping

from generation.families.blueprint import Config, Shapes
from generation.families.builds import causal_vae, image_vae

# What its class takes where a config says nothing.
USUAL: Mapping[str, object] = {
    "attn_scales": (),
    "base_dim": 96,
    "decoder_base_dim": None,
    "dim_mult": (1, 2, 4, 4),
    "dropout": 0.0,
    "in_channels": 3,
    "is_residual": False,
    "num_res_blocks": 2,
    "out_channels": 3,
    "patch_size": None,
    "scale_factor_spatial": 8,
    "scale_factor_temporal": 4,
    "temperal_downsample": (False, True, True),
    "z_dim": 16,
}
# What looks at one frame at a time.
_FLAT = ("resample.1", "to_qkv", "proj")


def tensors(config: Config) -> Shapes | None:
    """The tensors of an AutoencoderKLWan; None: its build is not written down."""
    said = {**USUAL, **config}
    if not said["is_residual"]:
        if said["decoder_base_dim"] not in (None, said["base_dim"]):
            return None
        if said["in_channels"] != said["out_channels"]:
            return None
        return causal_vae.tensors({**said, "input_channels": said["in_channels"]})
    flat = image_vae.tensors({**said, "patch_size": None})
    if flat is None:
        return None
    return {key: _over_time(key, shape) for key, shape in flat.items()}


def _over_time(key: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """A kernel with its third side."""
    name = key.removesuffix(".weight")
    if len(shape) != 4 or name == key or name.endswith(_FLAT):
        return shape
    rows, columns, side, _ = shape
    if name.endswith("time_conv"):
        return rows, columns, 3, 1, 1
    return rows, columns, side, side, side


def layout(shapes: Mapping[str, tuple[int, ...]], config: Config) -> Shapes:
    """The same tensors as single files name them."""
    said = {**USUAL, **config}
    named = image_vae.layout if said["is_residual"] else causal_vae.layout
    return named(shapes, said)
