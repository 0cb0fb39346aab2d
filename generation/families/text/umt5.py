"""UMT5-XXL's encoder, which reads the words of films in many languages."""

from __future__ import annotations

from dataclasses import replace

from generation.families import encoder_files
from generation.families.architecture import Part, Stage
from generation.families.networks import UMT5, t5_tokenizer

_PREFIX = "text_encoders.umt5xxl.transformer."

UMT5_PART = Part(
    name="text_encoder",
    title="text encoder (UMT5-XXL)",
    network=UMT5,
    stage=Stage.ENCODE,
    config="text/umt5",
    prefix=_PREFIX,
    layout=encoder_files.t5(_PREFIX),
    spare=encoder_files.beside(_PREFIX, *UMT5.harmless),
    tokenizer=replace(t5_tokenizer("tokenizer"), bare="umt5"),
    file="umt5_xxl_fp16.safetensors",
)
