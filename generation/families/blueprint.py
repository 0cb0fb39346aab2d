"""Which tensors a part must have, and of which shapes: from its config, without building it.

    UNet, VAE, CLIP as diffusers and transformers name them; `generation.families.ldm` has the same
    in the names of single files

Invariant: `generation.worker` builds from the same config a module with exactly these parameters
(a test compares them); a config of a build that is not written down here has no blueprint (None).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Shape = tuple[int, ...]
Shapes = dict[str, Shape]
Config = Mapping[str, object]


# Blocks, layers of one, and layers of theirs.  Real ones have 4, 3 and 10; beyond, a config would
# make work without end.
MOST = 64


class Unwritten(Exception):
    """A config of a build that is not written down."""


def unet(config: Config) -> Shapes | None:
    """The tensors of a UNet2DConditionModel."""
    try:
        return _Unet(config).shapes()
    except (Unwritten, IndexError, TypeError, ValueError):
        return None


def vae(config: Config) -> Shapes | None:
    """The tensors of an AutoencoderKL."""
    try:
        return _vae(config)
    except (Unwritten, IndexError, TypeError, ValueError):
        return None


def t5(config: Config) -> Shapes | None:
    """The tensors of a T5EncoderModel, or of a UMT5EncoderModel, as its model_type says."""
    try:
        return _t5(config)
    except (Unwritten, TypeError, ValueError):
        return None


def clip(config: Config) -> Shapes | None:
    """The tensors of a CLIPTextModel, or of one with a projection, as its config says."""
    try:
        return _clip(config)
    except (Unwritten, TypeError, ValueError):
        return None


# Small pieces.


def whole(value: object, most: int = 2**20) -> int:
    """A positive whole number.  Raises Unwritten."""
    if type(value) is not int or not 0 < value <= most:
        raise Unwritten
    return value


def wholes(value: object, count: int, most: int = 2**20) -> list[int]:
    """One number for each of `count` blocks, or the same for all."""
    found = list(value) if isinstance(value, Sequence) else [value] * count
    if len(found) != count or count > MOST:
        raise Unwritten
    return [whole(number, most) for number in found]


def linear(out: Shapes, name: str, rows: int, columns: int, *, bias: bool = True) -> None:
    """The tensors of a linear layer."""
    out[f"{name}.weight"] = (rows, columns)
    if bias:
        out[f"{name}.bias"] = (rows,)


def conv(out: Shapes, name: str, rows: int, columns: int, side: int = 3) -> None:
    """The tensors of a convolution."""
    out[f"{name}.weight"] = (rows, columns, side, side)
    out[f"{name}.bias"] = (rows,)


def norm(out: Shapes, name: str, width: int) -> None:
    out[f"{name}.weight"] = out[f"{name}.bias"] = (width,)


def _resnet(out: Shapes, name: str, before: int, after: int, time: int | None) -> None:
    norm(out, f"{name}.norm1", before)
    conv(out, f"{name}.conv1", after, before)
    if time is not None:
        linear(out, f"{name}.time_emb_proj", after, time)
    norm(out, f"{name}.norm2", after)
    conv(out, f"{name}.conv2", after, after)
    if before != after:
        conv(out, f"{name}.conv_shortcut", after, before, 1)


# The UNet.

# Settings that would bring tensors (or a meaning of them) that are not written down here.
_UNET_PLAIN: dict[str, tuple[object, ...]] = {
    "act_fn": ("silu", "swish"),
    "attention_type": ("default", None),
    "class_embed_type": (None,),
    "class_embeddings_concat": (False, None),
    "conv_in_kernel": (3, None),
    "conv_out_kernel": (3, None),
    "cross_attention_norm": (None,),
    "dual_cross_attention": (False, None),
    "encoder_hid_dim": (None,),
    "encoder_hid_dim_type": (None,),
    "mid_block_only_cross_attention": (None, False),
    "num_class_embeds": (None,),
    "only_cross_attention": (False, None),
    "resnet_time_scale_shift": ("default", None),
    "time_embedding_act_fn": (None,),
    "time_embedding_dim": (None,),
    "time_embedding_type": ("positional", None),
    "timestep_post_act": (None,),
}


class _Unet:
    def __init__(self, config: Config) -> None:
        for key, plain in _UNET_PLAIN.items():
            if key in config and not any(config[key] == fine for fine in plain):
                raise Unwritten
        self.out: Shapes = {}
        self.down = _names(config["down_block_types"])
        self.up = _names(config["up_block_types"])
        blocks = len(self.down)
        self.widths = wholes(config["block_out_channels"], blocks)
        self.layers = wholes(config.get("layers_per_block", 2), blocks, 8)
        self.words = whole(config.get("cross_attention_dim", 1280))
        self.linear = bool(config.get("use_linear_projection", False))
        self.mid = config.get("mid_block_type", "UNetMidBlock2DCrossAttn")
        self.depths = _depths(config.get("transformer_layers_per_block", 1), self.layers)
        self.depths_up = _depths_up(config, self.depths, self.layers)
        self.time = 4 * self.widths[0]
        self.config = config

    def shapes(self) -> Shapes:
        out, widths = self.out, self.widths
        conv(out, "conv_in", widths[0], whole(self.config.get("in_channels", 4)))
        linear(out, "time_embedding.linear_1", self.time, widths[0])
        linear(out, "time_embedding.linear_2", self.time, self.time)
        if (guidance := self.config.get("time_cond_proj_dim")) is not None:
            linear(out, "time_embedding.cond_proj", widths[0], whole(guidance), bias=False)
        match self.config.get("addition_embed_type"):
            case None:
                pass
            case "text_time":
                given = whole(self.config["projection_class_embeddings_input_dim"])
                linear(out, "add_embedding.linear_1", self.time, given)
                linear(out, "add_embedding.linear_2", self.time, self.time)
            case _:
                raise Unwritten
        skips = self._down_blocks()
        self._mid_block()
        self._up_blocks(skips)
        norm(out, "conv_norm_out", widths[0])
        conv(out, "conv_out", whole(self.config.get("out_channels", 4)), widths[0])
        return out

    def _down_blocks(self) -> list[int]:
        """Returns the widths that the way up gets from the way down."""
        skips, before = [self.widths[0]], self.widths[0]
        for block, kind in enumerate(self.down):
            name, width = f"down_blocks.{block}", self.widths[block]
            for layer in range(self.layers[block]):
                _resnet(self.out, f"{name}.resnets.{layer}", before, width, self.time)
                if kind == "CrossAttnDownBlock2D":
                    self._attention(f"{name}.attentions.{layer}", width, self.depths[block][layer])
                elif kind != "DownBlock2D":
                    raise Unwritten
                before = width
                skips.append(width)
            if block < len(self.down) - 1:
                conv(self.out, f"{name}.downsamplers.0.conv", width, width)
                skips.append(width)
        return skips

    def _mid_block(self) -> None:
        width = self.widths[-1]
        if self.mid is None:
            return
        _resnet(self.out, "mid_block.resnets.0", width, width, self.time)
        if self.mid == "UNetMidBlock2DCrossAttn":
            self._attention("mid_block.attentions.0", width, self.depths[-1][-1])
            _resnet(self.out, "mid_block.resnets.1", width, width, self.time)
        elif self.mid != "UNetMidBlock2D":
            raise Unwritten

    def _up_blocks(self, skips: list[int]) -> None:
        before = self.widths[-1]
        for block, kind in enumerate(self.up):
            name, width = f"up_blocks.{block}", self.widths[-1 - block]
            for layer in range(self.layers[-1 - block] + 1):
                _resnet(self.out, f"{name}.resnets.{layer}", before + skips.pop(), width, self.time)
                if kind == "CrossAttnUpBlock2D":
                    depth = self.depths_up[block][layer]
                    self._attention(f"{name}.attentions.{layer}", width, depth)
                elif kind != "UpBlock2D":
                    raise Unwritten
                before = width
            if block < len(self.up) - 1:
                conv(self.out, f"{name}.upsamplers.0.conv", width, width)

    def _attention(self, name: str, width: int, depth: int) -> None:
        out = self.out
        norm(out, f"{name}.norm", width)
        for side in ("proj_in", "proj_out"):
            if self.linear:
                linear(out, f"{name}.{side}", width, width)
            else:
                conv(out, f"{name}.{side}", width, width, 1)
        for layer in range(depth):
            inner = f"{name}.transformer_blocks.{layer}"
            for number in (1, 2, 3):
                norm(out, f"{inner}.norm{number}", width)
            for attention, read in (("attn1", width), ("attn2", self.words)):
                linear(out, f"{inner}.{attention}.to_q", width, width, bias=False)
                linear(out, f"{inner}.{attention}.to_k", width, read, bias=False)
                linear(out, f"{inner}.{attention}.to_v", width, read, bias=False)
                linear(out, f"{inner}.{attention}.to_out.0", width, width)
            linear(out, f"{inner}.ff.net.0.proj", 8 * width, width)
            linear(out, f"{inner}.ff.net.2", width, 4 * width)


def _names(value: object) -> list[str]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise Unwritten
    return [str(name) for name in value]


def _depths(value: object, layers: list[int]) -> list[list[int]]:
    """How many transformer layers each attention of each block has."""
    found = list(value) if isinstance(value, Sequence) else [value] * len(layers)
    if len(found) != len(layers):
        raise Unwritten
    return [wholes(depth, count, MOST) for depth, count in zip(found, layers, strict=True)]


def _depths_up(config: Config, down: list[list[int]], layers: list[int]) -> list[list[int]]:
    given = config.get("reverse_transformer_layers_per_block")
    counts = [count + 1 for count in reversed(layers)]
    if given is not None:
        return _depths(given, counts)
    if any(len(set(depths)) > 1 for depths in down):
        raise Unwritten
    return [[depths[0]] * n for depths, n in zip(reversed(down), counts, strict=True)]


# The VAE.


def _vae(config: Config) -> Shapes:
    out: Shapes = {}
    kinds = (_names(config["down_block_types"]), _names(config["up_block_types"]))
    if {"DownEncoderBlock2D"} != set(kinds[0]) or {"UpDecoderBlock2D"} != set(kinds[1]):
        raise Unwritten
    widths = wholes(config["block_out_channels"], len(kinds[0]))
    # Some decoders are smaller than their encoders.
    up = wholes(config.get("decoder_block_out_channels") or widths, len(kinds[1]))
    layers = whole(config.get("layers_per_block", 1), MOST)
    latent = whole(config.get("latent_channels", 4))
    attention = config.get("mid_block_add_attention", True) is not False
    conv(out, "encoder.conv_in", widths[0], whole(config.get("in_channels", 3)))
    before = widths[0]
    for block, width in enumerate(widths):
        name = f"encoder.down_blocks.{block}"
        for layer in range(layers):
            _resnet(out, f"{name}.resnets.{layer}", before, width, None)
            before = width
        if block < len(widths) - 1:
            conv(out, f"{name}.downsamplers.0.conv", width, width)
    _vae_middle(out, "encoder", widths[-1], attention)
    norm(out, "encoder.conv_norm_out", widths[-1])
    conv(out, "encoder.conv_out", 2 * latent, widths[-1])
    if config.get("use_quant_conv", True):
        conv(out, "quant_conv", 2 * latent, 2 * latent, 1)
    if config.get("use_post_quant_conv", True):
        conv(out, "post_quant_conv", latent, latent, 1)
    conv(out, "decoder.conv_in", up[-1], latent)
    _vae_middle(out, "decoder", up[-1], attention)
    before = up[-1]
    for block, width in enumerate(reversed(up)):
        name = f"decoder.up_blocks.{block}"
        for layer in range(layers + 1):
            _resnet(out, f"{name}.resnets.{layer}", before, width, None)
            before = width
        if block < len(up) - 1:
            conv(out, f"{name}.upsamplers.0.conv", width, width)
    norm(out, "decoder.conv_norm_out", up[0])
    conv(out, "decoder.conv_out", whole(config.get("out_channels", 3)), up[0])
    return out


def _vae_middle(out: Shapes, side: str, width: int, attention: bool) -> None:
    for number in (0, 1):
        _resnet(out, f"{side}.mid_block.resnets.{number}", width, width, None)
    if attention:
        name = f"{side}.mid_block.attentions.0"
        norm(out, f"{name}.group_norm", width)
        for what in ("to_q", "to_k", "to_v", "to_out.0"):
            linear(out, f"{name}.{what}", width, width)


# The text encoders.


def _clip(config: Config) -> Shapes:
    out: Shapes = {}
    width, inner = (
        whole(config.get("hidden_size", 512)),
        whole(config.get("intermediate_size", 2048)),
    )
    out["embeddings.token_embedding.weight"] = (whole(config.get("vocab_size", 49408)), width)
    positions = whole(config.get("max_position_embeddings", 77))
    out["embeddings.position_embedding.weight"] = (positions, width)
    for layer in range(whole(config.get("num_hidden_layers", 12), MOST)):
        name = f"encoder.layers.{layer}"
        for what in ("k_proj", "v_proj", "q_proj", "out_proj"):
            linear(out, f"{name}.self_attn.{what}", width, width)
        norm(out, f"{name}.layer_norm1", width)
        norm(out, f"{name}.layer_norm2", width)
        linear(out, f"{name}.mlp.fc1", inner, width)
        linear(out, f"{name}.mlp.fc2", width, inner)
    norm(out, "final_layer_norm", width)
    if "CLIPTextModelWithProjection" in _names(config.get("architectures", [])):
        projected = whole(config.get("projection_dim", 512))
        out["text_projection.weight"] = (projected, width)
    return out


def _t5(config: Config) -> Shapes:
    out: Shapes = {}
    width, inner = whole(config.get("d_model", 512)), whole(config.get("d_ff", 2048))
    heads = whole(config.get("num_heads", 8))
    attention = heads * whole(config.get("d_kv", 64))
    out["shared.weight"] = (whole(config.get("vocab_size", 32128)), width)
    for layer in range(whole(config.get("num_layers", 6), MOST)):
        name = f"encoder.block.{layer}.layer"
        for what in "qkv":
            linear(out, f"{name}.0.SelfAttention.{what}", attention, width, bias=False)
        linear(out, f"{name}.0.SelfAttention.o", width, attention, bias=False)
        if not layer or config.get("model_type") == "umt5":  # T5's others take its distances
            buckets = whole(config.get("relative_attention_num_buckets", 32))
            out[f"{name}.0.SelfAttention.relative_attention_bias.weight"] = (buckets, heads)
        gated = str(config.get("feed_forward_proj", "relu")).startswith("gated-")
        for what in ("wi_0", "wi_1") if gated else ("wi",):
            linear(out, f"{name}.1.DenseReluDense.{what}", inner, width, bias=False)
        linear(out, f"{name}.1.DenseReluDense.wo", width, inner, bias=False)
        for number in (0, 1):
            out[f"{name}.{number}.layer_norm.weight"] = (width,)
    out["encoder.final_layer_norm.weight"] = (width,)
    return out
