"""The tensors of a language model's stack of layers, by its config, and the config by its tensors.

    embed_tokens -> layers.0 ... layers.N -> norm        each: self_attn and mlp between its norms

Qwen, Mistral, Gemma and Llama are all built so; a `Stack` says what differs.  The output over the
vocabulary (`lm_head`) is none of it: prompts are read, and nothing is written.  The invariant:
`told` of a stack's tensors is a config whose tensors they are, as far as tensors tell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from generation.families import blueprint
from generation.families.architecture import Config, Shapes

_LAYER = re.compile(r"layers\.(\d+)\.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What a class of language models has of its own."""

    usual: Config = field(default_factory=dict)  # what it takes where a config says nothing
    biased: bool = False  # its queries, keys and values always have a bias
    normed: bool = False  # its queries and keys are normed, by head
    norms: tuple[str, ...] = ("input_layernorm", "post_attention_layernorm")
    head: int = 128  # the width of a head, where tensors do not tell it
    even: bool = False  # its heads always divide its width between them

    def tensors(self, config: Config) -> dict[str, tuple[int, ...]] | None:
        """The tensors of such a model; None: its build is not written down."""
        try:
            return self._tensors({**self.usual, **config})
        except (blueprint.Unwritten, LookupError, TypeError, ValueError):
            return None

    def _tensors(self, config: Config) -> dict[str, tuple[int, ...]]:
        width = blueprint.whole(config["hidden_size"])
        out = {"embed_tokens.weight": (blueprint.whole(config["vocab_size"]), width)}
        found: dict[str, tuple[int, ...]] = dict(out)
        for number in range(blueprint.whole(config["num_hidden_layers"], blueprint.MOST)):
            self._layer(found, f"layers.{number}", config)
        found["norm.weight"] = (width,)
        return found

    def _layer(self, out: dict[str, tuple[int, ...]], name: str, config: Config) -> None:
        width, inner = config["hidden_size"], blueprint.whole(config["intermediate_size"])
        assert isinstance(width, int)  # it was looked at
        heads = blueprint.whole(config["num_attention_heads"])
        said = None if self.even else config.get("head_dim")
        head = blueprint.whole(said or width // heads)
        shared = blueprint.whole(config.get("num_key_value_heads") or heads) * head
        every = bool(config.get("attention_bias", False))
        for what, rows in (("q", heads * head), ("k", shared), ("v", shared)):
            biased = every or self.biased
            blueprint.linear(out, f"{name}.self_attn.{what}_proj", rows, width, bias=biased)
        blueprint.linear(out, f"{name}.self_attn.o_proj", width, heads * head, bias=every)
        for what in "qk" if self.normed else "":
            out[f"{name}.self_attn.{what}_norm.weight"] = (head,)
        biased = bool(config.get("mlp_bias", False))
        blueprint.linear(out, f"{name}.mlp.gate_proj", inner, width, bias=biased)
        blueprint.linear(out, f"{name}.mlp.up_proj", inner, width, bias=biased)
        blueprint.linear(out, f"{name}.mlp.down_proj", width, inner, bias=biased)
        for norm in self.norms:
            out[f"{name}.{norm}.weight"] = (width,)

    def told(self, shapes: Shapes) -> Config:
        """What tensors of those names say of the config; nothing where they are not such ones."""
        layers = {int(match[1]) for key in shapes if (match := _LAYER.match(key))}
        first = "layers.0.self_attn"
        try:
            vocabulary, width = shapes["embed_tokens.weight"]
            found = {
                "vocab_size": vocabulary,
                "hidden_size": width,
                "num_hidden_layers": len(layers),
                "intermediate_size": shapes["layers.0.mlp.gate_proj.weight"][0],
            }
            heads = (shapes[f"{first}.q_proj.weight"][0], shapes[f"{first}.k_proj.weight"][0])
            head = shapes[f"{first}.q_norm.weight"][0] if self.normed else self.head
        except (LookupError, ValueError):
            return {}
        if any(rows % head for rows in heads):
            return found
        counts = {"num_attention_heads": heads[0] // head, "num_key_value_heads": heads[1] // head}
        # What derives the width of a head from others is left to do so.
        return found | counts | ({"head_dim": head} if "head_dim" in self.usual else {})
