"""What people call that which draws: a GPU, or the processor where there is none."""

from __future__ import annotations

GPU = "GPU"


def called(device: str) -> str:
    """The name for torch's "cuda", "mps" or "cpu"; before a worker has said, it is a device."""
    return {"": "device", "cpu": "processor"}.get(device.partition(":")[0], GPU)
