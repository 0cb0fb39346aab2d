"""The addresses of the places that models come from, and who asks there.

Invariant: nothing is fetched from a host that is not named here, or that one of these sends us to;
chat names models, never addresses of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field

HUGGINGFACE = "https://huggingface.co"
MODELSCOPE = "https://modelscope.cn"
CIVITAI = "https://civitai.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Base addresses, without a slash at the end, and tokens."""

    huggingface: str = HUGGINGFACE
    modelscope: str = MODELSCOPE
    civitai: str = CIVITAI
    huggingface_token: str | None = field(default=None, repr=False)
    modelscope_token: str | None = field(default=None, repr=False)
    civitai_token: str | None = field(default=None, repr=False)


def bearer(token: str | None) -> dict[str, str]:
    """The header that says who asks; none without a token."""
    return {"Authorization": f"Bearer {token}"} if token else {}
