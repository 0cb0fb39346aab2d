"""What SimCord's page computes anew for every snapshot, remembered.

A snapshot of 50 messages builds a Markdown parser for each text and hashes each picture twice; it
blocks the event loop that the bot works in.  Both results depend on their input alone.

Invariant: the page shows the same with and without this module, only later without.
"""

from __future__ import annotations

import hashlib
import pickle
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from simcord.preview import (
    _assets,
    _component_projection,
    _markdown,
    _messages,
    _pages,
    _queries,
    _snapshot,
)

REMEMBERED_TEXTS = 4000
PARSING = (_component_projection, _messages, _queries, _snapshot)
HASHING = (_assets, _pages)


class Known(bytes):
    """Bytes that keep their SHA-256 once it has been asked for."""

    digest: str | None = None

    def hexdigest(self) -> str:
        if self.digest is None:
            self.digest = hashlib.sha256(self).hexdigest()
        return self.digest


def _sha256(data: bytes) -> Any:
    return data if isinstance(data, Known) else hashlib.sha256(data)


def remember_markdown() -> None:
    """Let the page parse each text once.  A second call changes nothing."""
    parse = _markdown.markdown_tokens

    @lru_cache(REMEMBERED_TEXTS)
    def parsed(text: str, profile: str, context: bytes) -> bytes:
        return pickle.dumps(parse(text, profile, context=pickle.loads(context)))

    def tokens(value: Any, profile: str = "message", *, context: Any = None) -> Any:
        if value is None:
            return []
        # Copies: the page writes into what it is given.
        return pickle.loads(parsed(str(value), profile, pickle.dumps(context)))

    for module in PARSING:
        if module.markdown_tokens is parse:
            module.markdown_tokens = tokens


def remember_digests(cdn: Any) -> None:
    """Let the page hash each file once."""
    for module in HASHING:
        module.hashlib = SimpleNamespace(sha256=_sha256)
    store = cdn.store_attachment

    def keep(number: int, channel: int, name: str, data: bytes, description: str | None) -> Any:
        return store(number, channel, name, Known(data), description)

    cdn.store_attachment = keep
