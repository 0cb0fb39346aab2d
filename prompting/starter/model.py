"""The assistant's network while it is trained: a small Llama, as llama.cpp runs it.

The invariant: its weights are a GGUF's weights as they are; rope turns neighbouring pairs, which is
llama.cpp's layout, so nothing is permuted on the way out.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How big the network is; the keys of a GGUF in our words."""

    vocabulary: int = 2048
    width: int = 192
    layers: int = 4
    heads: int = 6
    kept_heads: int = 2  # of keys and values, each shared by heads / kept_heads
    inner: int = 512
    context: int = 512
    epsilon: float = 1e-5
    rope_base: float = 10000.0


class Layer(nn.Module):
    """Attention, then a gated feed-forward network, both added to what came in."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        each = shape.width // shape.heads
        self.heads, self.kept, self.each = shape.heads, shape.kept_heads, each
        self.attn_norm = nn.RMSNorm(shape.width, shape.epsilon)
        self.attn_q = nn.Linear(shape.width, shape.heads * each, bias=False)
        self.attn_k = nn.Linear(shape.width, shape.kept_heads * each, bias=False)
        self.attn_v = nn.Linear(shape.width, shape.kept_heads * each, bias=False)
        self.attn_output = nn.Linear(shape.heads * each, shape.width, bias=False)
        self.ffn_norm = nn.RMSNorm(shape.width, shape.epsilon)
        self.ffn_gate = nn.Linear(shape.width, shape.inner, bias=False)
        self.ffn_up = nn.Linear(shape.width, shape.inner, bias=False)
        self.ffn_down = nn.Linear(shape.inner, shape.width, bias=False)

    def forward(self, x: torch.Tensor, turn: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        batch, length, _ = x.shape
        h = self.attn_norm(x)
        q = turned(self.attn_q(h).view(batch, length, self.heads, self.each), turn)
        k = turned(self.attn_k(h).view(batch, length, self.kept, self.each), turn)
        v = self.attn_v(h).view(batch, length, self.kept, self.each)
        shared = self.heads // self.kept
        # In 32 bits: backwards through it in 16 takes twice as long on a CPU.
        with torch.autocast("cpu", enabled=False):
            mixed = functional.scaled_dot_product_attention(
                q.float().transpose(1, 2),
                k.float().transpose(1, 2).repeat_interleave(shared, 1),
                v.float().transpose(1, 2).repeat_interleave(shared, 1),
                is_causal=True,
            )
        x = x + self.attn_output(mixed.transpose(1, 2).reshape(batch, length, -1))
        h = self.ffn_norm(x)
        out: torch.Tensor = x + self.ffn_down(functional.silu(self.ffn_gate(h)) * self.ffn_up(h))
        return out


class Llama(nn.Module):
    """Tokens (batch, length) to hidden states; `logits` of those that are asked for."""

    cos: torch.Tensor
    sin: torch.Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.token_embd = nn.Embedding(shape.vocabulary, shape.width)
        self.blk = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.output_norm = nn.RMSNorm(shape.width, shape.epsilon)
        each = shape.width // shape.heads
        speeds = shape.rope_base ** (-torch.arange(0, each, 2) / each)
        angles = torch.outer(torch.arange(shape.context), speeds)
        self.register_buffer("cos", angles.cos()[:, None], persistent=False)
        self.register_buffer("sin", angles.sin()[:, None], persistent=False)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                small = name.endswith(("attn_output.weight", "ffn_down.weight"))
                nn.init.normal_(parameter, std=0.02 / (2 * shape.layers) ** 0.5 if small else 0.02)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        length = tokens.shape[1]
        turn = self.cos[:length], self.sin[:length]
        x: torch.Tensor = self.token_embd(tokens)
        for layer in self.blk:
            x = layer(x, turn)
        out: torch.Tensor = self.output_norm(x)
        return out

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """The embedding serves at both ends."""
        return hidden @ self.token_embd.weight.T


def turned(x: torch.Tensor, turn: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Rope: each pair of neighbours is turned by an angle that grows with its place."""
    cos, sin = turn
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)
