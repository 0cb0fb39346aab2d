"""What people call that which draws: a GPU, or the processor where there is none."""

from __future__ import annotations

from bot.languages.speaking import tr

GPU = "GPU"


def called(device: str) -> str:
    """The name for torch's "cuda", "mps" or "cpu"; before a worker has said, it is a device."""
    kind = device.partition(":")[0]
    if not kind:
        return tr("device")
    return tr("processor") if kind == "cpu" else GPU
