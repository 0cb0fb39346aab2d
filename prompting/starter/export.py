"""Writes a trained checkpoint as the GGUF that is shipped.

    python -m prompting.starter.export var/assistant --to prompting/starter/assistant.gguf

The invariant: everything that a runner needs is in the file: weights, tokenizer, chat template, and
the version of the turns that it was trained with.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import gguf
import numpy as np
import torch

from prompting.starter.model import Shape
from prompting.writers import template

GGUF = Path(__file__).with_name("assistant.gguf")
READER = Path(__file__).with_name("reader.gguf")  # of replies


def write(path: Path, folder: Path, shape: Shape | None = None) -> None:
    """Write `checkpoint.pt` and `tokenizer.json` of the folder as one file, whole or not at all."""
    shape = shape or Shape()
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    part = path.with_suffix(".part")
    writer = gguf.GGUFWriter(part, "llama")
    _describe(writer, shape)
    _add_tokenizer(writer, json.loads((folder / "tokenizer.json").read_text("utf-8")))
    for name, tensor in state.items():
        values = tensor.float().numpy()
        writer.add_tensor(name, values.astype(np.float16 if values.ndim > 1 else np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    part.replace(path)


def _describe(writer: gguf.GGUFWriter, shape: Shape) -> None:
    writer.add_name("Atelier prompt assistant")
    writer.add_license("MIT")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_quantization_version(2)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.inner)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kept_heads)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_string(template.MARK, template.VERSION)


def _add_tokenizer(writer: gguf.GGUFWriter, tokenizer: dict[str, dict[str, object]]) -> None:
    vocabulary: dict[str, int] = tokenizer["model"]["vocab"]  # type: ignore[assignment]
    merges: list[str | list[str]] = tokenizer["model"]["merges"]  # type: ignore[assignment]
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    kinds = dict.fromkeys((template.PAD, template.START, template.END), gguf.TokenType.CONTROL)
    kinds |= dict.fromkeys(template.PLACEHOLDERS, gguf.TokenType.USER_DEFINED)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([kinds.get(token, gguf.TokenType.NORMAL) for token in tokens])
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in merges])
    writer.add_bos_token_id(vocabulary[template.START])
    writer.add_eos_token_id(vocabulary[template.END])
    writer.add_pad_token_id(vocabulary[template.PAD])
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(template.CHATML)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where checkpoint.pt and tokenizer.json lie")
    parser.add_argument("--to", type=Path, default=GGUF)
    asked = parser.parse_args()
    write(asked.to, asked.folder)
    print(f"wrote {asked.to}: {asked.to.stat().st_size} bytes")


if __name__ == "__main__":
    main()
