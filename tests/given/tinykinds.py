"""Tiny random chat models of every kind of memory, in GGUF files that llama.cpp runs.

    plain     keys and values of all that was read: Llama, Qwen, Mistral
    sliding   of the last tokens only, in some layers: Gemma 3
    hybrid    a short state beside them: LFM2, as Qwen3.5, Granite 4 H and Nemotron H
    recurrent nothing but a state: Mamba
    large     plain, with a vocabulary of 262,144 tokens: Gemma

Their answers are noise under the grammar; what matters is that they are the same noise cold and
warm.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import gguf
import numpy as np

from prompting.writers import template
from tests.given import tinyassistant

WIDTH, HEADS, KEPT, FORWARD = 32, 4, 2, 48
CONTEXT = 4096  # tokens, which are about two letters long
WINDOW = 64  # tokens, of the sliding kind: far less than a question
VOCABULARY = 262_144  # tokens, of the large kind

Put = Callable[..., None]


def _file(path: Path, arch: str, *, chat: str, most: int = 0) -> tuple[gguf.GGUFWriter, int]:
    out = gguf.GGUFWriter(path, arch)
    out.add_context_length(CONTEXT)
    out.add_embedding_length(WIDTH)
    out.add_chat_template(chat)
    return out, tinyassistant.add_tokens(out, most=most)


def _put(out: gguf.GGUFWriter, dice: np.random.Generator, name: str, *shape: int) -> None:
    """Random weights."""
    if len(shape) == 1:
        out.add_tensor(f"{name}.weight", 1 + 0.1 * dice.standard_normal(shape, np.float32))
        return
    # Small embeddings: what the model says is nearly a throw of dice, and so of some length.  Of a
    # large vocabulary it is soon at an end: each token takes its time.
    small = name == "token_embd" and shape[0] < VOCABULARY
    scale = np.float32((0.5 if small else 2.0) / np.sqrt(shape[-1]))
    out.add_tensor(f"{name}.weight", dice.standard_normal(shape, np.float32) * scale)


def _attention(put: Put, block: str) -> None:
    width = WIDTH // HEADS
    put(f"{block}.attn_q", WIDTH, WIDTH)
    put(f"{block}.attn_k", KEPT * width, WIDTH)
    put(f"{block}.attn_v", KEPT * width, WIDTH)
    put(f"{block}.attn_output", WIDTH, WIDTH)


def _forward(put: Put, block: str) -> None:
    put(f"{block}.ffn_norm", WIDTH)
    put(f"{block}.ffn_gate", FORWARD, WIDTH)
    put(f"{block}.ffn_up", FORWARD, WIDTH)
    put(f"{block}.ffn_down", WIDTH, FORWARD)


def _describe(out: gguf.GGUFWriter, layers: int, kept: int | list[int] = KEPT) -> None:
    out.add_block_count(layers)
    out.add_feed_forward_length(FORWARD)
    out.add_head_count(HEADS)
    out.add_head_count_kv(kept)
    out.add_layer_norm_rms_eps(1e-5)
    out.add_rope_freq_base(10000.0)


def plain(path: Path, *, chat: str = template.CHATML, most: int = 0) -> Path:
    """Llama's kind; `most` tokens, 0: no more than are needed."""
    out, size = _file(path, "llama", chat=chat, most=most)
    _describe(out, 2)
    out.add_rope_dimension_count(WIDTH // HEADS)
    put = partial(_put, out, np.random.default_rng(1))
    put("token_embd", size, WIDTH)
    put("output_norm", WIDTH)
    for layer in range(2):
        put(f"blk.{layer}.attn_norm", WIDTH)
        _attention(put, f"blk.{layer}")
        _forward(put, f"blk.{layer}")
    return tinyassistant.closed(out, path)


def large(path: Path, *, chat: str = template.CHATML) -> Path:
    """As many tokens as any model has."""
    return plain(path, chat=chat, most=VOCABULARY)


def sliding(path: Path, *, chat: str = template.CHATML) -> Path:
    """Gemma 3's kind: five layers of six see the last tokens only."""
    out, size = _file(path, "gemma3", chat=chat)
    _describe(out, 6)
    width = WIDTH // HEADS
    out.add_sliding_window(WINDOW)
    out.add_key_length(width)
    out.add_value_length(width)
    put = partial(_put, out, np.random.default_rng(2))
    put("token_embd", size, WIDTH)
    put("output_norm", WIDTH)
    for layer in range(6):
        block = f"blk.{layer}"
        put(f"{block}.attn_norm", WIDTH)
        put(f"{block}.attn_q_norm", width)
        put(f"{block}.attn_k_norm", width)
        put(f"{block}.post_attention_norm", WIDTH)
        put(f"{block}.post_ffw_norm", WIDTH)
        _attention(put, block)
        _forward(put, block)
    return tinyassistant.closed(out, path)


def hybrid(path: Path, *, chat: str = template.CHATML) -> Path:
    """LFM2's kind: layers of attention and of short convolutions in turns."""
    out, size = _file(path, "lfm2", chat=chat)
    kept = [0, KEPT, 0, KEPT]
    _describe(out, len(kept), kept)
    out.add_shortconv_l_cache(3)
    put = partial(_put, out, np.random.default_rng(3))
    put("token_embd", size, WIDTH)
    put("token_embd_norm", WIDTH)
    for layer, heads in enumerate(kept):
        block = f"blk.{layer}"
        put(f"{block}.attn_norm", WIDTH)
        _forward(put, block)
        if heads:
            _attention(put, block)
            put(f"{block}.attn_q_norm", WIDTH // HEADS)
            put(f"{block}.attn_k_norm", WIDTH // HEADS)
        else:
            put(f"{block}.shortconv.conv", WIDTH, 3)
            put(f"{block}.shortconv.in_proj", 3 * WIDTH, WIDTH)
            put(f"{block}.shortconv.out_proj", WIDTH, WIDTH)
    return tinyassistant.closed(out, path)


def recurrent(path: Path, *, chat: str = template.CHATML) -> Path:
    """Mamba's kind: no attention at all."""
    inner, state, rank = 2 * WIDTH, 8, 4
    out, size = _file(path, "mamba", chat=chat)
    out.add_block_count(2)
    out.add_feed_forward_length(0)
    out.add_head_count(0)
    out.add_layer_norm_rms_eps(1e-5)
    out.add_ssm_conv_kernel(4)
    out.add_ssm_inner_size(inner)
    out.add_ssm_state_size(state)
    out.add_ssm_time_step_rank(rank)
    dice = np.random.default_rng(4)
    put = partial(_put, out, dice)
    put("token_embd", size, WIDTH)
    put("output_norm", WIDTH)
    for layer in range(2):
        block = f"blk.{layer}"
        put(f"{block}.attn_norm", WIDTH)
        put(f"{block}.ssm_in", 2 * inner, WIDTH)
        put(f"{block}.ssm_conv1d", inner, 4)
        put(f"{block}.ssm_x", rank + 2 * state, inner)
        put(f"{block}.ssm_dt", inner, rank)
        put(f"{block}.ssm_out", WIDTH, inner)
        noise = dice.standard_normal((inner, state), np.float32)
        out.add_tensor(f"{block}.ssm_a", -np.exp(noise * np.float32(0.1)))
        for name in ("ssm_conv1d.bias", "ssm_dt.bias", "ssm_d"):
            out.add_tensor(f"{block}.{name}", dice.standard_normal(inner, np.float32))
    return tinyassistant.closed(out, path)


KINDS = {
    "plain": plain,
    "sliding": sliding,
    "hybrid": hybrid,
    "recurrent": recurrent,
    "large": large,
}
