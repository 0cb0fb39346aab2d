"""Where a model's numbers are: on the device, in host memory, or nowhere but in their file.

    nowhere --take_over--> on the device --leave--> nowhere, or in memory when there is a copy
    in memory --enter--> on the device            (the copy stays: to leave again costs nothing)

Numbers are moved inside the tensors that the modules hold, so a paused job, whose functions refer
to those modules, finds them again.  The invariant: whatever way they went, the same numbers come
back in the same order of memory, each tensor in memory of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor


class Residence:
    """The tensors of some modules, without adapters.  Made when they hold their numbers."""

    def __init__(self, modules: Iterable[Any]) -> None:
        tensors = [t for m in modules for t in (*m.parameters(), *m.buffers())]
        self._tensors: tuple[Tensor, ...] = tuple({id(t): t for t in tensors}.values())
        self._copies: tuple[Tensor, ...] | None = None
        self.bytes = sum(t.nbytes for t in self._tensors)
        self.on_device = True

    @property
    def in_memory(self) -> bool:
        """Whether host memory has a copy."""
        return self._copies is not None

    @property
    def nowhere(self) -> bool:
        """Whether only the file has the numbers."""
        return not self.on_device and self._copies is None

    def copy_to_memory(self) -> None:
        """Keep a copy in host memory, where a GPU can fetch it by itself."""
        self._copies = tuple(_copied_to_host(t.data) for t in self._tensors)

    def settle_in_memory(self) -> None:
        """What was loaded on the processor is to be copied to a GPU from there."""
        with torch.inference_mode(False):
            for tensor in self._tensors:
                tensor.data = _pinned(tensor.data)
            self._copies = tuple(tensor.data for tensor in self._tensors)
            self.on_device = False

    def forget_copy(self) -> None:
        """Give the host memory back."""
        self._copies = None
        if not self.on_device:
            self.leave()

    def leave(self) -> None:
        """Give the device's memory back."""
        with torch.inference_mode(False):
            for number, tensor in enumerate(self._tensors):
                if self._copies is not None:
                    tensor.data = self._copies[number]
                else:
                    tensor.data = torch.empty(0, dtype=tensor.dtype, device=tensor.device)
            self.on_device = False

    def enter(self, device: torch.device) -> None:
        """Bring the copy to the device."""
        if self._copies is None:
            raise ValueError("there is no copy in memory")
        with torch.inference_mode(False):
            for tensor, copy in zip(self._tensors, self._copies, strict=True):
                tensor.data = copy.to(device, non_blocking=True, copy=True)
            self.on_device = True

    def take_over(self, fresh: Residence) -> None:
        """Have the numbers of the same weights, read again; `fresh` is not to be used any more."""
        with torch.inference_mode(False):
            for mine, other in zip(self._tensors, fresh._tensors, strict=True):
                mine.data = other.data
            self._copies = fresh._copies
            self.on_device = fresh.on_device


def _copied_to_host(tensor: Tensor) -> Tensor:
    """With the same strides: they choose among kernels that differ in their last bits."""
    return _empty_in_host(tensor).copy_(tensor)


def _pinned(tensor: Tensor) -> Tensor:
    return _copied_to_host(tensor) if torch.cuda.is_available() else tensor


def _empty_in_host(tensor: Tensor) -> Tensor:
    """Page-locked where there is a GPU and the system allows it; slower, but as good, if not."""
    if torch.cuda.is_available():
        try:
            return torch.empty_like(tensor, device="cpu", pin_memory=True)
        except RuntimeError:
            pass
    return torch.empty_like(tensor, device="cpu")
