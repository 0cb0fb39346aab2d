"""Formulas that people write into nodes: `max(((a + 15) // 16) * 16, 256)`.

Python's own grammar is read, and a small part of it reckoned with.  The invariant: numbers alone,
in bounds, in a bounded number of steps; anything else gives None.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping

MAX_LETTERS = 500
MOST = 2.0**64

_OPERATORS: Mapping[type[ast.AST], Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Not: operator.not_,
}
_WHOLE: Mapping[type[ast.AST], Callable[[int, int], int]] = {
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
}
_FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "max": max,
    "min": min,
    "abs": abs,
    "round": round,
    "int": int,
    "float": float,
    "ceil": math.ceil,
    "floor": math.floor,
    "sqrt": math.sqrt,
    "log2": math.log2,
}


def reckoned(formula: str, names: Mapping[str, float]) -> float | None:
    """What the formula gives; None where it is none, or gives no number."""
    if len(formula) > MAX_LETTERS:
        return None
    try:
        return _value(ast.parse(formula.strip(), mode="eval").body, names)
    except (ArithmeticError, ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None


def _value(node: ast.AST, names: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=bool() | int() | float() as value):
            found: float = value
        case ast.Name(id=name) if name in names:
            found = names[name]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _WHOLE:
            found = _WHOLE[type(op)](int(_value(left, names)), int(_value(right, names)))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            found = _OPERATORS[type(op)](_value(left, names), _value(right, names))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATORS:
            found = _OPERATORS[type(op)](_value(operand, names))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _OPERATORS:
            found = _OPERATORS[type(op)](_value(left, names), _value(right, names))
        case ast.IfExp(test=test, body=body, orelse=other):
            found = _value(body if _value(test, names) else other, names)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS:
            found = _FUNCTIONS[name](*(_value(one, names) for one in args))
        case _:
            raise ValueError("no formula of numbers")
    if not abs(found) < MOST:
        raise ValueError("beyond all numbers")
    return found
