"""Tiny captioners of random numbers, each as transformers keeps its kind in a folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tests.given.tiny.parts import saved

SIDE = 32  # pixels that they look at
_SPECIAL = (
    *("<s>", "<pad>", "</s>", "<image>", "<|im_start|>", "<|im_end|>", "<|vision_start|>"),
    *("<|vision_end|>", "<|image_pad|>", "<fake_token_around_image>", "<global-img>"),
    "<end_of_utterance>",
)
_ALIKE = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1}
_CLIP_LIKE = {
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "do_resize": True,
    "size": {"height": SIDE, "width": SIDE},
}


def tokenizer_of_letters() -> Any:
    """Every byte is a token."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*_SPECIAL, *letters]
    inner = Tokenizer(models.BPE({token: n for n, token in enumerate(tokens)}, []))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        extra_special_tokens=list(_SPECIAL[3:]),
    )


def _id(token: str) -> int:
    return _SPECIAL.index(token)


_WORDS = len(_SPECIAL) + 256
_ENDS = {"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2}


def _blip() -> Any:
    from transformers import BlipConfig, BlipForConditionalGeneration

    text = {**_ALIKE, **_ENDS, "vocab_size": _WORDS, "encoder_hidden_size": 16, "sep_token_id": 2}
    sight = {**_ALIKE, "num_attention_heads": 2, "image_size": SIDE, "patch_size": 16}
    config = BlipConfig(
        text_config={**text, "num_attention_heads": 2, "max_position_embeddings": 128},
        vision_config={**sight, "initializer_range": 0.5},
        projection_dim=16,
    )
    return BlipForConditionalGeneration(config)


def _florence2() -> Any:
    from transformers import Florence2Config, Florence2ForConditionalGeneration

    four = {
        "embed_dim": (8,) * 4,
        "num_heads": (2,) * 4,
        "num_groups": (2,) * 4,
        "depths": (1,) * 4,
    }
    sight = {**four, "window_size": 4, "projection_dim": 16, "max_temporal_embeddings": 4}
    text = {
        **{f"{side}_layers": 1 for side in ("encoder", "decoder")},
        **{f"{side}_attention_heads": 2 for side in ("encoder", "decoder")},
        **{f"{side}_ffn_dim": 32 for side in ("encoder", "decoder")},
    }
    config = Florence2Config(
        vision_config={"model_type": "florence_vision", **sight, "max_position_embeddings": 16},
        text_config={
            "model_type": "bart",
            "vocab_size": _WORDS,
            "d_model": 16,
            "max_position_embeddings": 256,
            "init_std": 0.5,
            **text,
            **_ENDS,
        },
        image_token_id=_id("<image>"),
    )
    return Florence2ForConditionalGeneration(config)


def _qwen(name: str) -> Any:
    import transformers

    turns = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 1e4}
    text = {**_ALIKE, **_ENDS, "vocab_size": _WORDS, "rope_parameters": turns, "head_dim": 8}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 1024}
    sight = {
        "depth": 1,
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_heads": 2,
        "out_hidden_size": 16,
        "patch_size": 4,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
    }
    more: dict[str, Any] = {"window_size": 16, "fullatt_block_indexes": [0]}
    if name == "Qwen3VL":
        more = {"num_position_embeddings": 64, "deepstack_visual_indexes": [0]}
    config = getattr(transformers, f"{name}Config")(
        text_config={**text, **heads, "initializer_range": 0.5},
        vision_config={**sight, **more, "initializer_range": 0.5},
        image_token_id=_id("<|image_pad|>"),
        vision_start_token_id=_id("<|vision_start|>"),
        vision_end_token_id=_id("<|vision_end|>"),
    )
    return getattr(transformers, f"{name}ForConditionalGeneration")(config)


def _smolvlm(name: str) -> Any:
    import transformers

    text = {**_ALIKE, **_ENDS, "vocab_size": _WORDS, "initializer_range": 0.5}
    sight = {**_ALIKE, "num_attention_heads": 2, "image_size": SIDE, "patch_size": 8}
    config = getattr(transformers, f"{name}Config")(
        text_config={
            "model_type": "llama",
            **text,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
        },
        vision_config={
            "model_type": f"{name.lower()}_vision",
            **sight,
            "initializer_range": 0.5,
        },
        image_token_id=_id("<image>"),
        scale_factor=2,
    )
    return getattr(transformers, f"{name}ForConditionalGeneration")(config)


_MADE: Mapping[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "blip": (_blip, {"image_processor_type": "BlipImageProcessor", **_CLIP_LIKE}),
    "florence2": (_florence2, {"image_processor_type": "CLIPImageProcessor", **_CLIP_LIKE}),
    **{
        kind: (
            partial(_qwen, name),
            {
                "image_processor_type": "Qwen2VLImageProcessor",
                "patch_size": 4,
                "merge_size": 2,
                "temporal_patch_size": 2,
                "min_pixels": 64,
                "max_pixels": 1024,
            },
        )
        for kind, name in (("qwen2_5_vl", "Qwen2_5_VL"), ("qwen3_vl", "Qwen3VL"))
    },
    **{
        kind: (
            partial(_smolvlm, name),
            {
                "image_processor_type": f"{name}ImageProcessor",
                "size": {"longest_edge": 4 * SIDE},
                "max_image_size": {"longest_edge": SIDE},
                "do_image_splitting": True,
                "do_pad": True,
            },
        )
        for kind, name in (("idefics3", "Idefics3"), ("smolvlm", "SmolVLM"))
    },
}
KINDS = tuple(_MADE)


def build_captioner(folder: Path, kind: str, *, seed: int = 0) -> Path:
    """A captioner of that model_type."""
    make, seen = _MADE[kind]
    saved(folder, make, seed)
    tokenizer_of_letters().save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(seen))
    return folder
