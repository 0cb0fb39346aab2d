"""Tiny models of FLUX.2: klein, base and distilled, and dev."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

from tests.given.tiny.parts import chat_tokenizer, qwen3, saved, write_index

# As published: the levels depend on the picture's size.
SCHEDULER = {
    "_class_name": "FlowMatchEulerDiscreteScheduler",
    "num_train_timesteps": 1000,
    "shift": 3.0,
    "time_shift_type": "exponential",
    "use_dynamic_shifting": True,
}
WIDTH = 16  # of a layer of the encoder, of which the 27th is read


def build_klein(folder: Path, *, seed: int = 0, distilled: bool = True) -> Path:
    """Write a tiny FLUX.2 klein into `folder`."""
    saved(folder / "tokenizer", chat_tokenizer, seed)
    saved(folder / "text_encoder", partial(qwen3, width=WIDTH, layers=28), seed)
    saved(folder / "transformer", partial(transformer, guidance_embeds=False), seed)
    saved(folder / "vae", vae, seed)
    index: dict[str, object] = {
        "is_distilled": distilled,
        "text_encoder": ["transformers", "Qwen3ForCausalLM"],
        "tokenizer": ["transformers", "Qwen2TokenizerFast"],
    }
    _finished(folder, "Flux2KleinPipeline", index)
    return folder


def build_dev(folder: Path, *, seed: int = 0) -> Path:
    """Write a tiny FLUX.2 dev into `folder`."""
    saved(folder / "tokenizer", mistral_tokenizer, seed)
    saved(folder / "text_encoder", mistral, seed)
    saved(folder / "transformer", partial(transformer, guidance_embeds=True), seed)
    saved(folder / "vae", vae, seed)
    index: dict[str, object] = {
        "text_encoder": ["transformers", "Mistral3ForConditionalGeneration"],
        "tokenizer": ["transformers", "PixtralProcessor"],
    }
    _finished(folder, "Flux2Pipeline", index)
    return folder


def _finished(folder: Path, pipeline: str, index: dict[str, object]) -> None:
    index |= {
        "transformer": ["diffusers", "Flux2Transformer2DModel"],
        "vae": ["diffusers", "AutoencoderKLFlux2"],
    }
    write_index(folder, pipeline, index, SCHEDULER)


def transformer(*, guidance_embeds: bool) -> Any:
    from diffusers import Flux2Transformer2DModel

    return Flux2Transformer2DModel(
        attention_head_dim=16,
        axes_dims_rope=(4, 4, 4, 4),
        guidance_embeds=guidance_embeds,
        in_channels=128,
        joint_attention_dim=3 * WIDTH,
        num_attention_heads=2,
        num_layers=2,
        num_single_layers=2,
    )


def vae() -> Any:
    """One with statistics, which training leaves behind."""
    import torch
    from diffusers import AutoencoderKLFlux2

    made = AutoencoderKLFlux2(
        block_out_channels=(16, 32, 32, 32), layers_per_block=1, norm_num_groups=8
    )
    made.bn.running_mean.normal_(0.0, 0.1)
    made.bn.running_var = torch.rand(128) + 0.5
    return made


# As Mistral's: what is said by whom, of words alone.
_CHAT = (
    "{{ bos_token }}{% for message in messages %}{% if message.role == 'system' %}[SYSTEM_PROMPT]"
    "{{ message.content[0].text }}[/SYSTEM_PROMPT]{% else %}[INST]{{ message.content[0].text }}"
    "[/INST]{% endif %}{% endfor %}"
)
_SPECIAL = ("[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[INST]", "[/INST]", "[IMG]")


def mistral_tokenizer() -> Any:
    """Mistral's, of letters alone; published folders have what pictures need beside it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: n for n, token in enumerate(("<pad>", "<s>", "</s>", *letters))}
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=made,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        padding_side="left",
        additional_special_tokens=list(_SPECIAL),
    )
    tokenizer.chat_template = _CHAT
    return tokenizer


def mistral() -> Any:
    """A tiny Mistral Small 3 with its tower, of which the 30th layer is read."""
    import transformers

    config = transformers.Mistral3Config(
        text_config={
            "model_type": "mistral",
            "hidden_size": WIDTH,
            "intermediate_size": 24,
            "num_hidden_layers": 31,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "head_dim": 8,
            "vocab_size": 300,
            "sliding_window": None,
        },
        vision_config={
            "model_type": "pixtral",
            "hidden_size": 16,
            "intermediate_size": 24,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "image_size": 28,
            "patch_size": 14,
        },
    )
    return transformers.Mistral3ForConditionalGeneration(config)


Tensors = dict[str, Any]
_MODULES = {
    "x_embedder": "img_in",
    "context_embedder": "txt_in",
    "time_guidance_embed.timestep_embedder.linear_1": "time_in.in_layer",
    "time_guidance_embed.timestep_embedder.linear_2": "time_in.out_layer",
    "time_guidance_embed.guidance_embedder.linear_1": "guidance_in.in_layer",
    "time_guidance_embed.guidance_embedder.linear_2": "guidance_in.out_layer",
    "double_stream_modulation_img.linear": "double_stream_modulation_img.lin",
    "double_stream_modulation_txt.linear": "double_stream_modulation_txt.lin",
    "single_stream_modulation.linear": "single_stream_modulation.lin",
    "proj_out": "final_layer.linear",
}
_OF_BLOCKS = (
    (r"single_transformer_blocks\.(\d+)\.attn\.to_qkv_mlp_proj", r"single_blocks.\1.linear1"),
    (r"single_transformer_blocks\.(\d+)\.attn\.to_out", r"single_blocks.\1.linear2"),
    (r"single_transformer_blocks\.(\d+)\.attn\.norm_q", r"single_blocks.\1.norm.query_norm"),
    (r"single_transformer_blocks\.(\d+)\.attn\.norm_k", r"single_blocks.\1.norm.key_norm"),
    (r"transformer_blocks\.(\d+)\.attn\.to_out\.0", r"double_blocks.\1.img_attn.proj"),
    (r"transformer_blocks\.(\d+)\.attn\.to_add_out", r"double_blocks.\1.txt_attn.proj"),
    (r"transformer_blocks\.(\d+)\.attn\.norm_q", r"double_blocks.\1.img_attn.norm.query_norm"),
    (r"transformer_blocks\.(\d+)\.attn\.norm_k", r"double_blocks.\1.img_attn.norm.key_norm"),
    (
        r"transformer_blocks\.(\d+)\.attn\.norm_added_q",
        r"double_blocks.\1.txt_attn.norm.query_norm",
    ),
    (
        r"transformer_blocks\.(\d+)\.attn\.norm_added_k",
        r"double_blocks.\1.txt_attn.norm.key_norm",
    ),
    (r"transformer_blocks\.(\d+)\.ff\.linear_in", r"double_blocks.\1.img_mlp.0"),
    (r"transformer_blocks\.(\d+)\.ff\.linear_out", r"double_blocks.\1.img_mlp.2"),
    (r"transformer_blocks\.(\d+)\.ff_context\.linear_in", r"double_blocks.\1.txt_mlp.0"),
    (r"transformer_blocks\.(\d+)\.ff_context\.linear_out", r"double_blocks.\1.txt_mlp.2"),
)
_THREE = {
    "img": ("to_q", "to_k", "to_v"),
    "txt": ("add_q_proj", "add_k_proj", "add_v_proj"),
}


def named(ours: Tensors) -> Tensors:
    """The transformer by the names of Black Forest Labs' files."""
    import torch

    out: Tensors = {}
    for key, tensor in ours.items():
        module = key.removesuffix(".weight")
        if module == "norm_out.linear":
            out["final_layer.adaLN_modulation.1.weight"] = torch.cat(tensor.chunk(2)[::-1])
        elif module in _MODULES:
            out[f"{_MODULES[module]}.weight"] = tensor
        elif module.endswith((".to_q", ".add_q_proj")):
            side = "img" if module.endswith(".to_q") else "txt"
            block = module.split(".")[1]
            three = [ours[f"transformer_blocks.{block}.attn.{n}.weight"] for n in _THREE[side]]
            out[f"double_blocks.{block}.{side}_attn.qkv.weight"] = torch.cat(three)
        else:
            for pattern, theirs in _OF_BLOCKS:
                if match := re.fullmatch(pattern, module):
                    name = match.expand(theirs)
                    out[f"{name}.{'scale' if name.endswith('_norm') else 'weight'}"] = tensor
    return out
