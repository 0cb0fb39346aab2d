"""The pulse of a job: what each of its stages passes between two of its pieces.

    layers of a text encoder | blocks of a UNet or a VAE | pieces of a file | parts of a model
        each is a beat: it is counted, and raises Cancelled when the job is to end
    chunks of a prompt, tiles, the end of a stage
        each is a rest: the job may be paused there, too
    pieces of a film that a VAE decodes
        between two of them as well; what the VAE hands on stays on the device
    the outermost blocks of a denoiser
        between two of them it may as well, where its step takes long

A network that is left in its middle must keep nothing of a call in itself: another job may call it
meanwhile.  Denoisers do not; video VAEs do, so they are left between two pieces alone, where
whoever decodes has what they hand on.

The bot learns the count with each answer to a Ping, so that slow and hanging can be told apart.
The invariant: a beat changes no number, and on a thread that draws no job it does nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from generation.errors import Cancelled
from generation.worker.baton import Turn


class _Mine(threading.local):
    """What this thread draws."""

    place: Turn | None = None
    rest: Callable[[], None] | None = None
    midway: Callable[[], bool] | None = None
    behind: torch.cuda.Event | None = None


_mine = _Mine()


@contextmanager
def of(
    place: Turn,
    rest: Callable[[], None] | None = None,
    midway: Callable[[], bool] | None = None,
) -> Iterator[None]:
    """This thread draws the job with that place; `rest` lets others have the device.

    `midway` does so in the middle of a step or a film, and says whether it may take long.
    """
    before = _mine.place, _mine.rest, _mine.midway
    _mine.place, _mine.rest, _mine.midway = place, rest, midway
    try:
        yield
    finally:
        _mine.place, _mine.rest, _mine.midway = before
        _mine.behind = None


def stage(name: str) -> None:
    """Another stage begins.  Raises Cancelled."""
    if _mine.place is not None:
        _mine.place.stage = name
    beat()


def beat() -> None:
    """One more piece is done.  Raises Cancelled when the job is to end."""
    if _mine.place is not None:
        _mine.place.beat()


def ask() -> None:
    """Nothing new is done.  Raises Cancelled when the job is to end."""
    if _mine.place is not None and _mine.place.cancelled:
        raise Cancelled


def goes_on() -> bool:
    """The same for those who ask: whether the job still wants the next piece."""
    if _mine.place is None:
        return True
    _mine.place.count()
    return not _mine.place.cancelled


def rest() -> None:
    """Nothing that others could disturb is under way.  Raises Cancelled."""
    beat()
    if _mine.rest is not None:
        _mine.rest()


def between() -> None:
    """A piece is done that left something on the device for the next.  Raises Cancelled."""
    beat()
    if _mine.midway is not None:
        _mine.midway()


def follow(module: nn.Module, *, abreast: bool = False) -> None:
    """Beat before each block of it that is one of a list, as nearly all of their work is.

    `abreast`: a GPU is let run ahead by one block only, where nobody waits for it otherwise.
    """
    for each in module.modules():
        if isinstance(each, nn.ModuleList):
            for block in each:
                if block is not None and next(block.children(), None) is not None:
                    block.register_forward_pre_hook(_keep_abreast if abreast else _beat)


def let_others_in(denoiser: nn.Module) -> None:
    """Between two of its outermost blocks others may have the device.

    Behind a block, not before one: whoever comes back may have to hang other hooks on the next.
    Inside another block it would be too late: the numbers of that one are asked for when it is
    called, and not again.
    """
    for block in _outermost(denoiser):
        block.register_forward_hook(_let_others_in)


def _outermost(module: nn.Module) -> Iterator[nn.Module]:
    for child in module.children():
        if not isinstance(module, nn.ModuleList) or next(child.children(), None) is None:
            yield from _outermost(child)
        else:
            yield child


def _let_others_in(_block: nn.Module, _inputs: tuple[object, ...], made: object) -> None:
    if _mine.midway is None or not _mine.midway():
        return
    first = made[0] if isinstance(made, tuple) and made else made
    if isinstance(first, Tensor):
        _stay_abreast(first)


def _beat(_block: nn.Module, _inputs: tuple[object, ...]) -> None:
    beat()


def _keep_abreast(_block: nn.Module, inputs: tuple[object, ...]) -> None:
    beat()
    if _mine.place is not None and inputs and isinstance(inputs[0], Tensor):
        _stay_abreast(inputs[0])


def _stay_abreast(tensor: Tensor) -> None:
    """Be at most one block ahead of a GPU."""
    if tensor.is_cuda:
        behind, _mine.behind = _mine.behind, torch.cuda.Event()  # type: ignore[no-untyped-call]
        _mine.behind.record(torch.cuda.current_stream(tensor.device))
        if behind is not None:
            behind.synchronize()
