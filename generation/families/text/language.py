"""The language models whose hidden states families read, as networks of transformers.

    Qwen3 4B     Z-Image, FLUX.2 klein 4B        Mistral Small 3   FLUX.2 dev
    Qwen3 8B     FLUX.2 klein 9B                 Gemma 2 2B        Sana, Lumina 2
    Qwen2.5-VL   Qwen-Image and -Edit            Llama 3.1 8B      HiDream
    its words    HunyuanVideo 1.5
    Ministral 3  ERNIE-Image                     Gemma 3 12B       LTX-2
    Qwen3-VL     Krea 2, Qwen-Image 2.1

Each is the class without its output over the vocabulary, which has the same hidden states and a
GB less to load.  The invariant: `modern` of a tensor's name in any release of transformers, and in
a file of ComfyUI's, is the name that the class has for it today; so it is with Qwen's in llama.cpp.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from generation.families import blueprint
from generation.families.architecture import Config, Network, Shapes, Tokenizer
from generation.families.laid import under
from generation.families.text import towers
from generation.families.text.decoder import Stack

# The levels that classes have put around the layers.
_LEVELS = ("model.", "language_model.", "model.")
# Beside the layers: the output over the vocabulary, and the tokenizers in files of ComfyUI's.
_BESIDE = ("lm_head.", "tekken_model", "spiece_model", "tokenizer_json")
_TOWERS = ("visual.", "vision_tower.", "vision_model.", "multi_modal_projector.")


def _bare(key: str) -> str:
    """A layer's name without the levels around it."""
    for level in _LEVELS:
        key = key.removeprefix(level)
    return key


# llama.cpp's names.  Of Llama and Mistral it has the rows of queries and keys in another order, and
# of Gemma the norms with one added: names alone would be wrong there.
_IN_GGUF = re.compile(r"(?:(token_embd|output_norm|output)|blk\.(\d+)\.(\w+))\.(weight|bias)")
_ENDS_IN_GGUF = {"token_embd": "embed_tokens", "output_norm": "norm", "output": "lm_head"}
_LAYER_IN_GGUF = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def _qwen(key: str) -> str:
    """A layer's name, also by llama.cpp's."""
    match = _IN_GGUF.fullmatch(key)
    if match is None:
        return _bare(key)
    alone, number, name, end = match.groups()
    if alone is not None:
        return f"{_ENDS_IN_GGUF[alone]}.{end}"
    return f"layers.{number}.{_LAYER_IN_GGUF[name]}.{end}" if name in _LAYER_IN_GGUF else key


def _beside_eyes(key: str) -> str:
    """The name in a class that has a tower beside its language model."""
    bare = _qwen(key)
    return bare if bare.startswith((*_TOWERS, *_BESIDE)) else f"language_model.{bare}"


def _words(
    stack: Stack,
    name: str,
    *,
    types: tuple[str, ...],
    modern: Callable[[str], str] = _bare,
    within: str = "",
) -> Network:
    """A class of transformers that reads words only; what a file has for pictures is left out.

    `within`: the module that has it, where that is not called as its type.
    """
    kind = within or types[0]
    return Network(
        module=f"transformers.models.{kind}.modeling_{kind}",
        name=name,
        weights="model",
        tensors=lambda config: stack.tensors(of_text(config)),
        settings=None,
        modern=modern,
        harmless=(*_BESIDE, *_TOWERS),
        told=stack.told,
        fault=partial(_another, types),
    )


def of_text(config: Config) -> Config:
    """The part of a config that is about words."""
    inner = config.get("text_config")
    return inner if isinstance(inner, Mapping) else config


def _another(types: tuple[str, ...], config: Config) -> str | None:
    """Layers of these names and shapes may be computed otherwise, which `model_type` says."""
    kind = config.get("model_type", types[0])
    return None if kind in types else f"a text encoder of the type {kind!r:.40}"


def _seeing(
    stack: Stack,
    tower: Callable[[Config], Shapes],
    name: str,
    kind: str,
) -> Network:
    """A class of transformers that reads words and pictures."""

    def tensors(config: Config) -> dict[str, tuple[int, ...]] | None:
        words = stack.tensors(of_text(config))
        if words is None:
            return None
        found = {f"language_model.{key}": shape for key, shape in words.items()}
        if _without_eyes(config):
            return found
        inner = config.get("vision_config")
        try:
            seen = tower(inner if isinstance(inner, Mapping) else {})
        except (blueprint.Unwritten, LookupError, TypeError, ValueError):
            return None
        return found | {f"visual.{key}": shape for key, shape in seen.items()}

    def told(shapes: Shapes) -> Config:
        words = stack.told(under("language_model.", shapes))
        seen = under("visual.", shapes)
        found: dict[str, object] = {f"text_config.{key}": value for key, value in words.items()}
        if not seen:
            return found | {"vision_config": None} if found else {}
        return found | {f"vision_config.{key}": said for key, said in towers.told(seen).items()}

    return Network(
        module=f"transformers.models.{kind}.modeling_{kind}",
        name=name,
        weights="model",
        tensors=tensors,
        settings=None,
        modern=_beside_eyes,
        harmless=_BESIDE,
        told=told,
        without=_without_eyes,
        fault=partial(_another, (kind,)),
    )


def _without_eyes(config: Config) -> tuple[str, ...]:
    """Pictures cannot be looked at where a file has no tower; words are read as with one."""
    return ("visual",) if config.get("vision_config", config) is None else ()


QWEN3 = _words(
    Stack(
        usual={
            "head_dim": 128,
            "hidden_size": 4096,
            "intermediate_size": 22016,
            "num_attention_heads": 32,
            "num_hidden_layers": 32,
            "num_key_value_heads": 32,
            "vocab_size": 151936,
        },
        normed=True,
    ),
    "Qwen3Model",
    types=("qwen3",),
    modern=_qwen,
)
_QWEN25: Config = {
    "hidden_size": 8192,
    "intermediate_size": 29568,
    "num_attention_heads": 64,
    "num_hidden_layers": 80,
    "num_key_value_heads": 8,
    "vocab_size": 152064,
}
QWEN25_VL = _seeing(
    Stack(usual=_QWEN25, biased=True, even=True),
    towers.qwen25,
    "Qwen2_5_VLModel",
    "qwen2_5_vl",
)
QWEN25_VL_WORDS = replace(
    _words(
        Stack(usual=_QWEN25, biased=True, even=True),
        "Qwen2_5_VLTextModel",
        types=("qwen2_5_vl_text",),
        modern=_qwen,
    ),
    module=QWEN25_VL.module,
)
QWEN3_VL = _seeing(
    Stack(
        usual={
            "head_dim": 128,
            "hidden_size": 4096,
            "intermediate_size": 22016,
            "num_attention_heads": 32,
            "num_hidden_layers": 32,
            "num_key_value_heads": 32,
            "vocab_size": 151936,
        },
        normed=True,
    ),
    towers.qwen3,
    "Qwen3VLModel",
    "qwen3_vl",
)
MISTRAL = _words(
    Stack(
        usual={
            "head_dim": None,
            "hidden_size": 4096,
            "intermediate_size": 14336,
            "num_attention_heads": 32,
            "num_hidden_layers": 32,
            "num_key_value_heads": 8,
            "vocab_size": 32000,
        },
    ),
    "MistralModel",
    types=("mistral", "mistral3"),
)
MINISTRAL3 = _words(
    Stack(
        usual={
            "head_dim": 128,
            "hidden_size": 4096,
            "intermediate_size": 14336,
            "num_attention_heads": 32,
            "num_hidden_layers": 34,
            "num_key_value_heads": 8,
            "vocab_size": 131072,
        },
    ),
    "Ministral3Model",
    types=("ministral3", "mistral3"),
)
GEMMA2 = _words(
    Stack(
        usual={
            "head_dim": 256,
            "hidden_size": 2304,
            "intermediate_size": 9216,
            "num_attention_heads": 8,
            "num_hidden_layers": 26,
            "num_key_value_heads": 4,
            "vocab_size": 256000,
        },
        norms=(
            "input_layernorm",
            "post_attention_layernorm",
            "pre_feedforward_layernorm",
            "post_feedforward_layernorm",
        ),
        head=256,
    ),
    "Gemma2Model",
    types=("gemma2",),
)
GEMMA3 = _words(
    Stack(
        usual={
            "head_dim": 256,
            "hidden_size": 2304,
            "intermediate_size": 9216,
            "num_attention_heads": 8,
            "num_hidden_layers": 26,
            "num_key_value_heads": 4,
            "vocab_size": 262_208,
        },
        normed=True,
        norms=(
            "input_layernorm",
            "post_attention_layernorm",
            "pre_feedforward_layernorm",
            "post_feedforward_layernorm",
        ),
    ),
    "Gemma3TextModel",
    types=("gemma3_text", "gemma3"),
    within="gemma3",
)
LLAMA = _words(
    Stack(
        usual={
            "head_dim": None,
            "hidden_size": 4096,
            "intermediate_size": 11008,
            "num_attention_heads": 32,
            "num_hidden_layers": 32,
            "vocab_size": 32000,
        },
    ),
    "LlamaModel",
    types=("llama",),
)


def qwen_tokenizer(name: str = "tokenizer", *processors: str) -> Tokenizer:
    """That of Qwen2.5 and Qwen3, in a folder of that name.

    `processors`: classes that have it beside what prepares pictures.
    """
    return Tokenizer(
        name=name,
        module="transformers.models.qwen2.tokenization_qwen2",
        classes=("Qwen2Tokenizer", "Qwen2TokenizerFast", *processors),
        padding="<|endoftext|>",
    )


def _fast(name: str, bare: str, padding: str, classes: tuple[str, ...]) -> Tokenizer:
    """One that a folder has as a tokenizer.json, which says all of it."""
    return Tokenizer(
        name=name,
        module="transformers",
        classes=("PreTrainedTokenizerFast", "TokenizersBackend", *classes),
        padding=padding,
        bare=bare,
    )


def mistral_tokenizer(name: str = "tokenizer") -> Tokenizer:
    """That of Mistral Small 3, in a folder of that name: beside what prepares pictures."""
    classes = ("PixtralProcessor", "LlamaTokenizer", "LlamaTokenizerFast")
    return _fast(name, "tekken", "<pad>", classes)


def gemma_tokenizer(name: str = "tokenizer", *, bare: str = "gemma2") -> Tokenizer:
    """That of Gemma 2 and 3, in a folder of that name; `bare`: as single files have it."""
    return _fast(name, bare, "<pad>", ("GemmaTokenizer", "GemmaTokenizerFast"))


def llama_tokenizer(name: str = "tokenizer") -> Tokenizer:
    """That of Llama 3, in a folder of that name."""
    return _fast(name, "llama3", "<|finetune_right_pad_id|>", ("LlamaTokenizerFast",))
