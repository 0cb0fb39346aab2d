"""A solid as latents, and the renderer that turns latents into a field of distances and colours.

Invariant: the latents of all solids have mean 0 and variance 1 as a whole, which is the scale that
the prior's noise has; of the position's fifteen octaves only the slowest are ever read.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch
from diffusers.pipelines.shap_e.renderer import ShapERenderer
from torch import Tensor, nn
from torch.nn import functional as nnf

from generation.training.form.solids import FORMS, SIZES, SOLIDS, Floats
from generation.training.form.triangles import tables
from generation.training.form.wishes import Body, shade, training_body
from generation.training.starter.clock import Clock, cosine, resume, save, set_rate

WIDTH = 64  # of the field's layers; as many latents, one for each generated row
DEPTH = 16  # of a latent
GENERATED = "nerstf.mlp.1.weight"
OCTAVES = 5
STEEP = 6.0  # the field is tanh of so many times the distance
DENSE = 30.0
NOISE = 0.12  # on the latents while training: what a sampler leaves
BATCH, POINTS = 24, 512
BANK = 40_000
CODE = len(FORMS) + 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One solid as it is formed: its body, and what chance gave it."""

    body: Body
    size: float
    stretch: float
    colour: tuple[float, float, float]

    def code(self) -> list[float]:
        """What the encoder reads."""
        form = [float(self.body.form == name) for name in FORMS]
        tint = [3 * channel - 1.5 for channel in self.colour]
        return [*form, *tint, 4 * float(np.log(self.size / 0.63)), 10 * (self.stretch - 1)]


def formed(body: Body, dice: Random) -> Piece:
    """A piece of that body: a little larger or smaller, higher or lower, lighter or darker."""
    red, green, blue = (
        min(1.0, max(0.0, c + dice.uniform(-0.03, 0.03))) for c in shade(body.colour)
    )
    return Piece(
        body=body,
        size=SIZES[body.size] * dice.uniform(0.96, 1.04),
        stretch=dice.uniform(0.95, 1.05),
        colour=(red, green, blue),
    )


def new_renderer() -> ShapERenderer:
    """Shap-E's own, with a field of four layers of which one is generated."""
    renderer = ShapERenderer(
        param_names=(GENERATED,),
        param_shapes=((WIDTH, WIDTH),),
        d_latent=DEPTH,
        d_hidden=WIDTH,
        n_hidden_layers=4,
        insert_direction_at=None,
    )
    cases, masks = tables()
    renderer.mesh_decoder.cases.copy_(cases)
    renderer.mesh_decoder.masks.copy_(masks)
    return renderer


class PieceEncoder(nn.Module):
    """Latents of a piece, (count, WIDTH, DEPTH); of no use once the prior is trained."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(CODE, 256), nn.SiLU(), nn.Linear(256, 256), nn.SiLU(),
            nn.Linear(256, WIDTH * DEPTH),
        )  # fmt: skip

    def forward(self, codes: Tensor) -> Tensor:
        flat = self.layers(codes)
        return nnf.layer_norm(flat, flat.shape[-1:]).reshape(-1, WIDTH, DEPTH)


class TrainedField(nn.Module):
    """The encoder and the renderer, as they are trained: together."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.renderer = PieceEncoder(), new_renderer()
        rest = [3 * (WIDTH_OF_SINES * part + octave) + 3 + axis
                for part in (0, 1) for octave in range(OCTAVES) for axis in range(3)]  # fmt: skip
        self.columns = [0, 1, 2, *rest]
        first = self.renderer.mlp.mlp[0]
        with torch.no_grad():
            kept = first.weight[:, self.columns].clone()
            first.weight.zero_()
            first.weight[:, self.columns] = kept

    def field(self, latents: Tensor, points: Tensor) -> Tensor:
        """The twelve numbers at each point, (count, points, 12), before their activations."""
        scales = 2.0 ** torch.arange(OCTAVES)
        turned = (points[..., None, :] * scales[:, None]).flatten(-2)
        seen = torch.cat([points, turned.sin(), turned.cos()], dim=-1)
        layers = self.renderer.mlp.mlp
        made = self.renderer.params_proj(latents)[GENERATED]
        h = nnf.silu(nnf.linear(seen, layers[0].weight[:, self.columns], layers[0].bias))
        h = nnf.silu(torch.baddbmm(layers[1].bias.expand(len(h), 1, -1), h, made.mT))
        for layer in layers[2:-1]:
            h = nnf.silu(layer(h))
        read: Tensor = layers[-1](h)
        return read


WIDTH_OF_SINES = 15  # octaves that the class encodes


def _directions(distance: Floats, points: Floats, form: str) -> Floats:
    """The gradient of the distance, of length 1."""
    step = 1e-4
    slopes = [(SOLIDS[form](points + step * axis) - distance) / step for axis in np.eye(3)]
    slope = np.stack(slopes, axis=-1)
    return np.asarray(slope / np.linalg.norm(slope, axis=-1, keepdims=True).clip(1e-6))


def _surface(form: str, count: int, dice: np.random.Generator) -> Floats:
    """Points on the surface, one in three of them near an edge."""
    found = dice.uniform(-1.15, 1.15, (6 * count, 3))
    for _ in range(3):
        away = SOLIDS[form](found)
        found = found - away[:, None] * _directions(away, found, form)
    found = found[np.abs(SOLIDS[form](found)) < 0.01]
    aside = found + dice.normal(0, 0.07, found.shape)
    here, there = (_directions(SOLIDS[form](p), p, form) for p in (found, aside))
    bent = (here * there).sum(axis=1) < 0.8
    edges, rest = found[bent], found[~bent]
    part = min(len(edges), count // 3)
    return np.concatenate([edges[:part], rest[: count - part]])


@dataclass(frozen=True, slots=True, kw_only=True)
class PointBank:
    """Points about each solid of size 1 and their distances: near its surface, and anywhere."""

    points: Tensor  # (forms, count, 3)
    distances: Tensor  # (forms, count)
    near: list[int]  # how many of a form's points lie near its surface: they come first


def point_bank(seed: int = 7) -> PointBank:
    """The bank, from the formulas."""
    dice = np.random.default_rng(seed)
    points, distances, near = [], [], []
    for form in FORMS:
        surface = _surface(form, BANK, dice)
        spread = dice.choice([0.01, 0.04, 0.12], (len(surface), 1))
        close = surface + dice.normal(0, 1, surface.shape) * spread
        chosen = np.concatenate([close, dice.uniform(-1.7, 1.7, (2 * BANK - len(close), 3))])
        points.append(torch.from_numpy(chosen).float())
        distances.append(torch.from_numpy(SOLIDS[form](chosen)).float())
        near.append(len(close))
    return PointBank(points=torch.stack(points), distances=torch.stack(distances), near=near)


def _lesson(
    bank: PointBank, pieces: Sequence[Piece], dice: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Points of each piece, (count, POINTS, 3), and how far they are from its surface."""
    points, distances = [], []
    for piece in pieces:
        form, far = FORMS.index(piece.body.form), POINTS // 4
        near = torch.randint(bank.near[form], (POINTS - far,), generator=dice)
        anywhere = torch.randint(bank.near[form], 2 * BANK, (far,), generator=dice)
        at = torch.cat([near, anywhere])
        scale = piece.size * torch.tensor([1, 1, piece.stretch])
        points.append(bank.points[form, at] * scale)
        distances.append(bank.distances[form, at] * piece.size * min(1, piece.stretch))
    return torch.stack(points), torch.stack(distances)


def _loss(read: Tensor, distances: Tensor, colours: Tensor) -> tuple[Tensor, Tensor]:
    """Of the surface, and of everything."""
    asked = torch.tanh(-STEEP * distances)
    surface = nnf.smooth_l1_loss(torch.tanh(read[..., 0]), asked, beta=0.05)
    tints = torch.sigmoid(read[..., 3:].reshape(*read.shape[:2], 3, 3)) - colours[:, None, None]
    dense = DENSE * torch.sigmoid(-distances / 0.02)
    density = (nnf.relu(read[..., 1:3]) + 0.01 * read[..., 1:3]) - dense[..., None]
    return surface, surface + 2 * tints.square().mean() + 2e-5 * density.square().mean()


def train_fields(work: Path, minutes: float, seed: int = 11) -> None:
    """Writes work/fields.pt: the encoder and the renderer."""
    torch.manual_seed(seed)
    model, bank, dice = TrainedField(), point_bank(), Random(seed)
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    clock = Clock(minutes=minutes, now=time.process_time)
    resume(work / "fields.ckpt", clock, model, optimizer)
    dice.seed(seed + clock.step)
    while clock.share() < 1:
        set_rate(optimizer, cosine(clock.share(), 4e-3))
        pieces = [formed(training_body(dice), dice) for _ in range(BATCH)]
        points, distances = _lesson(bank, pieces, generator)
        latents = model.encoder(torch.tensor([piece.code() for piece in pieces]))
        latents = latents + NOISE * torch.randn(latents.shape, generator=generator)
        read = model.field(latents, points)
        surface, loss = _loss(read, distances, torch.tensor([p.colour for p in pieces]))
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        clock.step += 1
        if clock.step % 200 == 0:
            print(
                f"{time.strftime('%H:%M:%S')} fields step {clock.step} at {clock.elapsed_s():.0f} s"
                f" surface {float(surface.detach()):.5f} all {float(loss.detach()):.5f}",
                flush=True,
            )
        if clock.checkpoint_due():
            save(work / "fields.ckpt", clock, model, optimizer)
    torch.save(model.state_dict(), work / "fields.pt")
