"""Which kinds of adapters there are."""

from __future__ import annotations

from collections.abc import Mapping

from generation.worker.adapters.adapter import AdapterKind
from generation.worker.adapters.controlnet import ControlNet
from generation.worker.adapters.embedding import Embedding
from generation.worker.adapters.lora import Lora

KINDS: Mapping[str, AdapterKind] = {
    "lora": Lora(),
    "embedding": Embedding(),
    "controlnet": ControlNet(),
}
