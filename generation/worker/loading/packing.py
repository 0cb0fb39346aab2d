"""Which layers of a network keep their weights packed, and where the bytes of each lie.

    linear layers whose rows lie packed alike, in one tensor or in some of its rows   stay packed
    whatever else is packed: convolutions, tables of words, rows of several           are unpacked
    tensors with scales of their own, rows that part a tile of scales                 when read

The invariant: numbers are the same either way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import torch
from torch import nn

from generation.catalog.quantised import TILE
from generation.worker.loading.stored import Packing, Stored
from generation.worker.packed import RAW, Layout, PackedLinear, side

_IN_TILES = ("mxfp8", "nvfp4")

Lie = Callable[[str], Sequence[Stored] | None]


def keep_packed(module: Any, lie: Lie) -> Lie:
    """Put packed layers in the place of those that can be, before the network has numbers.

    `lie`: (a parameter's name) -> its rows, one piece after the other.  Returns the same with the
    packed layers' own parameters.
    """
    found: dict[str, Sequence[Stored]] = {}
    for path, layer in list(module.named_modules()):
        if type(layer) is not nn.Linear or not path:
            continue
        pieces = lie(f"{path}.weight")
        bytes_of = _bytes_of(pieces) if pieces else None
        if pieces is None or bytes_of is None:
            continue
        packing = pieces[0].packing
        assert packing is not None  # `_bytes_of` looked
        layouts = {name: _layout(rows) for name, rows in bytes_of.items()}
        raw = layouts.pop(RAW)
        kept = PackedLinear(layer, packing.kind, packing.group, raw, layouts)
        parent, _, name = path.rpartition(".")
        setattr(module.get_submodule(parent), name, kept.train(layer.training))
        for role, rows in bytes_of.items():
            called = role if role == RAW else side(role)
            found[f"{path}.{called}"] = [_as_bytes(one) for one in rows]
    return lambda key: found[key] if key in found else lie(key)


def _bytes_of(pieces: Sequence[Stored]) -> Mapping[str, Sequence[Stored]] | None:
    """The bytes of a weight and of its scales, piece by piece; None: it cannot stay packed."""
    each = [_bytes_of_piece(piece) for piece in pieces]
    first = pieces[0].packing
    if first is None or any(one is None for one in each):
        return None
    alike = all(
        piece.packing is not None
        and (piece.packing.kind, piece.packing.group) == (first.kind, first.group)
        for piece in pieces
    )
    found = [one for one in each if one is not None]
    whole = found[0].keys() - {RAW} if _has_one_scale(first) else frozenset()
    same = all(one[role] == found[0][role] for one in found for role in whole)
    if not alike or not same or (len(pieces) > 1 and first.kind in _IN_TILES):
        return None
    return {
        role: [one[role] for one in found] if role not in whole else [found[0][role]]
        for role in found[0]
    }


def _has_one_scale(packing: Packing) -> bool:
    scale = packing.sides.get("scale")
    return scale is not None and prod(scale.shape) == 1


def _bytes_of_piece(piece: Stored) -> Mapping[str, Stored] | None:
    """The bytes of some rows of one weight, and their scales."""
    packing = piece.packing
    if packing is None or piece.transposed or len(piece.shape) != 2:
        return None
    first, count = packing.first, piece.shape[0]
    raw = packing.raw
    if len(raw.shape) != 2 or (packing.kind in _IN_TILES and not _whole_tiles(piece, packing)):
        return None
    found = {RAW: raw.rows(first, count)}
    for role, scale in packing.sides.items():
        found[role] = scale
        if packing.kind in _IN_TILES and role == "scale":
            tall = -(-raw.shape[0] // TILE[0]) * TILE[0]
            per_row = prod(scale.shape) // tall
            found[role] = _flat(scale, first * per_row, -(-count // TILE[0]) * TILE[0] * per_row)
        elif packing.kind not in _IN_TILES and prod(scale.shape) > 1:
            found[role] = _flat(scale, first, count)
    return found


def _whole_tiles(piece: Stored, packing: Packing) -> bool:
    """Whether the rows begin and end with tiles of scales, and nothing was filled up."""
    rows, across = packing.raw.shape
    first, count = packing.first, piece.shape[0]
    wide = across * (2 if packing.kind == "nvfp4" else 1)
    ends = (first + count) % TILE[0] == 0 or first + count == rows
    return piece.shape[1] == wide and first % TILE[0] == 0 and ends


def _flat(stored: Stored, first: int, count: int) -> Stored:
    whole = Stored(
        file=stored.file, begin=stored.begin, dtype=stored.dtype, shape=(prod(stored.shape),)
    )
    return whole.rows(first, count)


def _as_bytes(stored: Stored) -> Stored:
    return Stored(file=stored.file, begin=stored.begin, dtype=torch.uint8, shape=(stored.bytes,))


def _layout(rows: Sequence[Stored]) -> Layout:
    """The shape that some rows have together."""
    shape = rows[0].shape
    if len(rows) > 1:
        shape = (sum(one.shape[0] for one in rows), *shape[1:])
    return Layout(shape=shape, dtype=rows[0].dtype)
