"""Captioners by the model_type in the config.json of their folders (`generation.catalog`)."""

from __future__ import annotations

from collections.abc import Mapping

from generation.catalog.captioners import OURS
from generation.worker.captioners.attributes import AttributeCaptioner
from generation.worker.captioners.blip import BlipCaptioner
from generation.worker.captioners.captioner import Captioner, network_of_transformers
from generation.worker.captioners.florence2 import Florence2Captioner
from generation.worker.captioners.qwen_vl import QwenCaptioner
from generation.worker.captioners.smolvlm import SmolVlmCaptioner

_QWEN2_5 = network_of_transformers("qwen2_5_vl", "Qwen2_5_VLForConditionalGeneration")
_QWEN3 = network_of_transformers("qwen3_vl", "Qwen3VLForConditionalGeneration")
_IDEFICS3 = network_of_transformers("idefics3", "Idefics3ForConditionalGeneration")
_SMOLVLM = network_of_transformers("smolvlm", "SmolVLMForConditionalGeneration")

CAPTIONERS: Mapping[str, Captioner] = {
    OURS: AttributeCaptioner(),
    "florence2": Florence2Captioner(),
    "blip": BlipCaptioner(),
    "qwen2_5_vl": QwenCaptioner(network=_QWEN2_5),
    "qwen3_vl": QwenCaptioner(network=_QWEN3),
    "idefics3": SmolVlmCaptioner(network=_IDEFICS3),
    "smolvlm": SmolVlmCaptioner(network=_SMOLVLM),
}
