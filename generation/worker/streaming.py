"""Networks whose blocks are on the device one after the other, where there is no room for all.

    the rest    what is in no block: embeddings, first and last layers           stays
    kept        the first blocks, as many as there is room for                   stay
    streamed    each of the others comes when it is called, and leaves when it has answered

A block is an entry of a list of modules; one inside another is a block of its own, for which the
outer one's other numbers wait.  Who knows the next block has it brought while one computes.  The
invariant: a block that is called has the numbers that it has in a network that is there as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(eq=False, slots=True, kw_only=True)
class Block:
    """Some of a network's tensors, by their numbers in its `Residence`."""

    module: Any
    inside: Block | None
    own: list[int] = field(default_factory=list)
    bytes: int = 0

    @property
    def path(self) -> Iterator[Block]:
        """The block and those around it."""
        block: Block | None = self
        while block is not None:
            yield block
            block = block.inside


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """How a network's tensors fall into blocks."""

    blocks: tuple[Block, ...]  # in the order of its modules
    rest: tuple[int, ...]
    rest_bytes: int

    def worst(self, *, ahead: bool) -> int:
        """Bytes of the blocks that are there at once; `ahead`: with the one that is next."""
        deepest = max((sum(b.bytes for b in block.path) for block in self.blocks), default=0)
        return deepest + (max((b.bytes for b in self.blocks), default=0) if ahead else 0)

    def kept(self, room: int, *, ahead: bool) -> tuple[Block, ...]:
        """The first blocks that there is room for beside what the others take."""
        room -= self.rest_bytes + self.worst(ahead=ahead)
        found: list[Block] = []
        for block in self.blocks:
            if (room := room - block.bytes) < 0:
                break
            found.append(block)
        return tuple(found)


def blocks_of(module: nn.Module, tensors: Sequence[Tensor]) -> Blocks:
    """The blocks of a network with these tensors; what several share is in none of them."""
    numbers = {id(tensor): number for number, tensor in enumerate(tensors)}
    owners: dict[int, set[Block | None]] = {}
    blocks: list[Block] = []

    def walk(here: nn.Module, inside: Block | None) -> None:
        for tensor in (*here._parameters.values(), *here._buffers.values()):
            if tensor is not None:
                owners.setdefault(numbers[id(tensor)], set()).add(inside)
        for child in here.children():
            entry = isinstance(here, nn.ModuleList) and next(child.children(), None) is not None
            block = Block(module=child, inside=inside) if entry else inside
            if entry and block is not None:
                blocks.append(block)
            walk(child, block)

    walk(module, None)
    rest = []
    for number, found in owners.items():
        owner = found.pop() if len(found) == 1 else None
        if owner is None:
            rest.append(number)
        else:
            owner.own.append(number)
            owner.bytes += tensors[number].nbytes
    return Blocks(
        blocks=tuple(block for block in blocks if block.own),
        rest=tuple(rest),
        rest_bytes=sum(tensors[number].nbytes for number in rest),
    )


Bring = Callable[[Sequence[int], torch.cuda.Stream | None], None]
Drop = Callable[[Sequence[int]], None]


class Streaming:
    """Brings blocks and has them leave, from its making to its `end`.

    `bring(tensors, stream)` may raise what reading raises.  `beside`: where the next block is
    copied meanwhile; None: nowhere, it comes when it is called.
    """

    def __init__(
        self,
        blocks: Sequence[Block],
        bring: Bring,
        drop: Drop,
        beside: torch.cuda.Stream | None,
    ) -> None:
        self._bring, self._drop, self._beside = bring, drop, beside
        self._here: dict[Block, torch.cuda.Event | None] = {}
        self._next: dict[Block, Block] = {}  # which was called after it, last time
        self._latest: Block | None = None
        self._ahead: Block | None = None
        self._hooks = [self._hung(block) for block in blocks]

    @property
    def bytes(self) -> int:
        """Those of the blocks that are there now."""
        return sum(block.bytes for block in self._here)

    def end(self) -> None:
        """Bring nothing any more."""
        for before, behind in self._hooks:
            before.remove()
            behind.remove()
        for copied in self._here.values():
            if copied is not None:  # what is being written yet must not become others'
                torch.cuda.current_stream().wait_event(copied)
        self._here.clear()

    def _hung(self, block: Block) -> tuple[Any, Any]:
        return (
            block.module.register_forward_pre_hook(lambda *_: self._called(block)),
            block.module.register_forward_hook(lambda *_: self._answered(block), always_call=True),
        )

    def _called(self, block: Block) -> None:
        if self._latest is not None:
            self._next[self._latest] = block
        self._latest = block
        if self._ahead not in (None, block):
            self._answered(self._ahead)  # the order is another one
        self._ahead = None
        if block not in self._here:
            self._bring(block.own, None)
            self._here[block] = None
        elif (copied := self._here[block]) is not None:
            torch.cuda.current_stream().wait_event(copied)
            self._here[block] = None
        following = self._next.get(block)
        if self._beside is not None and following is not None and following not in self._here:
            self._bring_beside(following)

    def _bring_beside(self, block: Block) -> None:
        """Copy it while the device computes; its memory was others' until now."""
        assert self._beside is not None
        self._beside.wait_stream(torch.cuda.current_stream())
        self._bring(block.own, self._beside)
        copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
        copied.record(self._beside)
        self._here[block], self._ahead = copied, block

    def _answered(self, block: Block) -> None:
        if block in self._here:
            if (copied := self._here.pop(block)) is not None:
                torch.cuda.current_stream().wait_event(copied)
            self._drop(block.own)
