"""A random little Llama in a GGUF file, as the built-in assistant is: for tests of both engines.

Its answers are noise under the grammar; what matters is that they are the same noise everywhere.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import gguf
import numpy as np

from prompting.writers import template
from prompting.writers.bpe import _LETTERS, split

WIDTH, LAYERS, HEADS, KEPT, FORWARD = 64, 2, 4, 2, 96

_TEXT = (
    "a red cat in the snow, soft light, watercolor, no people. two blue birds on a tree at night "
    "system user assistant tags en zh prose starter 一只红色的猫在雪地里 水彩 "
    + template.answer(subject="a cat", details=["soft light"], style=["flat"], avoid=["text"])
) * 2


def merges(text: str, count: int) -> list[tuple[str, str]]:
    """Byte-pair merges learned from a text."""
    words = [[_LETTERS[byte] for byte in word.encode()] for word in split(text)]
    out: list[tuple[str, str]] = []
    for _ in range(count):
        seen: dict[tuple[str, str], int] = {}
        for word in words:
            for pair in pairwise(word):
                seen[pair] = seen.get(pair, 0) + 1
        if not seen:
            break
        best = max(seen, key=lambda pair: (seen[pair], pair))
        out.append(best)
        for index, word in enumerate(words):
            words[index] = _merged(word, best)
    return out


def _merged(word: list[str], pair: tuple[str, str]) -> list[str]:
    out: list[str] = []
    for part in word:
        if out and (out[-1], part) == pair:
            out[-1] += part
        else:
            out.append(part)
    return out


def write(
    path: Path,
    *,
    seed: int = 0,
    mark: str | None = template.VERSION,
    chat: str | None = template.CHATML,
    context: int = 512,
    layers: int = LAYERS,
    kind: gguf.GGMLQuantizationType = gguf.GGMLQuantizationType.F32,
) -> Path:
    """Write the file; `mark` None makes it a stranger's chat model, `chat` None none at all."""
    out = gguf.GGUFWriter(path, "llama")
    out.add_name("tiny random assistant")
    size = add_tokens(out)
    out.add_context_length(context)
    out.add_embedding_length(WIDTH)
    out.add_block_count(layers)
    out.add_feed_forward_length(FORWARD)
    out.add_head_count(HEADS)
    out.add_head_count_kv(KEPT)
    out.add_layer_norm_rms_eps(1e-5)
    out.add_rope_dimension_count(WIDTH // HEADS)
    out.add_rope_freq_base(10000.0)
    if chat is not None:
        out.add_chat_template(chat)
    if mark is not None:
        out.add_string(template.MARK, mark)
    _weights(out, size, layers, np.random.default_rng(seed), kind)
    return closed(out, path)


def closed(out: gguf.GGUFWriter, path: Path) -> Path:
    """The file, written to its end."""
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    return path


def add_tokens(out: gguf.GGUFWriter, *, most: int = 0) -> int:
    """Write the tokenizer, filled up to `most` tokens with words that nobody says; its size."""
    pairs = merges(_TEXT, 200)
    special = [template.PAD, template.START, template.END, *template.PLACEHOLDERS]
    texts = [*special, *_LETTERS.values(), *dict.fromkeys(a + b for a, b in pairs)]
    texts += [f"zq{number}" for number in range(len(texts), most)]
    types = [gguf.TokenType.CONTROL] * 3
    types += [gguf.TokenType.USER_DEFINED] * len(template.PLACEHOLDERS)
    types += [gguf.TokenType.NORMAL] * (len(texts) - len(special))
    out.add_vocab_size(len(texts))
    out.add_tokenizer_model("gpt2")
    out.add_tokenizer_pre("gpt-2")
    out.add_token_list(texts)
    out.add_token_types(types)
    out.add_token_merges([" ".join(pair) for pair in pairs])
    out.add_bos_token_id(1)
    out.add_eos_token_id(2)
    out.add_pad_token_id(0)
    out.add_add_bos_token(False)
    out.add_add_eos_token(False)
    out.add_add_space_prefix(False)
    return len(texts)


def _weights(
    out: gguf.GGUFWriter,
    vocabulary: int,
    layers: int,
    dice: np.random.Generator,
    kind: gguf.GGMLQuantizationType,
) -> None:
    def put(name: str, *shape: int) -> None:
        if len(shape) == 1:
            out.add_tensor(f"{name}.weight", 1 + 0.1 * dice.standard_normal(shape, np.float32))
            return
        scale = np.float32(2.0 / np.sqrt(shape[-1]))
        data = dice.standard_normal(shape, np.float32) * scale
        out.add_tensor(f"{name}.weight", gguf.quants.quantize(data, kind), raw_dtype=kind)

    width = WIDTH // HEADS
    put("token_embd", vocabulary, WIDTH)
    put("output_norm", WIDTH)
    for layer in range(layers):
        block = f"blk.{layer}"
        put(f"{block}.attn_norm", WIDTH)
        put(f"{block}.ffn_norm", WIDTH)
        put(f"{block}.attn_q", WIDTH, WIDTH)
        put(f"{block}.attn_k", KEPT * width, WIDTH)
        put(f"{block}.attn_v", KEPT * width, WIDTH)
        put(f"{block}.attn_output", WIDTH, WIDTH)
        put(f"{block}.ffn_gate", FORWARD, WIDTH)
        put(f"{block}.ffn_up", FORWARD, WIDTH)
        put(f"{block}.ffn_down", WIDTH, FORWARD)
