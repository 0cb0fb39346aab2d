"""Training by steps: what every kind has alike.

Invariant: a run that was stopped and goes on from its checkpoint gives, bit for bit, what it would
have given had it never been stopped: everything random is drawn from the one generator that the
checkpoint keeps, and the rate depends on the step alone.
"""

from __future__ import annotations

import copy
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from generation.training.starter.clock import cosine, set_rate

CHECKPOINT_EVERY_S = 60.0
SAYS_EVERY_S = 10.0


class TrainingCourse(Protocol):
    """What is taught: the numbers that change, and how wrong they are."""

    def learns(self) -> Mapping[str, Tensor]:
        """The numbers that change, by name; always the same tensors."""

    def loss(self, generator: torch.Generator) -> Tensor:
        """How wrong they are on a batch that the generator picks."""

    def export(self, numbers: Mapping[str, Tensor], path: Path) -> None:
        """Write what was learned, in fp16."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How far and how fast."""

    steps: int
    rate: float
    average: float = 0.0  # how slowly the average follows; 0: none, the last numbers count
    seed: int = 0
    keep_every_s: float = CHECKPOINT_EVERY_S
    settings: Mapping[str, str] = field(default_factory=dict)  # what must not change in between


@dataclass(slots=True, kw_only=True)
class DescentState:
    """Where a run stands."""

    step: int
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    average: dict[str, Tensor]


def _begin(course: TrainingCourse, pace: Pace) -> DescentState:
    numbers = course.learns()
    return DescentState(
        step=0,
        optimizer=torch.optim.AdamW(
            list(numbers.values()), lr=pace.rate, weight_decay=0.01, betas=(0.9, 0.99)
        ),
        generator=torch.Generator().manual_seed(pace.seed),
        average={name: copy.deepcopy(number.detach()) for name, number in numbers.items()},
    )


def _keep(path: Path, course: TrainingCourse, pace: Pace, state: DescentState) -> None:
    """Writes the checkpoint whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    held = {
        "settings": json.dumps(dict(pace.settings), sort_keys=True),
        "numbers": {name: number.detach() for name, number in course.learns().items()},
        "optimizer": state.optimizer.state_dict(),
        "generator": state.generator.get_state(),
        "average": state.average,
        "step": state.step,
    }
    torch.save(held, path.with_suffix(".part"))
    os.replace(path.with_suffix(".part"), path)


@torch.no_grad()
def _go_on(path: Path, course: TrainingCourse, pace: Pace, state: DescentState) -> None:
    held: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    if held["settings"] != json.dumps(dict(pace.settings), sort_keys=True):
        raise SystemExit(f"{path} was begun with other settings; name another --work, or remove it")
    for name, number in course.learns().items():
        number.copy_(held["numbers"][name])
        state.average[name].copy_(held["average"][name])
    state.optimizer.load_state_dict(held["optimizer"])
    state.generator.set_state(held["generator"])
    state.step = held["step"]


@torch.no_grad()
def _follow(course: TrainingCourse, pace: Pace, state: DescentState) -> None:
    decay = min(pace.average, state.step / (state.step + 10)) if pace.average else 0.0
    for name, number in course.learns().items():
        state.average[name].lerp_(number, 1 - decay)


def _one_step(course: TrainingCourse, pace: Pace, state: DescentState) -> float:
    set_rate(state.optimizer, cosine(state.step / pace.steps, pace.rate))
    loss = course.loss(state.generator)
    state.optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(list(course.learns().values()), 1.0)
    state.optimizer.step()
    state.step += 1
    _follow(course, pace, state)
    return float(loss.detach())


def descend(
    course: TrainingCourse,
    pace: Pace,
    work: Path,
    watch: Callable[[int, Mapping[str, Tensor]], None] = lambda _step, _numbers: None,
) -> Mapping[str, Tensor]:
    """Train, or go on training, to the last step; `watch` is told of each step and the average."""
    path, state = work / "run.ckpt", _begin(course, pace)
    if path.exists():
        _go_on(path, course, pace, state)
        print(f"goes on after step {state.step} of {pace.steps}", flush=True)
    begun, started, kept, said, recent = state.step, *[time.monotonic()] * 3, 0.0
    while state.step < pace.steps:
        value = _one_step(course, pace, state)
        recent += 0.05 * (value - recent) if recent else value
        watch(state.step, state.average)
        now = time.monotonic()
        if now - said > SAYS_EVERY_S or state.step == pace.steps:
            each = (now - started) / (state.step - begun)
            left = each * (pace.steps - state.step) / 60
            print(
                f"{time.strftime('%H:%M:%S')} step {state.step} of {pace.steps}, "
                f"loss {recent:.4f}, {each:.2f} s each, {left:.1f} min left",
                flush=True,
            )
            said = now
        if now - kept > pace.keep_every_s or state.step == pace.steps:
            _keep(path, course, pace, state)
            kept = now
    return state.average
