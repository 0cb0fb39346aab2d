"""Values as JSON, and back, by the types that their fields declare.

The invariant: a field that does not apply (None, or an empty tuple) is absent from the text, and
what is absent is read as None or ().  So a class may gain such fields, and every older text is
read, and written again, to the byte.  A field that is not known is refused: it decides something
in a way that this version does not know.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import Field, fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from generation.errors import OutOfRange

T = TypeVar("T")

FLAT = {"flat": True}  # metadata of a section: its fields stand beside those of what it is in
TOLD = {"told": True}  # metadata of what people are told, and nothing is drawn by: in no identity

MAX_KEY = 100  # characters of a text that says nothing else: what names a sampler, a role

_NONE_SHORT: Mapping[type, str] = types.MappingProxyType({})


def at_most(characters: int) -> dict[str, int]:
    """Metadata of a text that may be longer than MAX_KEY."""
    return {"longest": characters}


def plain(value: object, *, short: Mapping[type, str] = _NONE_SHORT) -> dict[str, object]:
    """A dataclass's instance as JSON holds it.

    In an identity, types in `short` stand by that one field alone, and what is TOLD is left out.
    """
    out: dict[str, object] = {}
    for field in fields(value):  # type: ignore[arg-type]  # only called with our dataclasses
        if short and field.metadata.get("told"):
            continue
        item = spelled(getattr(value, field.name), short)
        if field.metadata.get("flat") and isinstance(item, dict):
            out |= item
        elif item is not None and item != []:
            out[field.name] = item
    return out


def spelled(value: object, short: Mapping[type, str]) -> object:
    """Any value of a field as JSON holds it."""
    if type(value) in short:
        return spelled(getattr(value, short[type(value)]), short)
    if isinstance(value, tuple):
        return [spelled(item, short) for item in value]
    if is_dataclass(value):
        return plain(value, short=short)
    return str(value) if isinstance(value, StrEnum) else value


def read(kind: type[T], data: object, *, kept: bool = False) -> T:
    """The instance of a dataclass that `plain` wrote.

    Texts have their lengths, unless we `kept` them ourselves; numbers are the class's to check.
    Raises OutOfRange with the field; KeyError, TypeError or ValueError where it is another thing.
    """
    if not isinstance(data, dict):
        raise TypeError("expected an object")
    left, found = dict(data), dict[str, Any]()
    for field, hint, optional in _declared(cast(Any, kind)):
        if field.metadata.get("flat"):
            names = {inner.name for inner, _, _ in _declared(hint)}
            given: object = {name: left.pop(name) for name in names & left.keys()} or None
        else:
            given = left.pop(field.name, None)
        if given is not None:
            found[field.name] = _value(field, hint, given, kept)
        elif optional or get_origin(hint) is tuple:
            found[field.name] = None if optional else ()
        else:
            raise KeyError(field.name)
    if left:
        what = f"{kind.__name__.lower()} fields"
        raise OutOfRange(what, min(left)[:20], "those this version knows")
    return kind(**found)


@cache
def _declared(kind: Any) -> tuple[tuple[Field[Any], Any, bool], ...]:
    """Each field of a dataclass, its type, and whether that may be None."""
    hints = get_type_hints(kind)
    out = []
    for field in fields(kind):
        hint, optional = hints[field.name], False
        if get_origin(hint) in (Union, types.UnionType):
            (hint,) = (each for each in get_args(hint) if each is not types.NoneType)
            optional = True
        out.append((field, hint, optional))
    return tuple(out)


def _value(field: Field[Any], hint: Any, given: object, kept: bool) -> object:
    if hint is str:
        return _text(field, given, kept)
    if is_dataclass(hint):
        return read(hint, given, kept=kept)  # type: ignore[arg-type]  # a class, as hints are
    if get_origin(hint) is tuple:
        if not isinstance(given, list):
            raise TypeError("expected a list")
        return tuple(_value(field, get_args(hint)[0], each, kept) for each in given)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint(str(given))
    return given


def _text(field: Field[Any], given: object, kept: bool) -> str:
    if not isinstance(given, str):
        if kept and field.name == "name":
            return str(given)  # taken from a PNG when nobody looked
        raise OutOfRange(field.name, f"a {type(given).__name__}", "text")
    longest = field.metadata.get("longest", MAX_KEY)
    if len(given) > longest and not kept:
        raise OutOfRange(field.name, f"{len(given)} characters", f"at most {longest} characters")
    try:
        given.encode()
    except UnicodeEncodeError as error:  # JSON spells half a surrogate, no file holds it
        raise OutOfRange(field.name, "half a character", "text") from error
    return given
