"""A tiny Lumina-Image 2.0: Gemma 2 with its pieces, and FLUX.1's VAE."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from generation.worker.text.pieces import gemma
from tests.given.languagemodels import as_pieces
from tests.given.tiny import parts

SCHEDULER: dict[str, object] = {
    "_class_name": "FlowMatchEulerDiscreteScheduler",
    "num_train_timesteps": 1000,
    "use_dynamic_shifting": False,
}
WIDTH = 32  # of the text encoder's states
_WORDS = ("▁", "a", "c", "t", "at", "cat", "▁cat", "▁a", "<", "S", "start")
_GIVEN = [
    *(("<pad>", 3), ("<eos>", 3), ("<bos>", 3), ("<unk>", 2)),
    *((f"<0x{byte:02X}>", 6) for byte in range(256)),
    *((word, 1) for word in _WORDS),
]
PIECES = as_pieces([(text, -float(n), kind) for n, (text, kind) in enumerate(_GIVEN)])


def build(folder: Path, *, seed: int = 0, shift: float = 6.0) -> Path:
    """Write one into `folder`, or one of NetaYume's shift."""
    parts.saved(folder / "tokenizer", lambda: gemma(PIECES, "it"), seed)
    parts.saved(folder / "text_encoder", _gemma2, seed)
    parts.saved(folder / "transformer", _transformer, seed)
    sixteen = partial(parts.vae, latent_channels=16, scaling_factor=0.3611, shift_factor=0.1159)
    parts.saved(
        folder / "vae", partial(sixteen, use_quant_conv=False, use_post_quant_conv=False), seed
    )
    index: dict[str, object] = {
        "text_encoder": ["transformers", "Gemma2Model"],
        "tokenizer": ["transformers", "GemmaTokenizerFast"],
        "transformer": ["diffusers", "Lumina2Transformer2DModel"],
    }
    parts.write_index(folder, "Lumina2Pipeline", index, {**SCHEDULER, "shift": shift})
    return folder


def _gemma2() -> Any:
    import transformers

    config = transformers.Gemma2Config(
        hidden_size=WIDTH,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        vocab_size=len(_GIVEN),
    )
    return transformers.Gemma2Model(config)


def _transformer() -> Any:
    """Three heads of queries look at one of keys and values, as in the real one."""
    from diffusers import Lumina2Transformer2DModel

    return Lumina2Transformer2DModel(
        axes_dim_rope=[8, 4, 4],
        axes_lens=[1536, 64, 64],
        cap_feat_dim=WIDTH,
        hidden_size=96,
        multiple_of=32,
        num_attention_heads=6,
        num_kv_heads=2,
        num_layers=2,
        num_refiner_layers=1,
    )


_NAMES = {
    "time_caption_embed.caption_embedder": "cap_embedder",
    "time_caption_embed.timestep_embedder.linear_1": "t_embedder.mlp.0",
    "time_caption_embed.timestep_embedder.linear_2": "t_embedder.mlp.2",
    "norm_out.linear_1": "final_layer.adaLN_modulation.1",
    "norm_out.linear_2": "final_layer.linear",
    ".attn.": ".attention.",
    ".to_out.0.": ".out.",
    ".norm_q.": ".q_norm.",
    ".norm_k.": ".k_norm.",
    ".linear_": ".w",
    "norm1.linear": "adaLN_modulation.1",
    "norm1.norm": "attention_norm1",
    ".norm1.": ".attention_norm1.",
    ".norm2.": ".attention_norm2.",
}


def named(ours: dict[str, Tensor]) -> dict[str, Tensor]:
    """The transformer's tensors as the makers' files have them."""
    out: dict[str, Tensor] = {}
    for key, tensor in ours.items():
        name = key
        for diffusers, theirs in _NAMES.items():
            name = name.replace(diffusers, theirs)
        if name.endswith(".to_q.weight"):
            three = [ours[key.replace(".to_q.", f".to_{one}.")] for one in "qkv"]
            out[name.replace(".to_q.", ".qkv.")] = torch.cat(three)
        elif ".to_" not in name:
            out[name] = tensor.clone()
    return out


def words(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The encoder's tensors in a whole file, with the tokenizer's pieces beside them."""
    return {
        **{f"{prefix}model.{key}": tensor for key, tensor in tensors.items()},
        "text_encoders.gemma2_2b.logit_scale": torch.ones(()),
        "text_encoders.spiece_model": torch.frombuffer(bytearray(PIECES), dtype=torch.uint8),
    }
