"""Tiny Shap-Es: a prior of two blocks, a renderer eight wide, and CLIP for words or for pictures.

Built as the published ones are: all layers of the field but the last are generated, a direction
is read before the fifth, and the sample lies in -1 to 1.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from tests.given.tiny import parts

SCHEDULER: dict[str, object] = {
    "_class_name": "HeunDiscreteScheduler",
    "beta_end": 0.02,
    "beta_schedule": "exp",
    "beta_start": 0.0001,
    "clip_sample": True,
    "clip_sample_range": 1.0,
    "num_train_timesteps": 1024,
    "prediction_type": "sample",
    "trained_betas": None,
    "use_karras_sigmas": True,
}
WIDTH, TOLD, SIDE = 8, 32, 32


def build(folder: Path, *, seed: int = 0) -> Path:
    """Write one for words into `folder`."""
    tokenizer = parts.tiny_tokenizer()
    parts.saved(folder / "tokenizer", lambda: tokenizer, seed)
    make = partial(parts.text_encoder, tokenizer, "CLIPTextModelWithProjection", width=32)
    parts.saved(folder / "text_encoder", make, seed)
    index: dict[str, object] = {
        "text_encoder": ["transformers", "CLIPTextModelWithProjection"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
    }
    return _whole(folder, "ShapEPipeline", index, seed)


def build_image(folder: Path, *, seed: int = 0) -> Path:
    """Write one for pictures into `folder`."""
    parts.saved(folder / "image_processor", processor, seed)
    parts.saved(folder / "image_encoder", _sight, seed)
    index: dict[str, object] = {
        "image_encoder": ["transformers", "CLIPVisionModel"],
        "image_processor": ["transformers", "CLIPImageProcessor"],
    }
    return _whole(folder, "ShapEImg2ImgPipeline", index, seed, embedding_proj_norm_type="layer")


def _whole(
    folder: Path, pipeline: str, index: dict[str, object], seed: int, **prior: object
) -> Path:
    parts.saved(folder / "prior", partial(_prior, **prior), seed)
    parts.saved(folder / "shap_e_renderer", renderer, seed)
    index |= {
        "prior": ["diffusers", "PriorTransformer"],
        "shap_e_renderer": ["shap_e", "ShapERenderer"],
    }
    parts.write_index(folder, pipeline, index, SCHEDULER, vae=False)
    return folder


def _prior(**others: object) -> Any:
    from diffusers import PriorTransformer

    return PriorTransformer(
        **{
            "num_attention_heads": 2,
            "attention_head_dim": 16,
            "num_layers": 2,
            "embedding_dim": 16,
            "num_embeddings": 4 * WIDTH,
            "additional_embeddings": 0,
            "embedding_proj_dim": TOLD,
            "time_embed_dim": 64,
            "clip_embed_dim": 32,
            "time_embed_act_fn": "gelu",
            "norm_in_type": "layer",
            "encoder_hid_proj_type": None,
            "added_emb_type": None,
            **others,
        }
    )


def renderer() -> Any:
    """One in which random latents have a surface, by a table as real checkpoints have it."""
    import torch
    from diffusers.pipelines.shap_e.renderer import ShapERenderer

    from generation.training.form.triangles import tables

    made = ShapERenderer(
        param_shapes=((WIDTH, 93), (WIDTH, WIDTH), (WIDTH, WIDTH), (WIDTH, WIDTH)),
        d_latent=16,
        d_hidden=WIDTH,
    )
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if "params_proj" in name:
                parameter.copy_(torch.randn_like(parameter))
    for buffer, table in zip(
        (made.mesh_decoder.cases, made.mesh_decoder.masks), tables(), strict=True
    ):
        buffer.copy_(table)
    return made


def _sight() -> Any:
    import transformers

    return transformers.CLIPVisionModel(
        transformers.CLIPVisionConfig(
            hidden_size=TOLD,
            intermediate_size=37,
            num_attention_heads=4,
            num_hidden_layers=2,
            image_size=SIDE,
            patch_size=8,
            projection_dim=32,
        )
    )


def processor() -> Any:
    """What brings pictures to the encoder's size."""
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    return CLIPImageProcessorPil(
        size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}
    )
