"""A tiny CLIPSeg of random numbers, as transformers keeps it in a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.given.tiny.parts import saved, tiny_tokenizer

SIDE = 32  # pixels that it looks at


def build_segmenter(folder: Path, *, seed: int = 0) -> Path:
    tokenizer = tiny_tokenizer()
    saved(folder, lambda: _clipseg(tokenizer), seed)
    tokenizer.save_pretrained(folder)
    seen = {
        "image_processor_type": "ViTImageProcessor",
        "size": {"height": SIDE, "width": SIDE},
        "resample": 2,
        "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(seen))
    return folder


def _clipseg(tokenizer: Any) -> Any:
    from transformers import CLIPSegConfig, CLIPSegForImageSegmentation

    alike = {"hidden_size": 32, "intermediate_size": 37, "num_attention_heads": 4}
    config = CLIPSegConfig(
        text_config={
            **alike,
            "num_hidden_layers": 2,
            "vocab_size": len(tokenizer),
            "max_position_embeddings": 77,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.eos_token_id,
        },
        vision_config={**alike, "num_hidden_layers": 3, "image_size": SIDE, "patch_size": 8},
        projection_dim=24,
        reduce_dim=16,
        decoder_intermediate_size=37,
        extract_layers=[0, 1, 2],
        initializer_factor=20.0,  # or everything would be the same to it
    )
    return CLIPSegForImageSegmentation(config)
