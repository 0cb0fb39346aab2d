"""The most memory that a call takes for what it makes, without making it.

Tensors are fake: they have shapes and lifetimes and no numbers.  What counts is what is alive at
once beside what was there before, as a caching allocator sees it, workspaces of kernels aside.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]  # it has none
    """Counts the bytes of storages from the call that makes them until they are let go."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.alive, self.most = 0, 0
        self._known: set[int] = set()

    def knows(self, *there: Tensor) -> None:
        self._known |= {tensor.untyped_storage()._cdata for tensor in there}

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        made = function(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, Tensor):
                self._count(tensor)
        return made

    def _count(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._known:
            return
        self._known.add(key)
        size = storage.nbytes()
        self.alive += size
        self.most = max(self.most, self.alive)
        weakref.finalize(storage, self._forget, key, size)

    def _forget(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.alive -= size


def peak_bytes(
    build: Callable[[], Any], call: Callable[[Any], Any], dtype: torch.dtype = torch.float32
) -> int:
    """What `call(module)` keeps alive at its worst moment, besides the module that `build` makes.

    `dtype`: that of the module's numbers.
    """
    usual = torch.get_default_dtype()
    with FakeTensorMode(allow_non_fake_inputs=True), torch.inference_mode():
        torch.set_default_dtype(dtype)
        try:
            module = build()
        finally:
            torch.set_default_dtype(usual)
        watch = _Watch()
        watch.knows(*module.parameters(), *module.buffers())
        with watch:
            call(module)
    return watch.most


def tracked(call: Callable[[], Any]) -> int:
    """What `call` keeps alive at its worst moment, on the meta device: all that it makes."""
    watch = _Watch()
    with torch.inference_mode(), watch:
        call()
    return watch.most
