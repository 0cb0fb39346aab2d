"""What a server sent, read: the object that is the answer, and its fields in the shape of `Slots`.

Servers wrap JSON in fences and preambles, put a chain of thought before it, send two objects or an
end that is cut off, and not all of them obey a schema.  The invariant: what is read stands in what
was sent; nothing is guessed, and what cannot be read is Unreadable with a reason that helps.
"""

from __future__ import annotations

import ast
import contextlib
import json
import re
from collections.abc import Iterator, Sequence

from prompting.errors import Unreadable
from prompting.slots import MAX_ANSWER, MAX_ITEM, MAX_ITEMS, MAX_SCENE, MAX_SUBJECT

# How models mark the thought before an answer, and where it ends.
_THOUGHT = re.compile(
    r"<(?:think|thinking|thought|reasoning|reflection)>|◁think▷|\[THINK\]"
    r"|<\|channel\|>\s*analysis|<seed:think>|<\|START_THINKING\|>",
    re.IGNORECASE,
)
_ANSWER = re.compile(
    r"</(?:think|thinking|thought|reasoning|reflection)>|◁/think▷|\[/THINK\]"
    r"|<\|channel\|>\s*final\s*(?:<\|message\|>)?|</seed:think>|<\|END_THINKING\|>",
    re.IGNORECASE,
)
_LISTS = ("details", "style", "avoid", "quoted")
_AFTER = re.compile(r"(?:```|<\|[^|>]*\|>|</?\w+>|\s)*")  # what may follow an answer
_COMMA = re.compile(r",(?=\s*[\]}])")  # behind the last thing of a list, which JSON forbids
_BARE = re.compile(r"([{,]\s*)([A-Za-z_]+)\s*:")  # a name without quotes
_REMARK = re.compile(r"\s//[^\n\"]*$", re.MULTILINE)
_QUOTES = str.maketrans("“”„", '"""')
MOST_ENDS = 64  # places at which an answer that was cut may have been whole
_DECODER = json.JSONDecoder(strict=False)


def object_in(raw: str, wanted: str, *, cut: bool = False) -> dict[str, object]:
    """The answer's object: the first that has the field `wanted`; its names in lower case.

    `cut` says that the server ended the text at its limit; then an object that is not closed is
    read as far as it is whole.  Raises Unreadable.
    """
    if len(raw) > MAX_ANSWER:
        raise Unreadable("answer", f"longer than {MAX_ANSWER} characters", raw)
    text = _said(raw)
    if not (found := list(_objects(text))):
        found = list(_objects(text := _mended(text)))
    if _THOUGHT.search(text):  # it never ended: what stands in it are drafts, but for its end
        found = [(data, end) for data, end in found if _AFTER.fullmatch(text, end)]
        if not found:
            thought = "a chain of thought cut at max_tokens" if cut else "a thought without an end"
            raise Unreadable("answer", thought, raw)
    if not found and cut and (closed := _closed(text)) is not None:
        found = [(closed, len(text))]
    for data in (*(data for data, _ in found), *_within([data for data, _ in found])):
        if wanted in (lower := {name.strip().lower(): value for name, value in data.items()}):
            return lower
    if cut:
        raise Unreadable("answer", "cut at max_tokens", raw)
    raise Unreadable("answer", f"no {wanted}" if found else "no JSON object", raw)


def fields_in(raw: str, *, cut: bool = False) -> str:
    """The answer about a wish as JSON that `Slots.from_json` reads.  Raises Unreadable."""
    data = object_in(raw, "subject", cut=cut)
    fields: dict[str, object] = {
        "subject": _shortened(_text(data.get("subject")), MAX_SUBJECT),
        **{name: _items(data[name]) for name in _LISTS if name in data},
    }
    if data.get("scene"):
        fields["scene"] = _shortened(_text(data["scene"], " "), MAX_SCENE)
    return json.dumps(fields, ensure_ascii=False)


def _said(raw: str) -> str:
    """What stands behind the last thought that has an end."""
    ends = [found.end() for found in _ANSWER.finditer(raw)]
    return raw[ends[-1] :] if ends else raw


def _objects(text: str) -> Iterator[tuple[dict[str, object], int]]:
    """Each outermost object in the text that is not empty, and where it ends."""
    at = text.find("{")
    while at >= 0:
        end = at + 1
        with contextlib.suppress(ValueError, RecursionError):
            data, end = _DECODER.raw_decode(text, at)
            if isinstance(data, dict) and data:
                yield data, end
        at = text.find("{", end)


def _within(values: Sequence[object], deep: int = 3) -> Iterator[dict[str, object]]:
    """Objects that lie in others and in their lists, as where an answer is wrapped."""
    for value in values:
        inner = tuple(value.values()) if isinstance(value, dict) else value
        if isinstance(inner, tuple | list) and deep:
            yield from (each for each in inner if isinstance(each, dict))
            yield from _within(inner, deep - 1)


def _mended(text: str) -> str:
    """JSON out of what a model took for it: a dictionary of Python's, quotes of a typesetter,
    names without quotes, remarks, a comma too many."""
    start, end = text.find("{"), text.rfind("}") + 1
    with contextlib.suppress(ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return text[:start] + json.dumps(ast.literal_eval(text[start:end])) + text[end:]
    text = _REMARK.sub("", text.translate(_QUOTES))
    return _COMMA.sub("", _BARE.sub(r'\1"\2":', text))


def _closed(text: str) -> dict[str, object] | None:
    """An object whose end is missing, up to the last thing in it that is whole."""
    start = text.find("{")
    ends = list(re.finditer(r'["\].。]', text[start:]))
    for end in reversed(ends[-MOST_ENDS:]):
        for closing in ('"}',) if end[0] in ".。" else ("}", "]}"):
            with contextlib.suppress(ValueError, RecursionError):
                data = json.loads(text[start : start + end.end()] + closing, strict=False)
                if isinstance(data, dict) and data:
                    return data
    return None


def _text(value: object, between: str = ", ") -> object:
    """A text; of a list, its texts one after the other; of an object, its only one."""
    value = _only(value)
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return between.join(value)
    return value


def _items(value: object) -> object:
    """A list of texts; of one text, its parts; of nothing, none.  What is too long goes."""
    if value is None:
        return []
    if isinstance(value, str):
        value = re.split(r"[,;，、；\n]", value)
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return value
    kept = [_only(item) for item in value if item is not None]
    return [it for it in kept if not isinstance(it, str) or len(it) <= MAX_ITEM][:MAX_ITEMS]


def _only(value: object) -> object:
    """The text that is all that an object holds, as in {"text": "soft light"}."""
    texts = tuple(value.values()) if isinstance(value, dict) else ()
    return texts[0] if len(texts) == 1 and isinstance(texts[0], str) else value


def _shortened(value: object, limit: int) -> object:
    """No longer than the limit, and no word cut in two."""
    if not isinstance(value, str) or len(value) <= limit:
        return value
    kept = value[:limit]
    return kept.rpartition(" ")[0] or kept
