"""The tensors of LTX-2's transformer, which draws a film and its sound, and of its connectors.

    transformer_blocks   a stream of the film and one of the sound; each looks at itself, at the
                         words, and at the other
    connectors           all layers of the words as one, and a few blocks for each stream

Invariant: every tensor that the classes build from the same config, and no other.
"""

from __future__ import annotations

from collections.abc import Mapping

from generation.families import blueprint
from generation.families.blueprint import Config, Shapes, Unwritten, linear, whole

_TIMES = 256

# What its class takes where a config says nothing.
USUAL: Mapping[str, object] = {
    "activation_fn": "gelu-approximate",
    "attention_bias": True,
    "attention_head_dim": 128,
    "attention_out_bias": True,
    "audio_attention_head_dim": 64,
    "audio_cross_attention_dim": 2048,
    "audio_cross_attn_mod": False,
    "audio_ff_bias": True,
    "audio_gated_attn": False,
    "audio_hop_length": 160,
    "audio_in_channels": 128,
    "audio_num_attention_heads": 32,
    "audio_out_channels": 128,
    "audio_patch_size": 1,
    "audio_patch_size_t": 1,
    "audio_pos_embed_max_pos": 20,
    "audio_sampling_rate": 16_000,
    "audio_scale_factor": 4,
    "base_height": 2048,
    "base_width": 2048,
    "caption_channels": 3840,
    "causal_offset": 1,
    "cross_attention_dim": 4096,
    "cross_attn_mod": False,
    "cross_attn_timestep_scale_multiplier": 1000,
    "ff_bias": True,
    "gated_attn": False,
    "in_channels": 128,
    "norm_elementwise_affine": False,
    "norm_eps": 1e-6,
    "num_attention_heads": 32,
    "num_layers": 48,
    "out_channels": 128,
    "patch_size": 1,
    "patch_size_t": 1,
    "perturbed_attn": False,
    "pos_embed_max_pos": 20,
    "qk_norm": "rms_norm_across_heads",
    "rope_double_precision": True,
    "rope_theta": 10000.0,
    "rope_type": "interleaved",
    "timestep_scale_multiplier": 1000,
    "use_keyframes_abs_pos_embedding": False,
    "use_prompt_adaln_single": True,
    "use_prompt_embeddings": True,
    "vae_scale_factors": (8, 32, 32),
}
CONNECTORS: Mapping[str, object] = {
    "audio_connector_attention_head_dim": 128,
    "audio_connector_num_attention_heads": 30,
    "audio_connector_num_layers": 2,
    "audio_connector_num_learnable_registers": 128,
    "audio_gated_attn": False,
    "audio_hidden_dim": 2048,
    "caption_channels": 3840,
    "causal_temporal_positioning": False,
    "connector_rope_base_seq_len": 4096,
    "per_modality_projections": False,
    "proj_bias": False,
    "rope_double_precision": True,
    "rope_theta": 10000.0,
    "rope_type": "interleaved",
    "text_proj_in_factor": 49,
    "video_connector_attention_head_dim": 128,
    "video_connector_num_attention_heads": 30,
    "video_connector_num_layers": 2,
    "video_connector_num_learnable_registers": 128,
    "video_gated_attn": False,
    "video_hidden_dim": 4096,
}


def tensors(config: Config) -> Shapes | None:
    """The tensors of an LTX2VideoTransformer3DModel; None: its build is not written down."""
    try:
        return _transformer({**USUAL, **config})
    except (Unwritten, TypeError, ValueError):
        return None


def connectors(config: Config) -> Shapes | None:
    """The tensors of LTX2TextConnectors; None: their build is not written down."""
    try:
        return _connectors({**CONNECTORS, **config})
    except (Unwritten, TypeError, ValueError):
        return None


def _transformer(config: Config) -> Shapes:
    out: Shapes = {}
    film = _width(config, "num_attention_heads", "attention_head_dim")
    sound = _width(config, "audio_num_attention_heads", "audio_attention_head_dim")
    words, modulated = whole(config["caption_channels"]), _modulated(config)
    for own, width in (("", film), ("audio_", sound)):
        read = whole(config[f"{own}in_channels"])
        linear(out, f"{own}proj_in", width, read)
        if config["use_prompt_embeddings"]:
            linear(out, f"{own}caption_projection.linear_1", width, words)
            linear(out, f"{own}caption_projection.linear_2", width, width)
        _told(out, f"{own}time_embed", width, _modulations(config, own))
        if modulated and config["use_prompt_adaln_single"]:
            _told(out, f"{own}prompt_adaln", width, 2)
        out[f"{own}scale_shift_table"] = (2, width)
        linear(out, f"{own}proj_out", whole(config[f"{own}out_channels"] or read), width)
    _told(out, "av_cross_attn_video_scale_shift", film, 4)
    _told(out, "av_cross_attn_audio_scale_shift", sound, 4)
    _told(out, "av_cross_attn_video_a2v_gate", film, 1)
    _told(out, "av_cross_attn_audio_v2a_gate", sound, 1)
    for number in range(whole(config["num_layers"], blueprint.MOST)):
        _block(out, f"transformer_blocks.{number}.", config, film, sound)
    return out


def _block(out: Shapes, name: str, config: Config, film: int, sound: int) -> None:
    for own, width, read in (
        ("", film, whole(config["cross_attention_dim"])),
        ("audio_", sound, whole(config["audio_cross_attention_dim"])),
    ):
        gates = _gates(config, own)
        attention(out, f"{name}{own}attn1", width, width, width, gates)
        attention(out, f"{name}{own}attn2", width, width, read, gates)
        layer(out, f"{name}{own}ff", width)
        out[f"{name}{own}scale_shift_table"] = (_modulations(config, own), width)
        if _modulated(config):
            out[f"{name}{own}prompt_scale_shift_table"] = (2, width)
    heads = whole(config["audio_num_attention_heads"])
    seen, heard = (heads if config[f"{own}gated_attn"] else 0 for own in ("", "audio_"))
    attention(out, f"{name}audio_to_video_attn", film, sound, sound, seen)
    attention(out, f"{name}video_to_audio_attn", sound, sound, film, heard)
    out[f"{name}video_a2v_cross_attn_scale_shift_table"] = (5, film)
    out[f"{name}audio_a2v_cross_attn_scale_shift_table"] = (5, sound)


def _connectors(config: Config) -> Shapes:
    out: Shapes = {}
    width = whole(config["caption_channels"])
    layers = whole(config["text_proj_in_factor"], 2 * blueprint.MOST)
    apart, bias = bool(config["per_modality_projections"]), bool(config["proj_bias"])
    if not apart:
        linear(out, "text_proj_in", width, width * layers, bias=bias)
    for own in ("video", "audio"):
        inner = whole(config[f"{own}_hidden_dim"]) if apart else width
        heads = f"{own}_connector_num_attention_heads", f"{own}_connector_attention_head_dim"
        if _width(config, *heads) != inner:
            raise Unwritten
        if apart:
            linear(out, f"{own}_text_proj_in", inner, width * layers, bias=bias)
        registers = whole(config[f"{own}_connector_num_learnable_registers"])
        out[f"{own}_connector.learnable_registers"] = (registers, inner)
        gates = whole(config[heads[0]]) if config[f"{own}_gated_attn"] else 0
        for number in range(whole(config[f"{own}_connector_num_layers"], blueprint.MOST)):
            name = f"{own}_connector.transformer_blocks.{number}"
            attention(out, f"{name}.attn1", inner, inner, inner, gates)
            layer(out, f"{name}.ff", inner)
    return out


def _modulated(config: Config) -> bool:
    """Whether the words that are read are modulated by the time, as from 2.3 on."""
    return bool(config["cross_attn_mod"] or config["audio_cross_attn_mod"])


def _modulations(config: Config, own: str) -> int:
    return 9 if config[f"{own}cross_attn_mod"] else 6


def _gates(config: Config, own: str) -> int:
    """How many heads of a stream's attentions are each let through by a share; 0: all whole."""
    return whole(config[f"{own}num_attention_heads"]) if config[f"{own}gated_attn"] else 0


def _width(config: Config, heads: str, each: str) -> int:
    return whole(config[heads]) * whole(config[each])


def attention(out: Shapes, name: str, width: int, inner: int, read: int, gates: int = 0) -> None:
    """An attention whose queries and keys are normed, and whose heads may have gates."""
    if gates:
        linear(out, f"{name}.to_gate_logits", gates, width)
    linear(out, f"{name}.to_q", inner, width)
    for what in ("to_k", "to_v"):
        linear(out, f"{name}.{what}", inner, read)
    linear(out, f"{name}.to_out.0", width, inner)
    for what in ("norm_q", "norm_k"):
        out[f"{name}.{what}.weight"] = (inner,)


def layer(out: Shapes, name: str, width: int) -> None:
    """Two linear layers, four times as wide between them."""
    linear(out, f"{name}.net.0.proj", 4 * width, width)
    linear(out, f"{name}.net.2", width, 4 * width)


def _told(out: Shapes, name: str, width: int, count: int) -> None:
    """What makes so many modulations of a time."""
    linear(out, f"{name}.emb.timestep_embedder.linear_1", width, _TIMES)
    linear(out, f"{name}.emb.timestep_embedder.linear_2", width, width)
    linear(out, f"{name}.linear", count * width, width)
