"""The tensors of Shap-E's networks, and of the CLIP that looks at pictures for it.

    PriorTransformer   latents, a time and what is told, side by side, through blocks
    ShapERenderer      what makes layers of latents, the other layers, and a table of triangles
    CLIPVisionModel    a picture in patches

Invariant: every tensor that the class builds from the same config, and no other.
"""

from __future__ import annotations

from collections.abc import Sequence

from generation.families import blueprint
from generation.families.architecture import Config
from generation.families.blueprint import Unwritten, linear, whole

Tensors = dict[str, tuple[int, ...]]

# What its class takes where a config says nothing, and what is written down here.
USUAL_PRIOR: Config = {
    "num_attention_heads": 32,
    "attention_head_dim": 64,
    "num_layers": 20,
    "embedding_dim": 768,
    "num_embeddings": 77,
    "additional_embeddings": 4,
    "dropout": 0.0,
    "time_embed_act_fn": "silu",
    "norm_in_type": None,
    "embedding_proj_norm_type": None,
    "encoder_hid_proj_type": "linear",
    "added_emb_type": "prd",
    "time_embed_dim": None,
    "embedding_proj_dim": None,
    "clip_embed_dim": None,
}
USUAL_RENDERER: Config = {
    "param_names": tuple(f"nerstf.mlp.{layer}.weight" for layer in range(4)),
    "param_shapes": ((256, 93), (256, 256), (256, 256), (256, 256)),
    "d_latent": 1024,
    "d_hidden": 256,
    "n_output": 12,
    "n_hidden_layers": 6,
    "act_fn": "swish",
    "insert_direction_at": 4,
    "background": (255.0, 255.0, 255.0),
}
PLACED, DIRECTED = 3 + 3 * 2 * 15, 3 + 3 * 2 * 8  # numbers of a place and of a direction, in waves
TABLES = ("mesh_decoder.cases", "mesh_decoder.masks")  # whole numbers, and yes or no
_ODD = (Unwritten, LookupError, TypeError, ValueError)


def prior(config: Config) -> Tensors | None:
    """Those of a prior; None: a build that is not written down."""
    try:
        return _prior({**USUAL_PRIOR, **config})
    except _ODD:
        return None


def _prior(config: Config) -> Tensors:
    if config["encoder_hid_proj_type"] is not None or config["added_emb_type"] is not None:
        raise Unwritten
    width = whole(config["num_attention_heads"]) * whole(config["attention_head_dim"])
    depth, told = whole(config["embedding_dim"]), config["embedding_proj_dim"]
    told = depth if told is None else whole(told)
    time = width if config["time_embed_dim"] is None else whole(config["time_embed_dim"])
    out = depth if config["clip_embed_dim"] is None else whole(config["clip_embed_dim"])
    more = config["additional_embeddings"]
    places = whole(config["num_embeddings"]) + (whole(more) if more else 0)
    found: Tensors = {
        "positional_embedding": (1, places, width),
        "clip_mean": (1, out),
        "clip_std": (1, out),
    }
    linear(found, "time_embedding.linear_1", time, width)
    linear(found, "time_embedding.linear_2", width, time)
    linear(found, "proj_in", width, depth)
    linear(found, "embedding_proj", width, told)
    norms = {"norm_in": (config["norm_in_type"], width)}
    norms["embedding_proj_norm"] = (config["embedding_proj_norm_type"], told)
    for name, (kind, size) in norms.items():
        if kind not in (None, "layer"):
            raise Unwritten
        if kind is not None:
            _norm(found, name, size)
    for layer in range(whole(config["num_layers"], blueprint.MOST)):
        _block(found, f"transformer_blocks.{layer}", width)
    _norm(found, "norm_out", width)
    linear(found, "proj_to_clip_embeddings", out, width)
    return found


def _block(found: Tensors, name: str, width: int) -> None:
    for each in ("norm1", "norm3"):
        _norm(found, f"{name}.{each}", width)
    for each in ("to_q", "to_k", "to_v", "to_out.0"):
        linear(found, f"{name}.attn1.{each}", width, width)
    linear(found, f"{name}.ff.net.0.proj", 4 * width, width)
    linear(found, f"{name}.ff.net.2", width, 4 * width)


def _norm(found: Tensors, name: str, width: int) -> None:
    found[f"{name}.weight"] = found[f"{name}.bias"] = (width,)


def renderer(config: Config) -> Tensors | None:
    """Those of a renderer; None: a build that is not written down."""
    try:
        return _renderer({**USUAL_RENDERER, **config})
    except _ODD:
        return None


def _renderer(config: Config) -> Tensors:
    found: Tensors = {}
    names, shapes = config["param_names"], config["param_shapes"]
    if not isinstance(names, Sequence) or not isinstance(shapes, Sequence):
        raise Unwritten
    for name, (vectors, channels) in zip(names, shapes, strict=True):
        each = f"params_proj.projections.{str(name).replace('.', '__')}"
        linear(found, f"{each}.proj", whole(vectors) * whole(channels), whole(config["d_latent"]))
        _norm(found, f"{each}.norm", whole(channels))
    width, layers = whole(config["d_hidden"]), whole(config["n_hidden_layers"], blueprint.MOST)
    takes = [PLACED, *[width] * layers]
    if (at := config["insert_direction_at"]) is not None:
        takes[whole(at) if at else 0] += DIRECTED
    gives = [*[width] * layers, whole(config["n_output"])]
    for layer, (before, after) in enumerate(zip(takes, gives, strict=True)):
        linear(found, f"mlp.mlp.{layer}", after, before)
    background = config["background"]
    if not isinstance(background, Sequence):
        raise Unwritten
    found["void.background"] = (len(background),)
    found |= dict(zip(TABLES, ((256, 5, 3), (256, 5)), strict=True))
    return found


def vision(config: Config) -> Tensors | None:
    """Those of a CLIPVisionModel; None: a build that is not written down."""
    try:
        return _vision(config)
    except _ODD:
        return None


def _vision(config: Config) -> Tensors:
    width, inner = whole(config["hidden_size"]), whole(config["intermediate_size"])
    side, patch = whole(config["image_size"]), whole(config["patch_size"])
    found: Tensors = {
        "embeddings.class_embedding": (width,),
        "embeddings.patch_embedding.weight": (width, 3, patch, patch),
        "embeddings.position_embedding.weight": ((side // patch) ** 2 + 1, width),
    }
    for name in ("pre_layrnorm", "post_layernorm"):
        _norm(found, name, width)
    for layer in range(whole(config["num_hidden_layers"], blueprint.MOST)):
        name = f"encoder.layers.{layer}"
        for each in ("q_proj", "k_proj", "v_proj", "out_proj"):
            linear(found, f"{name}.self_attn.{each}", width, width)
        for each in ("layer_norm1", "layer_norm2"):
            _norm(found, f"{name}.{each}", width)
        linear(found, f"{name}.mlp.fc1", inner, width)
        linear(found, f"{name}.mlp.fc2", width, inner)
    return found
