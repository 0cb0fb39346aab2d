"""Processors of transformers that read words and pictures, as stock pipelines ask for them."""

from __future__ import annotations

from typing import Any


def together(kind: Any, prepare: Any, tokenizer: Any) -> Any:
    """A processor of that class; transformers' own asks for torchvision, for films."""
    unasked = {"check_argument_for_proper_class": lambda *_: None}
    made = type("Processor", (kind,), unasked)
    return made(image_processor=prepare, tokenizer=tokenizer)


def with_system_words(processor: Any) -> Any:
    """With a template that puts a system's words as Qwen's does."""
    processor.chat_template = (
        "{% for message in messages %}<|im_start|>{{ message.role }}\n"
        "{% for part in message.content %}{{ part.text }}{% endfor %}<|im_end|>\n{% endfor %}"
    )
    return processor
