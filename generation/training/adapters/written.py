"""Files of what was taught: safetensors whose header tells every program what it is.

    modelspec.*     Stability AI's ModelSpec: architecture, title, trigger, how it is to be used
    ss_*            kohya's, which A1111, ComfyUI's nodes and CivitAI read

Invariant: the same numbers and words give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import save
from torch import Tensor

SPEC = "1.0.1"
ARCHITECTURES = {False: "stable-diffusion-v1", True: "stable-diffusion-xl-v1-base"}
KOHYAS = {False: "sd_v1", True: "sdxl_base_v1-0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What a file says of how it came about."""

    title: str
    kind: str  # "lora", "textual-inversion", "controlnet"
    wide: bool  # an SDXL's
    side: int
    model: str
    captions: Sequence[str]
    trigger: str = ""
    hint: str = ""  # how it is to be used
    settings: Mapping[str, str] = ()  # type: ignore[assignment]

    def metadata(self) -> dict[str, str]:
        """The header's texts; of kohya's those alone that are known."""
        size = f"{self.side}x{self.side}"
        said = {
            "modelspec.sai_model_spec": SPEC,
            "modelspec.architecture": f"{ARCHITECTURES[self.wide]}/{self.kind}",
            "modelspec.implementation": "diffusers",
            "modelspec.title": self.title,
            "modelspec.resolution": size,
            "modelspec.trigger_phrase": self.trigger,
            "modelspec.usage_hint": self.hint,
            "ss_base_model_version": KOHYAS[self.wide],
            "ss_sd_model_name": self.model,
            "ss_output_name": self.title,
            "ss_resolution": f"({self.side}, {self.side})",
            "ss_num_train_images": str(len(self.captions)),
            **{f"ss_{name}": value for name, value in dict(self.settings).items()},
        }
        if self.trigger:
            tags = Counter(t.strip() for c in self.captions for t in c.split(",") if t.strip())
            counted = {self.trigger: dict(tags.most_common(50))}
            said["ss_tag_frequency"] = json.dumps(counted, sort_keys=True)
        return {name: text for name, text in said.items() if text}


def write_tensors(tensors: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str]) -> None:
    """In fp16, whole or not at all, with the digest of the numbers beside the other texts."""
    held = {name: tensors[name].detach().half().cpu().contiguous() for name in sorted(tensors)}
    bare = save(held)
    end = 8 + int.from_bytes(bare[:8], "little")
    numbers = bare[end:]
    said = {**metadata, "sshs_model_hash": hashlib.sha256(numbers).hexdigest()}
    # Written here, as the library puts the texts into another order each time.
    header = {"__metadata__": dict(sorted(said.items())), **json.loads(bare[8:end])}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(len(text).to_bytes(8, "little") + text + numbers)
    part.chmod(0o644)
    os.replace(part, path)
