"""Where this installation fetches models from, as its settings say."""

from __future__ import annotations

from bot.settings import Secret, Settings
from generation.sources.places import Places


def places(settings: Settings) -> Places:
    """The addresses and tokens."""
    return Places(
        huggingface=settings.huggingface,
        modelscope=settings.modelscope,
        civitai=settings.civitai,
        huggingface_token=_revealed(settings.huggingface_token),
        modelscope_token=_revealed(settings.modelscope_token),
        civitai_token=_revealed(settings.civitai_token),
    )


def _revealed(token: Secret | None) -> str | None:
    return token.reveal() if token is not None else None
