"""Which kinds of adapters there are."""

from __future__ import annotations

from collections.abc import Mapping

from generation.worker.adapters.adapter import AdapterKind
from generation.worker.adapters.embedding import Embedding
from generation.worker.adapters.lora import Lora
from generation.worker.adapters.network import OwnNetwork

KINDS: Mapping[str, AdapterKind] = {
    "lora": Lora(),
    "embedding": Embedding(),
    "controlnet": OwnNetwork(),
    "motion": OwnNetwork(),
}
