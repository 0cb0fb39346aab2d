"""The tensors of MusicGen's networks: what writes tokens, and EnCodec, which makes sound of them.

    decoder     embeddings of each codebook, layers that look at words, a head for each codebook
    EnCodec     an encoder and a decoder of convolutions around two layers of LSTM, and codebooks

Invariant: every tensor that the classes build from the same config, and no other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from generation.families import blueprint
from generation.families.architecture import Config
from generation.families.blueprint import linear, whole

Tensors = dict[str, tuple[int, ...]]

HEAD = 64  # the width of an attention head in every checkpoint, which no tensor tells

DECODER: Config = {
    "audio_channels": 1,
    "ffn_dim": 4096,
    "hidden_size": 1024,
    "num_attention_heads": 16,
    "num_codebooks": 4,
    "num_hidden_layers": 24,
    "vocab_size": 2048,
}
ENCODEC: Config = {
    "audio_channels": 1,
    "codebook_dim": 128,
    "codebook_size": 2048,
    "compress": 2,
    "hidden_size": 128,
    "kernel_size": 7,
    "last_kernel_size": 7,
    "num_filters": 64,
    "num_lstm_layers": 2,
    "num_residual_layers": 1,
    "residual_kernel_size": 3,
    "sampling_rate": 32000,
    "target_bandwidths": [2.2],
    "upsampling_ratios": [8, 5, 4, 4],
    "use_conv_shortcut": False,
}


def decoder(config: Config) -> Tensors | None:
    """Those of a MusicgenForCausalLM; None: a build that is not written down."""
    try:
        return _decoder({**DECODER, **config})
    except (blueprint.Unwritten, TypeError, ValueError):
        return None


def encodec(config: Config) -> Tensors | None:
    """Those of an EncodecModel; None: a build that is not written down."""
    try:
        return _encodec({**ENCODEC, **config})
    except (blueprint.Unwritten, TypeError, ValueError):
        return None


def words(config: Config) -> Tensors | None:
    """Those of what brings words to the decoder's width."""
    out: Tensors = {}
    linear(out, "enc_to_dec_proj", whole(config["made"]), whole(config["read"]))
    return out


def told(shapes: Mapping[str, tuple[int, ...]]) -> Config:
    """What a decoder's tensors say of its config."""
    inner = "model.decoder."
    tokens, width = shapes[f"{inner}embed_tokens.0.weight"]
    books = sum(key.startswith("lm_heads.") for key in shapes)
    return {
        "audio_channels": 2 if books > 4 else 1,
        "ffn_dim": shapes[f"{inner}layers.0.fc1.weight"][0],
        "hidden_size": width,
        "num_attention_heads": width // HEAD,
        "num_codebooks": books,
        "num_hidden_layers": sum(key.endswith(".fc1.weight") for key in shapes),
        "vocab_size": tokens - 1,
    }


def told_of_encodec(shapes: Mapping[str, tuple[int, ...]]) -> Config:
    """The same of an EnCodec's."""
    direction = "conv.parametrizations.weight.original1"
    filters, heard, _ = shapes[f"encoder.layers.0.{direction}"]
    size, width = shapes["quantizer.layers.0.codebook.embed"]
    return {
        "audio_channels": heard,
        "codebook_dim": width,
        "codebook_size": size,
        "hidden_size": shapes[f"decoder.layers.0.{direction}"][1],
        "num_filters": filters,
    }


def told_of_t5(shapes: Mapping[str, tuple[int, ...]]) -> Config:
    """The same of a T5's, which is not gated."""
    first = "encoder.block.0.layer"
    tokens, width = shapes["shared.weight"]
    heads = shapes[f"{first}.0.SelfAttention.relative_attention_bias.weight"][1]
    return {
        "d_ff": shapes[f"{first}.1.DenseReluDense.wi.weight"][0],
        "d_kv": shapes[f"{first}.0.SelfAttention.q.weight"][0] // heads,
        "d_model": width,
        "num_heads": heads,
        "num_layers": sum(key.endswith(".SelfAttention.q.weight") for key in shapes),
        "vocab_size": tokens,
    }


def _decoder(config: Config) -> Tensors:
    width, tokens = whole(config["hidden_size"]), whole(config["vocab_size"])
    books, inner = whole(config["num_codebooks"], 64), whole(config["ffn_dim"])
    out: Tensors = {}
    for book in range(books):
        out[f"model.decoder.embed_tokens.{book}.weight"] = (tokens + 1, width)
        linear(out, f"lm_heads.{book}", tokens, width, bias=False)
    for number in range(whole(config["num_hidden_layers"], blueprint.MOST)):
        name = f"model.decoder.layers.{number}"
        for attention in ("self_attn", "encoder_attn"):
            for what in ("k_proj", "v_proj", "q_proj", "out_proj"):
                linear(out, f"{name}.{attention}.{what}", width, width, bias=False)
        for norm in ("self_attn_layer_norm", "encoder_attn_layer_norm", "final_layer_norm"):
            _norm(out, f"{name}.{norm}", width)
        linear(out, f"{name}.fc1", inner, width, bias=False)
        linear(out, f"{name}.fc2", width, inner, bias=False)
    _norm(out, "model.decoder.layer_norm", width)
    return out


def _norm(out: Tensors, name: str, width: int) -> None:
    out[f"{name}.weight"] = out[f"{name}.bias"] = (width,)


def _encodec(config: Config) -> Tensors:
    if config["num_residual_layers"] != 1 or config["use_conv_shortcut"] is not False:
        raise blueprint.Unwritten
    said = config["upsampling_ratios"]
    if not isinstance(said, list | tuple):
        raise blueprint.Unwritten
    ratios = [whole(ratio, 64) for ratio in said]
    filters, width = whole(config["num_filters"]), whole(config["hidden_size"])
    heard, side = whole(config["audio_channels"], 64), whole(config["kernel_size"], 64)
    last = whole(config["last_kernel_size"], 64)
    out: Tensors = {}
    wide = filters
    _conv(out, "encoder.layers.0", wide, heard, side)
    at = 1
    for ratio in reversed(ratios):
        _resnet(out, f"encoder.layers.{at}", wide, config)
        _conv(out, f"encoder.layers.{at + 2}", 2 * wide, wide, 2 * ratio)
        wide, at = 2 * wide, at + 3
    _lstm(out, f"encoder.layers.{at}.lstm", wide, config)
    _conv(out, f"encoder.layers.{at + 2}", width, wide, last)
    _conv(out, "decoder.layers.0", wide, width, side)
    _lstm(out, "decoder.layers.1.lstm", wide, config)
    at = 2
    for ratio in ratios:
        _conv(out, f"decoder.layers.{at + 1}", wide // 2, wide, 2 * ratio, transposed=True)
        wide //= 2
        _resnet(out, f"decoder.layers.{at + 2}", wide, config)
        at += 3
    _conv(out, f"decoder.layers.{at + 1}", heard, filters, last)
    _codebooks(out, config, ratios)
    return out


def _resnet(out: Tensors, name: str, width: int, config: Config) -> None:
    inner = width // whole(config["compress"], 64)
    _conv(out, f"{name}.block.1", inner, width, whole(config["residual_kernel_size"], 64))
    _conv(out, f"{name}.block.3", width, inner, 1)


def _lstm(out: Tensors, name: str, width: int, config: Config) -> None:
    for layer in range(whole(config["num_lstm_layers"], 16)):
        for what in ("ih", "hh"):
            out[f"{name}.weight_{what}_l{layer}"] = (4 * width, width)
            out[f"{name}.bias_{what}_l{layer}"] = (4 * width,)


def _codebooks(out: Tensors, config: Config, ratios: list[int]) -> None:
    size, width = whole(config["codebook_size"]), whole(config["codebook_dim"])
    most = config["target_bandwidths"]
    if not isinstance(most, list | tuple):
        raise blueprint.Unwritten
    frames = math.ceil(whole(config["sampling_rate"]) / math.prod(ratios))
    count = int(1000 * most[-1] // (frames * int(math.log2(size))))
    for number in range(count):
        name = f"quantizer.layers.{number}.codebook"
        out[f"{name}.inited"] = (1,)
        out[f"{name}.cluster_size"] = (size,)
        out[f"{name}.embed"] = out[f"{name}.embed_avg"] = (size, width)


def _conv(
    out: Tensors, name: str, rows: int, columns: int, side: int, *, transposed: bool = False
) -> None:
    """A direction and a length, as `torch.nn.utils.parametrizations` has them."""
    shape = (columns, rows, side) if transposed else (rows, columns, side)
    out[f"{name}.conv.bias"] = (rows,)
    out[f"{name}.conv.parametrizations.weight.original0"] = (shape[0], 1, 1)
    out[f"{name}.conv.parametrizations.weight.original1"] = shape
