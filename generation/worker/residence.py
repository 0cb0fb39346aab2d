"""Where a part's numbers are: on the device, in host memory, or nowhere but in their file.

    nowhere --enter--> on the device --leave--> nowhere, or in memory when there is a copy
    nowhere --stream--> on the device, block by block --leave--> the same
    nowhere --enter_memory--> in memory --enter--> on the device   (the copy stays: to leave again
                                                                    costs nothing)

Numbers are moved inside the tensors that the module holds, so a paused job, whose functions refer
to that module, finds them again.  The invariant: whatever way they went, the same numbers come
back in the same order of memory, each tensor aligned as torch aligns its own (torch computes
differently on others); and what is nowhere keeps its shape and takes no memory.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from math import prod
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from generation.worker.streaming import Blocks, Streaming, blocks_of

ALIGNED = 64  # bytes

MayGoOn = Callable[[], bool]


def always() -> bool:
    """The answer where nobody can ask for an end."""
    return True


class Numbers(Protocol):
    """Where a module's numbers come from, as often as they are wanted."""

    def read(self, into: Sequence[Tensor], may_go_on: MayGoOn) -> None:
        """Fill these: one for each of the module's tensors, in the order of `tensors_of`.

        Raises UnusableWeights, and Cancelled when `may_go_on`, asked now and then, says no.
        """


@runtime_checkable
class Divisible(Numbers, Protocol):
    """Numbers that can be read for some of the tensors alone."""

    def some(self, which: Sequence[int]) -> Numbers:
        """Those of these tensors, by their numbers in the module's order."""


def tensors_of(module: Any) -> tuple[Tensor, ...]:
    """The parameters and buffers of a module, each once."""
    tensors = (*module.parameters(), *module.buffers())
    return tuple({id(tensor): tensor for tensor in tensors}.values())


class Residence:
    """The tensors of a module, without adapters.  Made while they have their shapes."""

    def __init__(self, module: Any, numbers: Numbers) -> None:
        self._tensors = tensors_of(module)
        self._numbers = numbers
        self._shapes = tuple((tuple(t.shape), t.dtype) for t in self._tensors)
        self._copies: tuple[Tensor, ...] | None = None
        self._blocks: Blocks = blocks_of(module, self._tensors)
        self._streaming: Streaming | None = None
        self._kept_bytes = 0  # of a streamed module: of what stays
        self._ahead = False
        self.bytes = sum(t.nbytes for t in self._tensors)
        self.on_device = True
        self.leave()

    @property
    def in_memory(self) -> bool:
        """Whether host memory has a copy."""
        return self._copies is not None

    @property
    def nowhere(self) -> bool:
        """Whether only the file has the numbers."""
        return not self.on_device and self._copies is None

    @property
    def streaming(self) -> bool:
        """Whether its blocks come one after the other."""
        return self._streaming is not None

    @property
    def held_bytes(self) -> int:
        """What it takes of the device, at its worst moment while it stays as it is."""
        if self._streaming is None:
            return self.bytes if self.on_device else 0
        return self._kept_bytes + self._blocks.worst(ahead=self._ahead)

    @property
    def owed_bytes(self) -> int:
        """What of that is not there at the moment."""
        if self._streaming is None:
            return 0
        return max(0, self.held_bytes - self._kept_bytes - self._streaming.bytes)

    def least_bytes(self, device: torch.device) -> int:
        """What it takes where its blocks come one after the other."""
        if not isinstance(self._numbers, Divisible):
            return self.bytes
        streamed = self._blocks.rest_bytes + self._blocks.worst(ahead=device.type == "cuda")
        return min(self.bytes, streamed)

    def copy_to_memory(self) -> None:
        """Keep a copy in host memory, where a GPU can fetch it by itself."""
        copies = self._room_in_host()
        for copy, tensor in zip(copies, self._tensors, strict=True):
            copy.copy_(tensor.data)
        self._copies = copies

    def enter_memory(self, may_go_on: MayGoOn = always) -> None:
        """Read the numbers into host memory.  Raises as `Numbers.read` does."""
        copies = self._room_in_host()
        self._numbers.read(copies, may_go_on)
        self._copies = copies
        self.leave()

    def forget_copy(self) -> None:
        """Give the host memory back."""
        self._copies = None
        if not self.on_device:
            self.leave()

    def leave(self) -> None:
        """Give the device's memory back."""
        self._end_streaming()
        with torch.inference_mode(False):
            for number, tensor in enumerate(self._tensors):
                if self._copies is not None:
                    tensor.data = self._copies[number]
                else:
                    tensor.data = self._nothing(number, tensor.device)
            self.on_device = False

    def enter(self, device: torch.device, may_go_on: MayGoOn = always) -> None:
        """Bring the copy to the device, or read the numbers.  Raises as `Numbers.read` does."""
        self._end_streaming()
        with torch.inference_mode(False):
            room = _room(self._shapes, device)
            if self._copies is None:
                self._numbers.read(room, may_go_on)
            else:
                for tensor, copy in zip(room, self._copies, strict=True):
                    tensor.copy_(copy, non_blocking=True)
            for mine, tensor in zip(self._tensors, room, strict=True):
                mine.data = tensor
            self.on_device = True

    def stream(self, device: torch.device, room: int, may_go_on: MayGoOn = always) -> None:
        """Have the device hold no more than `room` bytes at a time, but `least_bytes` in any case.

        Raises as `Numbers.read` does, now and whenever a block is called.
        """
        self._end_streaming()
        self._ahead = device.type == "cuda"
        kept = self._blocks.kept(room, ahead=self._ahead)
        streamed = [block for block in self._blocks.blocks if block not in kept]
        stay = [*self._blocks.rest, *(number for block in kept for number in block.own)]

        def drop(which: Sequence[int]) -> None:
            with torch.inference_mode(False):
                for number in which:
                    self._tensors[number].data = self._nothing(number, device)

        def bring(which: Sequence[int], beside: torch.cuda.Stream | None) -> None:
            self._bring(which, device, may_go_on, beside)

        drop([number for block in streamed for number in block.own])
        bring(stay, None)
        self._kept_bytes = self._blocks.rest_bytes + sum(block.bytes for block in kept)
        beside = _stream_of(device) if self._ahead and self.in_memory else None
        self._streaming = Streaming(streamed, bring, drop, beside)
        self.on_device = True

    def take_over(self, fresh: Residence) -> None:
        """Have the numbers of the same weights, read elsewhere; `fresh` is not used any more."""
        with torch.inference_mode(False):
            for mine, other in zip(self._tensors, fresh._tensors, strict=True):
                mine.data = other.data
            self._copies, self._numbers = fresh._copies, fresh._numbers
            self.on_device = fresh.on_device

    def _bring(
        self,
        which: Sequence[int],
        device: torch.device,
        may_go_on: MayGoOn,
        beside: torch.cuda.Stream | None,
    ) -> None:
        """Have the device hold these tensors; `beside`: the stream that copies them."""
        with torch.inference_mode(False):
            room = _room([self._shapes[number] for number in which], device)
            if self._copies is None:
                assert isinstance(self._numbers, Divisible)  # of a part that is streamed
                self._numbers.some(which).read(room, may_go_on)
            else:
                with nullcontext() if beside is None else torch.cuda.stream(beside):
                    for tensor, number in zip(room, which, strict=True):
                        tensor.copy_(self._copies[number], non_blocking=True)
            for tensor, number in zip(room, which, strict=True):
                self._tensors[number].data = tensor

    def _nothing(self, number: int, device: torch.device) -> Tensor:
        """A tensor's shape, without its numbers."""
        shape, dtype = self._shapes[number]
        return torch.empty((), dtype=dtype, device=device).expand(shape)

    def _end_streaming(self) -> None:
        if self._streaming is not None:
            self._streaming.end()
            self._streaming = None

    def _room_in_host(self) -> tuple[Tensor, ...]:
        """Page-locked where there is a GPU and the system allows it; slower if not, but as good."""
        if torch.cuda.is_available():
            try:
                return tuple(
                    torch.empty(shape, dtype=dtype, pin_memory=True)
                    for shape, dtype in self._shapes
                )
            except RuntimeError:
                pass
        return _room(self._shapes, torch.device("cpu"))


def _stream_of(device: torch.device) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # it has none


class Residences:
    """Those of some parts, taken together."""

    def __init__(self, parts: Sequence[Residence]) -> None:
        self._parts = tuple(parts)

    @property
    def on_device(self) -> bool:
        """Whether all of them are, as a whole."""
        return all(part.on_device and not part.streaming for part in self._parts)

    @property
    def in_memory(self) -> bool:
        """Whether host memory has a copy of each."""
        return all(part.in_memory for part in self._parts)

    @property
    def nowhere(self) -> bool:
        """Whether only a file has the numbers of some."""
        return any(part.nowhere for part in self._parts)

    def enter(self, device: torch.device, may_go_on: MayGoOn = always) -> None:
        """Bring all of them to the device.  Raises as `Residence.enter` does."""
        for part in self._parts:
            part.enter(device, may_go_on)


def _room(
    shapes: Sequence[tuple[tuple[int, ...], torch.dtype]], device: torch.device
) -> tuple[Tensor, ...]:
    """Tensors of these shapes.

    On a processor they lie side by side in pages of their own: the system has these back when all
    of them are gone, where an allocator would keep them for later.
    """
    if device.type != "cpu":
        return tuple(torch.empty(shape, dtype=dtype, device=device) for shape, dtype in shapes)
    places, end = [], 0
    for shape, dtype in shapes:
        places.append(end)
        end += -(-prod(shape) * dtype.itemsize // ALIGNED) * ALIGNED
    whole = torch.frombuffer(
        mmap.mmap(-1, max(end, ALIGNED), access=mmap.ACCESS_COPY), dtype=torch.uint8
    )
    return tuple(
        whole[at : at + prod(shape) * dtype.itemsize].view(dtype).view(shape)
        for at, (shape, dtype) in zip(places, shapes, strict=True)
    )
