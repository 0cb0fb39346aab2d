"""A small Llama in numpy: what runs the built-in assistant where llama.cpp is not installed.

    x ─┬─ norm ─ qkv ─ rope ─ attention ─ mix ─▶ + ─┬─ norm ─ silu(gate)·up ─ down ─▶ + ─▶ ...
       └─────────────────────────────────────────┘  └───────────────────────────────┘

Two invariants.  It gives the logits that llama.cpp gives for the same GGUF, up to rounding.  And
the same calls give the same bits: one thread, no global state, and shapes that depend on the calls
alone, so that a cold cache and a warm one cannot differ.

Weights: F32 and F16 only.  Rope is the interleaved kind: GGUF files of this architecture have Q and
K permuted for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from prompting.errors import Unreadable
from prompting.writers.bpe import Tokens
from prompting.writers.compose import Interrupted, Saved
from prompting.writers.ggufile import F16, F32, GgufHeader, read_header

Floats = npt.NDArray[np.float32]

LARGEST_BYTES = 512 * 2**20  # a bigger model would take minutes per answer


class TinyLlama:
    """A model and its key-value cache."""

    def __init__(self, path: Path) -> None:
        header = read_header(path)
        if header.text("general.architecture") != "llama" or header.size_bytes > LARGEST_BYTES:
            raise Unreadable("GGUF", "the numpy runner knows only small models of llama's kind")
        self._tokens = Tokens(header)
        self.pieces = self._tokens.pieces
        self.context = min(header.whole("llama.context_length"), 4096)
        self.length = 0
        self.interrupted: Callable[[], bool] = lambda: False
        self._layers = header.whole("llama.block_count")
        self._heads = header.whole("llama.attention.head_count")
        self._kept = header.whole("llama.attention.head_count_kv", self._heads)
        self._epsilon = np.float32(header.real("llama.attention.layer_norm_rms_epsilon"))
        self._load(path, header)
        if len(self._embedding) != len(self.pieces):
            raise Unreadable("GGUF", "the vocabulary has another size than the embedding")
        self._turn(header.real("llama.rope.freq_base", 10000.0))
        shape = (self._layers, self._kept, self.context, self._width)
        self._keys, self._values = np.zeros(shape, np.float32), np.zeros(shape, np.float32)

    def encode(self, text: str, *, control: bool) -> list[int]:
        """Ids of a text; `control`: whether names of control tokens in it mean these tokens."""
        return self._tokens.encode(text, control=control)

    def forget(self) -> None:
        """Begin anew."""
        self.length = 0

    def save(self) -> Saved:
        """Keys and values of what was read."""
        return np.stack([cache[:, :, : self.length] for cache in (self._keys, self._values)])

    def restore(self, saved: Saved) -> None:
        """Be where `save` was called."""
        assert isinstance(saved, np.ndarray)  # it comes from `save`
        self.length = saved.shape[3]
        self._keys[:, :, : self.length], self._values[:, :, : self.length] = saved

    def feed(self, tokens: Sequence[int]) -> Floats:
        """Append tokens; the logits behind the last of them.  Raises Interrupted."""
        past, count = self.length, len(tokens)
        if past + count > self.context:
            raise ValueError(f"{past + count} tokens do not fit into {self.context}")
        x = self._embedding[np.asarray(tokens)]
        for layer in range(self._layers):
            if self.interrupted():
                raise Interrupted
            x = x + self._attend(layer, x, past)
            x = x + self._think(layer, x)
        self.length = past + count
        logits: Floats = self._output @ _norm(x[-1], self._last_norm, self._epsilon)
        return logits

    def _attend(self, layer: int, x: Floats, past: int) -> Floats:
        count, total, width, kept = len(x), past + len(x), self._width, self._kept
        h = _norm(x, self._attention_norms[layer], self._epsilon)
        qkv = (h @ self._qkv[layer]).reshape(count, -1, width).swapaxes(0, 1)
        queries, keys = qkv[: self._heads], qkv[self._heads : self._heads + kept]
        self._keys[layer, :, past:total] = self._turned(keys, past)
        self._values[layer, :, past:total] = qkv[self._heads + kept :]
        # Heads that share keys stand together: (kept, heads per kept * count, width).
        queries = self._turned(queries, past).reshape(kept, -1, width)
        scores = queries @ self._keys[layer, :, :total].swapaxes(1, 2) * self._scale
        if count > 1:
            future = np.arange(total)[None, :] > np.arange(past, total)[:, None]
            scores = scores.reshape(kept, -1, count, total)
            scores = np.where(future, np.float32(-np.inf), scores).reshape(kept, -1, total)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        mixed = weights @ self._values[layer, :, :total]
        mixed = mixed.reshape(self._heads, count, width).swapaxes(0, 1).reshape(count, -1)
        out: Floats = mixed @ self._mix[layer]
        return out

    def _think(self, layer: int, x: Floats) -> Floats:
        h = _norm(x, self._forward_norms[layer], self._epsilon) @ self._gate_up[layer]
        gate, up = np.split(h, 2, axis=-1)
        out: Floats = (gate / (1 + np.exp(-gate)) * up) @ self._down[layer]
        return out

    def _turned(self, x: Floats, past: int) -> Floats:
        """Rope: each pair of neighbours is turned by an angle that grows with its place."""
        cos, sin = self._cos[past : past + x.shape[1]], self._sin[past : past + x.shape[1]]
        out = np.empty(x.shape, np.float32)
        out[..., 0::2] = x[..., 0::2] * cos - x[..., 1::2] * sin
        out[..., 1::2] = x[..., 0::2] * sin + x[..., 1::2] * cos
        return out

    def _turn(self, base: float) -> None:
        speeds = 1.0 / base ** (np.arange(0, self._width, 2) / self._width)
        angles = np.outer(np.arange(self.context), speeds)
        self._cos, self._sin = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)

    def _load(self, path: Path, header: GgufHeader) -> None:
        data = np.memmap(path, mode="r")

        def weight(name: str) -> Floats:
            tensor = header.tensors.get(f"{name}.weight")
            if tensor is None or tensor.type not in (F32, F16):
                raise Unreadable("GGUF", f"no {name} that the numpy runner can read")
            kind = np.dtype("<f4" if tensor.type == F32 else "<f2")
            size = int(np.prod(tensor.shape)) * kind.itemsize
            raw = data[tensor.offset : tensor.offset + size].view(kind)
            return np.array(raw.reshape(tensor.shape), np.float32, subok=False)

        def columns(layer: int, *names: str) -> Floats:
            rows = [weight(f"blk.{layer}.{name}") for name in names]
            return np.ascontiguousarray(np.concatenate(rows).T)

        layers = range(self._layers)
        self._embedding = weight("token_embd")
        tied = "output.weight" not in header.tensors
        self._output = self._embedding if tied else weight("output")
        self._last_norm = weight("output_norm")
        self._attention_norms = [weight(f"blk.{i}.attn_norm") for i in layers]
        self._forward_norms = [weight(f"blk.{i}.ffn_norm") for i in layers]
        try:
            self._qkv = [columns(i, "attn_q", "attn_k", "attn_v") for i in layers]
            self._mix = [columns(i, "attn_output") for i in layers]
            self._gate_up = [columns(i, "ffn_gate", "ffn_up") for i in layers]
            self._down = [columns(i, "ffn_down") for i in layers]
        except ValueError as error:
            raise Unreadable("GGUF", f"weights whose shapes do not fit: {error}") from error
        self._width = self._embedding.shape[1] // self._heads
        self._scale = np.float32(1 / np.sqrt(self._width))


def _norm(x: Floats, weight: Floats, epsilon: np.float32) -> Floats:
    out: Floats = x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon) * weight
    return out
