"""The tensors of ACE-Step 1.5's networks: what reads the conditions, what draws, what hears.

    condition_encoder            words, lyrics and a voice, one behind the other
    transformer                  the sound's latents, two frames a token
    audio_tokenizer, _detokenizer    a sound's latents to five tokens a second, and back

Invariant: every tensor that the classes build from the same config, and no other.
"""

from __future__ import annotations

from generation.families import blueprint
from generation.families.architecture import Config
from generation.families.blueprint import linear, whole

Tensors = dict[str, tuple[int, ...]]

_TIME = 256  # the waves that a timestep becomes
SILENCE = 15_000  # frames of silence, ten minutes, that lie with what reads the conditions

# What the classes take where a config says nothing.
_SHARED: Config = {
    "attention_bias": False,
    "attention_dropout": 0.0,
    "head_dim": 128,
    "hidden_size": 2048,
    "intermediate_size": 6144,
    "layer_types": None,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "rms_norm_eps": 1e-6,
    "rope_theta": 1000000.0,
    "sliding_window": 128,
}
TRANSFORMER: Config = {
    **_SHARED,
    "audio_acoustic_hidden_dim": 64,
    "encoder_hidden_size": None,
    "in_channels": 192,
    "is_turbo": False,
    "model_version": None,
    "num_hidden_layers": 24,
    "patch_size": 2,
}
CONDITIONS: Config = {
    **_SHARED,
    "num_lyric_encoder_hidden_layers": 8,
    "num_timbre_encoder_hidden_layers": 4,
    "text_hidden_dim": 1024,
    "timbre_hidden_dim": 64,
}
_TOKENS: Config = {
    **_SHARED,
    "audio_acoustic_hidden_dim": 64,
    "num_attention_pooler_hidden_layers": 2,
    "pool_window_size": 5,
}
TOKENIZER: Config = {
    **_TOKENS,
    "fsq_dim": 2048,
    "fsq_input_levels": None,
    "fsq_input_num_quantizers": 1,
}
DETOKENIZER = _TOKENS
_LEVELS = (8, 8, 8, 5, 5, 5)


def transformer(config: Config) -> Tensors | None:
    """Those of an AceStepTransformer1DModel; None: a build that is not written down."""
    try:
        return _transformer({**TRANSFORMER, **config})
    except (blueprint.Unwritten, TypeError, ValueError):
        return None


def condition_encoder(config: Config) -> Tensors | None:
    """Those of an AceStepConditionEncoder; None: a build that is not written down."""
    try:
        return _condition_encoder({**CONDITIONS, **config})
    except (blueprint.Unwritten, TypeError, ValueError):
        return None


def tokenizer(config: Config) -> Tensors | None:
    """Those of an AceStepAudioTokenizer; None: a build that is not written down."""
    try:
        return _tokenizer({**TOKENIZER, **config})
    except (blueprint.Unwritten, TypeError, ValueError):
        return None


def detokenizer(config: Config) -> Tensors | None:
    """Those of an AceStepAudioTokenDetokenizer; None: a build that is not written down."""
    try:
        return _detokenizer({**DETOKENIZER, **config})
    except (blueprint.Unwritten, TypeError, ValueError):
        return None


def _transformer(config: Config) -> Tensors:
    width, patch = whole(config["hidden_size"]), whole(config["patch_size"], 64)
    words = config["encoder_hidden_size"]
    out: Tensors = {"proj_in_conv.weight": (width, whole(config["in_channels"]), patch)}
    out["proj_in_conv.bias"] = (width,)
    for name in ("time_embed", "time_embed_r"):
        linear(out, f"{name}.linear_1", width, _TIME)
        linear(out, f"{name}.linear_2", width, width)
        linear(out, f"{name}.time_proj", 6 * width, width)
    linear(out, "condition_embedder", width, width if words is None else whole(words))
    for number in range(whole(config["num_hidden_layers"], blueprint.MOST)):
        name = f"layers.{number}"
        for what in ("self_attn", "cross_attn"):
            out[f"{name}.{what}_norm.weight"] = (width,)
            _attention(out, f"{name}.{what}", config)
        out[f"{name}.mlp_norm.weight"] = (width,)
        _mlp(out, f"{name}.mlp", config)
        out[f"{name}.scale_shift_table"] = (1, 6, width)
    out["norm_out.weight"] = (width,)
    out["proj_out_conv.weight"] = (width, whole(config["audio_acoustic_hidden_dim"]), patch)
    out["proj_out_conv.bias"] = (whole(config["audio_acoustic_hidden_dim"]),)
    out["scale_shift_table"] = (1, 2, width)
    return out


def _condition_encoder(config: Config) -> Tensors:
    width, voice = whole(config["hidden_size"]), whole(config["timbre_hidden_dim"])
    words = whole(config["text_hidden_dim"])
    out: Tensors = {}
    linear(out, "text_projector", width, words, bias=False)
    lines, voices = (
        whole(config[f"num_{what}_encoder_hidden_layers"], blueprint.MOST)
        for what in ("lyric", "timbre")
    )
    linear(out, "lyric_encoder.embed_tokens", width, words)
    _layers(out, "lyric_encoder", lines, config)
    linear(out, "timbre_encoder.embed_tokens", width, voice)
    out["timbre_encoder.special_token"] = (1, 1, width)
    _layers(out, "timbre_encoder", voices, config)
    out["null_condition_emb"] = (1, 1, width)
    out["silence_latent"] = (1, SILENCE, voice)
    return out


def _tokenizer(config: Config) -> Tensors:
    width = whole(config["hidden_size"])
    levels = config["fsq_input_levels"] or _LEVELS
    if not isinstance(levels, list | tuple):
        raise blueprint.Unwritten
    out: Tensors = {}
    linear(out, "audio_acoustic_proj", width, whole(config["audio_acoustic_hidden_dim"]))
    linear(out, "attention_pooler.embed_tokens", width, width)
    out["attention_pooler.special_token"] = (1, 1, width)
    count = whole(config["num_attention_pooler_hidden_layers"], blueprint.MOST)
    _layers(out, "attention_pooler", count, config)
    coded = whole(config["fsq_dim"])
    linear(out, "quantizer.project_in", len(levels), coded)
    linear(out, "quantizer.project_out", coded, len(levels))
    return out


def _detokenizer(config: Config) -> Tensors:
    width = whole(config["hidden_size"])
    out: Tensors = {}
    linear(out, "embed_tokens", width, width)
    out["special_tokens"] = (1, whole(config["pool_window_size"], 1000), width)
    _layers(out, "", whole(config["num_attention_pooler_hidden_layers"], blueprint.MOST), config)
    linear(out, "proj_out", whole(config["audio_acoustic_hidden_dim"]), width)
    return out


def _layers(out: Tensors, name: str, count: int, config: Config) -> None:
    """A stack of layers that look at one sequence, and the norm behind them."""
    begin, width = f"{name}." if name else "", whole(config["hidden_size"])
    for number in range(count):
        here = f"{begin}layers.{number}"
        _attention(out, f"{here}.self_attn", config)
        for what in ("input_layernorm", "post_attention_layernorm"):
            out[f"{here}.{what}.weight"] = (width,)
        _mlp(out, f"{here}.mlp", config)
    out[f"{begin}norm.weight"] = (width,)


def _attention(out: Tensors, name: str, config: Config) -> None:
    width, head = whole(config["hidden_size"]), whole(config["head_dim"])
    all_heads = head * whole(config["num_attention_heads"])
    shared, biased = head * whole(config["num_key_value_heads"]), bool(config["attention_bias"])
    for what, rows in (("to_q", all_heads), ("to_k", shared), ("to_v", shared)):
        linear(out, f"{name}.{what}", rows, width, bias=biased)
    linear(out, f"{name}.to_out.0", width, all_heads, bias=biased)
    for what in ("norm_q", "norm_k"):
        out[f"{name}.{what}.weight"] = (head,)


def _mlp(out: Tensors, name: str, config: Config) -> None:
    width, inner = whole(config["hidden_size"]), whole(config["intermediate_size"])
    for what, rows, columns in (
        *(("gate_proj", inner, width), ("up_proj", inner, width), ("down_proj", width, inner)),
    ):
        linear(out, f"{name}.{what}", rows, columns, bias=False)
