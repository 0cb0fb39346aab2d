"""Gemma 2 2B as the text encoder of a checkpoint."""

from __future__ import annotations

from generation.families.text.encoder import encoder
from generation.families.text.language import GEMMA2, gemma_tokenizer

GEMMA2_PART = encoder(
    GEMMA2,
    title="text encoder (Gemma 2 2B)",
    config="text/gemma2",
    prefix="text_encoders.gemma2_2b.transformer.",
    classes=("Gemma2ForCausalLM",),
    tokenizer=gemma_tokenizer(),
    file="gemma_2_2b_fp16.safetensors",
)
