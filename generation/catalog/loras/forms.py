"""How a layer's tensors make a difference of its weight, told from their shapes.

    lora   up @ down, with a convolution's mid (LoCon); with dora_scale or magnitude it is a DoRA
    loha   (w1_a @ w1_b) * (w2_a @ w2_b)
    lokr   kron(w1, w2), each of them whole or factorised
    full   the difference itself, also of a norm's weight
    bias   nothing but a difference of the layer's bias, which may come with each of the others

The invariant: a form is given only when its tensors multiply.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["lora", "loha", "lokr", "full", "bias"]
Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]  # of a layer's tensors, by their roles


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A difference of `out` rows and `inner` columns, a kernel's sides counted as columns."""

    kind: Kind
    rank: int | None  # what alpha is divided by; None where alpha means nothing
    out: int
    inner: int | None  # None when only the bias is changed

    def fits(self, weight: Shape) -> bool:
        """Whether a layer with a weight of this shape can take it."""
        inner = math.prod(weight[1:])
        return self.out == weight[0] and self.inner in (None, inner)


_READERS: tuple[tuple[Kind, tuple[str, ...]], ...] = (
    ("lora", ("down", "up", "mid")),
    ("loha", ("w1_a", "w1_b", "w2_a", "w2_b", "t1", "t2")),
    ("lokr", tuple(f"kron_{f}" for f in ("w1", "w1_a", "w1_b", "w2", "w2_a", "w2_b", "t2"))),
    ("full", ("diff",)),
)


def read_form(shapes: Shapes) -> Form:
    """The form of a layer's tensors.  Raises ValueError with a clause, as in "has no up"."""
    kinds = [kind for kind, roles in _READERS if any(role in shapes for role in roles)]
    if len(kinds) > 1:
        raise ValueError(f"is changed as a {kinds[0]} and as a {kinds[1]}")
    for role in ("alpha", "dora_scale", "magnitude"):
        if role in shapes and not kinds:
            raise ValueError(f"has {role} and nothing that it belongs to")
    if math.prod(shapes.get("alpha", ())) != 1:
        raise ValueError("has an alpha that is no number")
    if "kron_t2" in shapes and "kron_w2" in shapes:
        raise ValueError("has w2 whole and in factors")
    if "diff_b" in shapes and len(shapes["diff_b"]) != 1:
        raise ValueError("has a bias that is no row")
    if not kinds:
        return Form(kind="bias", rank=None, out=shapes["diff_b"][0], inner=None)
    read = {"lora": _lora, "loha": _loha, "lokr": _lokr, "full": _full}[kinds[0]]
    form = read(shapes)
    if "diff_b" in shapes and shapes["diff_b"] != (form.out,):
        raise ValueError(f"has {form.out} rows and a bias of {shapes['diff_b'][0]}")
    if min(form.out, form.inner or 1, 1 if form.rank is None else form.rank) < 1:
        raise ValueError("has empty tensors")
    _check_magnitude(shapes, form)
    return form


def _lora(shapes: Shapes) -> Form:
    up, down = _table(shapes, "up"), _table(shapes, "down")
    rank, inner = down[0], math.prod(down[1:])
    if up[1] != rank or math.prod(up[1:]) != rank:
        raise ValueError(f"has a down of rank {rank} and an up of rank {up[1]}")
    if "mid" in shapes:
        mid = shapes["mid"]
        if len(mid) != 4 or mid[:2] != (rank, rank) or inner != down[1]:
            raise ValueError("has a mid that does not fit between up and down")
        inner *= math.prod(mid[2:])
    return Form(kind="lora", rank=rank, out=up[0], inner=inner)


def _loha(shapes: Shapes) -> Form:
    sides = []
    for number in "12":
        first, second = _table(shapes, f"w{number}_a"), _table(shapes, f"w{number}_b")
        if f"t{number}" in shapes:
            sides.append(_tucker(shapes[f"t{number}"], first, second))
        elif first[1] == second[0]:
            sides.append((first[0], second[1], second[0]))
        else:
            raise ValueError(f"has factors of ranks {first[1]} and {second[0]}")
    if sides[0] != sides[1]:
        raise ValueError("has two products of different shapes")
    out, inner, rank = sides[0]
    return Form(kind="loha", rank=rank, out=out, inner=inner)


def _lokr(shapes: Shapes) -> Form:
    ranks = []
    out = inner = 1
    for side in ("kron_w1", "kron_w2"):
        if side in shapes:
            whole = _table(shapes, side)
            if f"{side}_a" in shapes or f"{side}_b" in shapes:
                raise ValueError(f"has {side[5:]} whole and in factors")
            rows, columns = whole[0], math.prod(whole[1:])
        else:
            first, second = _table(shapes, f"{side}_a"), _table(shapes, f"{side}_b")
            if side == "kron_w2" and "kron_t2" in shapes:
                rows, columns, rank = _tucker(shapes["kron_t2"], first, second)
            elif first[1] == second[0]:
                rows, columns, rank = first[0], math.prod(second[1:]), second[0]
            else:
                raise ValueError(f"has factors of ranks {first[1]} and {second[0]}")
            ranks.append(rank)
        out, inner = out * rows, inner * columns
    return Form(kind="lokr", rank=ranks[-1] if ranks else None, out=out, inner=inner)


def _full(shapes: Shapes) -> Form:
    diff = shapes["diff"]
    if not diff:
        raise ValueError("has a diff that is a single number")
    return Form(kind="full", rank=None, out=diff[0], inner=math.prod(diff[1:]))


def _tucker(core: Shape, first: Shape, second: Shape) -> tuple[int, int, int]:
    """Rows, columns and rank of a factorised kernel: the core between two tables."""
    if len(core) != 4 or core[0] != first[0] or core[1] != second[0]:
        raise ValueError("has a core that does not fit between its factors")
    return first[1], second[1] * math.prod(core[2:]), second[0]


def _check_magnitude(shapes: Shapes, form: Form) -> None:
    """kohya's magnitudes are of the rows, (out, 1), or of the columns, (1, in); PEFT's of rows."""
    if "magnitude" in shapes:
        count = math.prod(shapes["magnitude"])
        if form.kind != "lora" or count != form.out:
            raise ValueError(f"has {form.out} rows and {count} magnitudes")
    if (scale := shapes.get("dora_scale")) is None:
        return
    if "magnitude" in shapes:
        raise ValueError("has its magnitudes twice")
    of_rows = scale[:1] == (form.out,) and math.prod(scale) == form.out
    of_columns = len(scale) >= 2 and scale[0] == 1 and math.prod(scale) == scale[1]
    if form.kind == "full" or not (of_rows or of_columns):
        raise ValueError("has magnitudes that are neither of its rows nor of its columns")


def _table(shapes: Shapes, role: str) -> Shape:
    if role not in shapes:
        raise ValueError(f"has no {role.removeprefix('kron_')}")
    if not 2 <= len(shapes[role]) <= 4:
        raise ValueError(f"has {role.removeprefix('kron_')} that is no table")
    return shapes[role]
