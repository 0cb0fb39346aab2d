"""How an answer begins in a model's own chat template: behind the thought, in the right channel.

What a template writes when the model is to speak is not always where an answer may begin: some
leave a thought open, some leave the channel to the model.  But each of them also writes down
answers that were given, and so shows what stands before one:

    prompt  ...wish<|end|><|start|>assistant
    shown   ...wish<|end|><|start|>assistant<|channel|>final<|message|>the answer

The invariant: what `opening` returns leaves no thought open, or it raises Unreadable.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from prompting.errors import Unreadable

# Of a thought: <think> <|START_THINKING|> [THINK] ◁think▷ <|channel|>analysis "My reasoning:"
_THOUGHT = re.compile(
    r"[<\[◁][^<>\[\]◁▷\n]*(?:think|thought|reason)[^<>\[\]◁▷\n]*[>\]▷]"
    r"|>(?:think|thought|analysis)\b"
    r"|\b(?:think|reason)[^\n]*:\s*\Z",
    re.IGNORECASE,
)
_CLOSER = re.compile(
    r"[<◁]/[^<>◁▷]*[>▷]|\[/[^\[\]]*\]|<[|｜]?(?:END|CLOSE)[^<>]*>|<\w+\|>", re.IGNORECASE
)  # </think> [/THINK] ◁/think▷ <|END_THINKING|> <|close|>think <channel|>
_TAG = re.compile(r"<[^<>]+>|\[[^\[\]]+\]|◁[^◁▷]+▷")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridges:
    """What a template writes between a wish and what follows it; None: it does not show it."""

    prompt: str  # where the model is to speak
    answer: str | None = None  # before an answer that was given
    ending: str | None = None  # between a thought and the answer behind it
    source: str = ""  # the template


def opening(shown: Bridges) -> str:
    """What to write between the wish and the answer.  Raises Unreadable."""
    prompt, answer = shown.prompt, shown.answer
    own = prompt[_common(prompt, answer or "") :]  # what stands before no answer that was given
    begun = answer is not None and own.strip() and not _CLOSER.search(own)
    if not begun and not _open(prompt):
        return _gone_on(prompt, answer or "")
    for end in (shown.ending, _named(prompt, shown.source)):
        if end is not None and not _open(prompt + end):
            return prompt + end
    if answer is not None and not _open(answer):
        return answer
    raise Unreadable("chat template", "it begins with a thought, and does not show how one ends")


def _common(prompt: str, answer: str) -> int:
    """How far both are the same; they part before a tag, and not within one."""
    pairs = enumerate(zip(prompt, answer, strict=False))
    common = next((at for at, (a, b) in pairs if a != b), min(len(prompt), len(answer)))
    begun = prompt.rfind("<", 0, common)
    return begun if begun >= 0 and ">" not in prompt[begun:common] else common


def _gone_on(prompt: str, answer: str) -> str:
    """The prompt, and what else the template writes before an answer, such as a channel."""
    common = _common(prompt, answer)
    rest = answer[common:]
    if _THOUGHT.search(rest) and common < len(prompt):
        return prompt
    closed = _THOUGHT.search(prompt[common:])  # a thought that is empty and closed
    return prompt + rest if rest.strip(" ") and (closed or common == len(prompt)) else prompt


def _open(text: str) -> bool:
    """Whether a thought is begun in a text and not ended."""
    begun = [match.end() for match in _THOUGHT.finditer(text)]
    return bool(begun) and all(match.end() < begun[-1] for match in _CLOSER.finditer(text))


def _named(prompt: str, source: str) -> str | None:
    """The tag that ends the thought which the prompt's last tag begins, if the template has it."""
    tags = _TAG.findall(prompt)
    if not tags:
        return None
    tag = tags[-1]
    ends = (
        tag[0] + "/" + tag[1:],
        tag.replace("START", "END"),
        tag.replace("BEGIN", "END"),
        tag.replace("begin", "end"),
    )
    return next((f"\n{end}\n\n" for end in ends if end != tag and end in source), None)
