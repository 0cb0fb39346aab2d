"""Tiny HunyuanVideos 1.5: two blocks of two heads, a thin VAE, and readers of two layers."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

from tests.given.tiny import parts, qwen_image

SCHEDULER: dict[str, object] = {
    "_class_name": "FlowMatchEulerDiscreteScheduler",
    "num_train_timesteps": 1000,
    "shift": 5.0,
}
WIDTH, QUOTED, SEEN = 32, 24, 20  # of what is said of words, of those in quotes, of pictures


def build(
    folder: Path,
    *,
    seed: int = 0,
    from_pictures: bool = False,
    leaping: bool = False,
    cfg: float = 6.0,
) -> Path:
    """Write a tiny one into `folder`; `leaping`: taught to leap over steps."""
    words = tokenizer()
    parts.saved(folder / "tokenizer", lambda: words, seed)
    parts.saved(folder / "text_encoder", partial(language_model, len(words)), seed)
    parts.saved(folder / "tokenizer_2", _letters, seed)
    parts.saved(folder / "text_encoder_2", _byt5, seed)
    kind = {"use_meanflow": leaping, "task_type": "i2v" if from_pictures else "t2v"}
    parts.saved(folder / "transformer", partial(transformer, **kind), seed)
    parts.saved(folder / "vae", vae, seed)
    index: dict[str, object] = {
        "guider": ["diffusers", "ClassifierFreeGuidance"],
        "text_encoder": ["transformers", "Qwen2_5_VLTextModel"],
        "text_encoder_2": ["transformers", "T5EncoderModel"],
        "tokenizer": ["transformers", "Qwen2Tokenizer"],
        "tokenizer_2": ["transformers", "ByT5Tokenizer"],
        "transformer": ["diffusers", "HunyuanVideo15Transformer3DModel"],
        "vae": ["diffusers", "AutoencoderKLHunyuanVideo15"],
    }
    if from_pictures:
        parts.saved(folder / "image_encoder", siglip, seed)
        parts.saved(folder / "feature_extractor", processor, seed)
        index |= {
            "feature_extractor": ["transformers", "SiglipImageProcessor"],
            "image_encoder": ["transformers", "SiglipVisionModel"],
        }
    write_guider(folder, guidance_scale=cfg)
    pipeline = f"HunyuanVideo15{'ImageToVideo' if from_pictures else ''}Pipeline"
    parts.write_index(folder, pipeline, index, SCHEDULER)
    return folder


def write_guider(folder: Path, **settings: object) -> None:
    """What guides, as its class keeps it."""
    said = {
        "_class_name": "ClassifierFreeGuidance",
        "_diffusers_version": "0.42.1",
        "enabled": True,
        "guidance_rescale": 0.0,
        "start": 0.0,
        "stop": 1.0,
        "use_original_formulation": False,
        **settings,
    }
    (folder / "guider").mkdir(exist_ok=True)
    (folder / "guider" / "guider_config.json").write_text(json.dumps(said))


def tokenizer() -> Any:
    """Qwen's, of bytes, with what it says of chats."""
    found = qwen_image.tokenizer()
    found.chat_template = parts.CHAT
    return found


def language_model(tokens: int) -> Any:
    import transformers

    config = transformers.Qwen2_5_VLTextModel.config_class(
        hidden_size=WIDTH,
        intermediate_size=48,
        num_hidden_layers=4,
        num_attention_heads=2,
        num_key_value_heads=1,
        vocab_size=tokens,
        bos_token_id=1,
        eos_token_id=2,
        rope_parameters={
            "rope_type": "default",
            "mrope_section": [2, 3, 3],
            "rope_theta": 1e6,
        },
    )
    return transformers.Qwen2_5_VLTextModel(config)


def _letters() -> Any:
    import transformers

    return transformers.ByT5Tokenizer()


def _byt5() -> Any:
    import transformers

    config = transformers.T5Config(
        d_model=QUOTED,
        d_kv=8,
        d_ff=37,
        num_heads=2,
        num_layers=2,
        feed_forward_proj="gated-gelu",
        vocab_size=384,
    )
    return transformers.T5EncoderModel(config)


def siglip() -> Any:
    import transformers

    config = transformers.SiglipVisionConfig(
        hidden_size=SEEN,
        intermediate_size=40,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=32,
        patch_size=8,
    )
    return transformers.SiglipVisionModel(config)


def processor() -> Any:
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    return SiglipImageProcessorPil(size={"height": 32, "width": 32})


def transformer(**options: Any) -> Any:
    """Films of 96 by 64 pixels are of the nearest shape to theirs that the stock pipeline draws."""
    from diffusers import HunyuanVideo15Transformer3DModel

    return HunyuanVideo15Transformer3DModel(
        num_attention_heads=2,
        attention_head_dim=16,
        num_layers=2,
        num_refiner_layers=1,
        rope_axes_dim=(4, 6, 6),
        text_embed_dim=WIDTH,
        text_embed_2_dim=QUOTED,
        image_embed_dim=SEEN,
        target_size=80,
        **options,
    )


def vae() -> Any:
    from diffusers import AutoencoderKLHunyuanVideo15

    return AutoencoderKLHunyuanVideo15(block_out_channels=(8, 8, 16, 64, 64), layers_per_block=1)
