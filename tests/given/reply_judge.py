"""Says whether an answer to one of the replies in `tests/data/replies` is right.

    answer = {"kind": "edit", "prompt": "a red flower at night", "set": {}, "changed": ["prompt"]}
    why_wrong(case, answer)   ▶  ""        or, for example, "the prompt has none of night*, dark*"

The conditions are told in `tests/data/replies/README.md`.  The invariant: an answer is judged by
what it says alone, never by how it was found.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

REPLIES = Path(__file__).parents[1] / "data" / "replies"
QUIET = frozenset({"none", "info", "undo", "ask", "delete", "describe"})
_SHAPES = {"portrait": 2 / 3, "landscape": 3 / 2, "square": 1.0, "tall": 9 / 16, "wide": 16 / 9}
_OF_SIZE = frozenset({"size_ratio", "aspect", "width", "height", "area"})

Case = Mapping[str, Any]
Answer = Mapping[str, Any]


def replies(name: str) -> list[dict[str, Any]]:
    """The cases of a file there."""
    return [json.loads(line) for line in (REPLIES / name).read_text("utf-8").splitlines()]


def kinds(case: Case) -> list[str]:
    """The kinds that are right, the likeliest first."""
    kind = case["expect"]["kind"]
    return [kind] if isinstance(kind, str) else list(kind)


def why_wrong(case: Case, answer: Answer) -> str:
    """The first condition that does not hold; empty when all do."""
    return next(_objections(case, answer), "")


def _objections(case: Case, answer: Answer) -> Iterator[str]:
    expect, kind = case["expect"], answer.get("kind")
    if kind not in kinds(case):
        yield f"{kind} is none of {', '.join(kinds(case))}"
    if expect.get("says") and not answer.get("said"):
        yield "nothing is said"
    for word in expect.get("said_lacks", ()):
        if meets(word, answer.get("said")):
            yield f"{word} is said"
    if kind in QUIET:
        yield from _of_quiet(case, answer)
        return
    yield from _of_words(case, answer)
    yield from _of_style(case, answer)
    yield from _of_values(case, answer)
    yield from _of_means(case, answer)
    for name in expect.get("keep", ()):
        if not _kept(name, case, answer):
            yield f"{name} changed"


def _of_quiet(case: Case, answer: Answer) -> Iterator[str]:
    """What draws nothing sets nothing, but may name a picture."""
    values = answer.get("set") or {}
    if set(values) - {"pick"}:
        yield f"{answer['kind']} sets {', '.join(values)}"
    wanted = case["expect"].get("set", {})
    if "pick" in wanted and values.get("pick") != wanted["pick"]:
        yield f"pick is {values.get('pick')}"


def _of_words(case: Case, answer: Answer) -> Iterator[str]:
    expect, values = case["expect"], answer.get("set") or {}
    drawn = _drawn(case, answer)
    around = drawn
    if answer.get("kind") == "inpaint":
        around = f"{drawn}\n{answer.get('region') or ''}\n{answer.get('instruction') or ''}"
    around = f"{around}\n{values.get('style') or ''}"
    yield from _missing("prompt", expect.get("prompt_has", ()), around)
    for word in expect.get("prompt_lacks", ()):
        if meets(word, drawn):
            yield f"the prompt has {word}"
    negative = _negative(case, answer)
    yield from _missing("negative", expect.get("negative_has", ()), negative)
    for word in expect.get("negative_lacks", ()):
        if meets(word, negative):
            yield f"the negative has {word}"


def _missing(where: str, groups: Any, text: str) -> Iterator[str]:
    for group in groups:
        if not any(meets(word, text) for word in group):
            yield f"the {where} has none of {', '.join(group)}: {text}"


def _of_style(case: Case, answer: Answer) -> Iterator[str]:
    wanted = case["expect"].get("style_is")
    if wanted is None:
        return
    old = case["parent"].get("style")
    style = (answer.get("set") or {}).get("style", old)
    if not any(meets(word, f"{_drawn(case, answer)}\n{style or ''}") for word in wanted):
        yield f"the style is {style}: {_drawn(case, answer)}"
    if old and style == old and not any(meets(word, old) for word in wanted):
        yield f"the old style {old} stays"


def _of_values(case: Case, answer: Answer) -> Iterator[str]:
    expect, parent, values = case["expect"], case["parent"], answer.get("set") or {}
    for name, wanted in expect.get("set", {}).items():
        if not _holds(name, wanted, values, parent):
            yield f"{name} is {values.get(name)!r}, not {wanted!r}"
    several = expect.get("set_any")
    if several and not any(
        all(_holds(name, wanted, values, parent) for name, wanted in one.items()) for one in several
    ):
        yield f"{dict(values)} is none of {several}"


def _of_means(case: Case, answer: Answer) -> Iterator[str]:
    """What a model that edits, or a mask, is told."""
    expect, kind = case["expect"], answer.get("kind")
    if kind == "edit" and "instruct-edit" in case["abilities"]:
        yield from _missing("instruction", expect.get("instruction", ()), answer["instruction"])
    if kind == "inpaint":
        if not answer.get("region"):
            yield "no region"
        yield from _missing("region", expect.get("region", ()), answer.get("region") or "")


def _kept(name: str, case: Case, answer: Answer) -> bool:
    parent, values = case["parent"], answer.get("set") or {}
    changed = set(answer.get("changed") or ())
    if name == "prompt":
        return _folded(_drawn(case, answer)) == _folded(parent["prompt"])
    if name == "negative":
        return _folded(_negative(case, answer)) == _folded(parent["negative"])
    if name == "size":
        size = _size(values, parent)
        if size is None:
            return not changed & {"size", "width", "height"}
        return size == (parent["width"], parent["height"])
    return _same(values[name], parent.get(name)) if name in values else name not in changed


def meets(word: str, text: object) -> bool:
    """Whether the word is in the text: whole, caseless, perhaps with a plural s."""
    text = str(text or "")
    if set(word) & set('{}_()<>|:@"'):
        return _plain(word) in _plain(text)
    wanted = _folded(word.rstrip("*"))
    if re.search(r"[\u3040-\u30ff\u3400-\u9fff]", wanted):
        return wanted in _folded(text)
    end = "" if word.endswith("*") else r"(?:s|es)?(?![^\W_])"
    return bool(re.search(rf"(?<![^\W_]){re.escape(wanted)}{end}", _folded(text)))


def _plain(text: object) -> str:
    return unicodedata.normalize("NFKC", str(text or "")).casefold()


def _folded(text: object) -> str:
    return re.sub(r"[-\s]+", " ", _plain(text)).strip()


def _drawn(case: Case, answer: Answer) -> str:
    return str(answer.get("prompt") or case["parent"]["prompt"])


def _negative(case: Case, answer: Answer) -> str:
    negative = answer.get("negative")
    return str(case["parent"]["negative"] if negative is None else negative)


def _number(value: object) -> float | None:
    try:
        return None if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def _same(one: object, other: object) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return sorted(map(_key, one)) == sorted(map(_key, other))
    return _key(one) == _key(other)


def _key(value: object) -> str:
    if isinstance(value, Mapping):
        return json.dumps({name: _key(inner) for name, inner in value.items()}, sort_keys=True)
    number = _number(value)
    return f"{number:.6f}" if number is not None else _folded(value)


def _holds(name: str, wanted: Any, values: Mapping[str, Any], parent: Mapping[str, Any]) -> bool:
    if name in _OF_SIZE:
        size = _size(values, parent)
        if size is None:
            return False
        width, height = size
        if name == "size_ratio":
            return abs(width / height / (_ratio(wanted) or math.inf) - 1) < 0.06
        got: Any = {"aspect": width / height, "width": width, "height": height}.get(
            name, width * height
        )
    elif name in values:
        got = values[name]
    else:
        return False
    if not isinstance(wanted, Mapping):
        return _same(got, wanted)
    if "any" in wanted:
        each = got if isinstance(got, list) else [got]
        return any(_same(one, right) for one in each for right in wanted["any"])
    number = _number(got)
    above, below = wanted.get("above", -math.inf), wanted.get("below", math.inf)
    return number is not None and bool(above < number < below)


def _size(values: Mapping[str, Any], parent: Mapping[str, Any]) -> tuple[float, float] | None:
    """Width and height after the change; None when nothing is said of them."""
    if "width" in values or "height" in values:
        return (
            float(values.get("width", parent["width"])),
            float(values.get("height", parent["height"])),
        )
    said = str(values.get("size") or values.get("size_ratio") or "")
    pixels = re.fullmatch(r"\s*(\d+)\s*[x×*]\s*(\d+)\s*", said)
    if pixels and int(pixels[1]) > 32:
        return float(pixels[1]), float(pixels[2])
    ratio = _ratio(said) or _SHAPES.get(_folded(said))
    area = parent["width"] * parent["height"]
    return (math.sqrt(area * ratio), math.sqrt(area / ratio)) if ratio else None


def _ratio(value: object) -> float | None:
    found = re.fullmatch(r"\s*([\d.]+)\s*[:x×/]\s*([\d.]+)\s*", str(value))
    return float(found[1]) / float(found[2]) if found and float(found[2]) else None
