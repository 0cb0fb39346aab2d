"""What a codec gives: the content of a finished work, as its medium writes and compares it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """Content, of images RGB row by row; `again`: it was decoded a second time, in fp32."""

    content: bytes
    again: bool
