"""Small random parts that tiny models of several families have, and how a folder is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def saved(folder: Path, make: Callable[[], Any], seed: int) -> None:
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        make().save_pretrained(folder)


def read(folder: Path, part: str, stem: str) -> dict[str, Tensor]:
    """The tensors of a part, as they were saved."""
    from safetensors.torch import load_file

    return load_file(folder / part / f"{stem}.safetensors")


def write_index(
    folder: Path,
    pipeline: str,
    parts: dict[str, object],
    scheduler: dict[str, object],
    *,
    vae: bool = True,
) -> None:
    index = {
        "_class_name": pipeline,
        "_diffusers_version": "0.42.1",
        **({"vae": ["diffusers", "AutoencoderKL"]} if vae else {}),
        "scheduler": ["diffusers", scheduler["_class_name"]],
        **parts,
    }
    (folder / "model_index.json").write_text(json.dumps(index))
    (folder / "scheduler").mkdir()
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(scheduler))


def tiny_tokenizer() -> Any:
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import CLIPTokenizer

    letters = sorted(ByteLevel.alphabet())
    tokens = letters + [letter + "</w>" for letter in letters]
    merges = [("r", "e"), ("re", "d</w>"), ("c", "a"), ("ca", "t</w>"), ("d", "o"), ("do", "g</w>")]
    tokens += ["".join(merge) for merge in merges]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    for special in ("<|startoftext|>", "<|endoftext|>"):
        vocabulary[special] = len(vocabulary)
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=77)


def text_encoder(tokenizer: Any, kind: str, *, width: int = 32) -> Any:
    import transformers

    config = transformers.CLIPTextConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.eos_token_id,
        hidden_size=width,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=5,
        vocab_size=len(tokenizer),
        projection_dim=32,
        max_position_embeddings=77,
        hidden_act="gelu",
    )
    return getattr(transformers, kind)(config)


def vae(*, latent_channels: int = 4, scaling_factor: float = 0.18215, **options: object) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=[16, 32, 32, 32],
        in_channels=3,
        out_channels=3,
        down_block_types=["DownEncoderBlock2D"] * 4,
        up_block_types=["UpDecoderBlock2D"] * 4,
        latent_channels=latent_channels,
        norm_num_groups=8,
        scaling_factor=scaling_factor,
        **options,
    )


def t5(tokens: int) -> Any:
    import transformers

    config = transformers.T5Config(
        d_model=96,
        d_kv=8,
        d_ff=37,
        num_heads=4,
        num_layers=2,
        feed_forward_proj="gated-gelu",
        vocab_size=tokens,
    )
    return transformers.T5EncoderModel(config)


def tiny_tokenizers() -> tuple[Any, Any]:
    from transformers import T5Tokenizer

    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("\u2581", -2.0)]
    pieces += [(letter, -6.0) for letter in map(chr, range(33, 127))]
    pieces += [(word, -4.0) for word in ("\u2581red", "\u2581cat", "\u2581dog", "\u2581a")]
    pieces += [(f"<extra_id_{n}>", 0.0) for n in reversed(range(100))]
    return tiny_tokenizer(), T5Tokenizer(vocab=pieces, model_max_length=512)


def real_tokenizers() -> tuple[Any, Any]:
    from generation.modules.byte_pairs import clip as clip_tokenizer
    from generation.worker.text import t5

    return clip_tokenizer("<|endoftext|>"), t5.tokenizer()


# As Qwen's: what is said by whom, and an empty thought where none is wanted.
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n"
    "{% endif %}{% endif %}"
)


def chat_tokenizer() -> Any:
    """Qwen's, of letters alone, but for what a template ends with."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import Qwen2Tokenizer

    vocabulary = {letter: number for number, letter in enumerate(sorted(ByteLevel.alphabet()))}
    for special in ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "assistant"):
        vocabulary[special] = len(vocabulary)
    tokenizer = Qwen2Tokenizer(vocab=vocabulary, merges=[], pad_token="<|endoftext|>")
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    tokenizer.add_tokens(["assistant"])
    tokenizer.chat_template = CHAT
    return tokenizer


def qwen3(*, width: int = 32, layers: int = 3, tokens: int = 260) -> Any:
    """A tiny Qwen3 that reads what `chat_tokenizer` makes of words."""
    import transformers

    config = transformers.Qwen3Config(
        hidden_size=width,
        intermediate_size=48,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        vocab_size=tokens,
        tie_word_embeddings=True,
    )
    return transformers.Qwen3Model(config)
