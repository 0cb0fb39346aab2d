"""A tiny HiDream I1: two blocks of one head, and four text encoders."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from generation.families.text.language import LLAMA
from tests.given import languagemodels
from tests.given.tiny import flux2, parts

FULL: dict[str, object] = {
    "_class_name": "UniPCMultistepScheduler",
    "flow_shift": 3.0,
    "num_train_timesteps": 1000,
    "prediction_type": "flow_prediction",
    "use_flow_sigmas": True,
}
DEV: dict[str, object] = {
    "_class_name": "FlowMatchLCMScheduler",
    "num_train_timesteps": 1000,
    "scale_factors": None,
    "shift": 6.0,
    "upscale_mode": "bicubic",
}
FAST = DEV | {"shift": 3.0}


def build(folder: Path, *, seed: int = 0, scheduler: dict[str, object] = FULL) -> Path:
    """Write a tiny HiDream I1 Full into `folder`, or one of another scheduler."""
    clip, t5_words = parts.tiny_tokenizers()
    index: dict[str, object] = {}
    for name, width in (("", 32), ("_2", 48)):
        parts.saved(folder / f"tokenizer{name}", lambda: clip, seed)
        parts.saved(folder / f"text_encoder{name}", partial(_clip, clip, width), seed)
        index[f"text_encoder{name}"] = ["transformers", "CLIPTextModelWithProjection"]
        index[f"tokenizer{name}"] = ["transformers", "CLIPTokenizer"]
    parts.saved(folder / "tokenizer_3", lambda: t5_words, seed)
    parts.saved(folder / "text_encoder_3", partial(parts.t5, 300), seed)
    parts.saved(folder / "tokenizer_4", _llama_tokenizer, seed)
    parts.saved(folder / "text_encoder_4", _llama, seed)
    parts.saved(folder / "transformer", _transformer, seed)
    sixteen = partial(parts.vae, latent_channels=16, scaling_factor=0.3611, shift_factor=0.1159)
    bare = partial(sixteen, use_quant_conv=False, use_post_quant_conv=False)
    parts.saved(folder / "vae", bare, seed)
    index |= {
        "text_encoder_3": ["transformers", "T5EncoderModel"],
        "tokenizer_3": ["transformers", "T5Tokenizer"],
        "text_encoder_4": ["transformers", "LlamaForCausalLM"],
        "tokenizer_4": ["transformers", "PreTrainedTokenizerFast"],
        "transformer": ["diffusers", "HiDreamImageTransformer2DModel"],
    }
    parts.write_index(folder, "HiDreamImagePipeline", index, scheduler)
    return folder


def _clip(tokenizer: Any, width: int) -> Any:
    """With places for 248 tokens."""
    import transformers

    config = transformers.CLIPTextConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.eos_token_id,
        hidden_size=width,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=2,
        vocab_size=len(tokenizer),
        projection_dim=width,
        max_position_embeddings=248,
    )
    return transformers.CLIPTextModelWithProjection(config)


def _llama_tokenizer() -> Any:
    made = flux2.mistral_tokenizer()
    made.padding_side = "right"
    return made


def _llama() -> Any:
    return languagemodels.made(LLAMA, languagemodels.small("llama3.1"))


def _transformer() -> Any:
    from diffusers import HiDreamImageTransformer2DModel

    return HiDreamImageTransformer2DModel(
        patch_size=2,
        in_channels=16,
        out_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=128,
        num_attention_heads=1,
        caption_channels=[96, 32],
        text_emb_dim=32 + 48,
        num_routed_experts=2,
        num_activated_experts=1,
        axes_dims_rope=(64, 32, 32),
        max_resolution=(16, 16),
        llama_layers=[0, 2],
    )


def named(ours: dict[str, Tensor]) -> dict[str, Tensor]:
    """The transformer's tensors as files have them: by the same names."""
    return {key: tensor.clone() for key, tensor in ours.items()}
