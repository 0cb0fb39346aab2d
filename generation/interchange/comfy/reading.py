"""A file's texts -> what ComfyUI drew there: its prompt, or else its workflow.

The prompt is what the server ran, with the seed that it ran with; the workflow beside it says where
files can be had.  The invariant: nothing but NotRead is raised, whatever the texts are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from generation.interchange.comfy.drafting import PROGRAM, drafted
from generation.interchange.comfy.flattening import flattened
from generation.interchange.comfy.graph import Graph, is_prompt, of_prompt
from generation.interchange.comfy.json_values import mapping, parsed
from generation.interchange.comfy.workflow import is_workflow, workflow
from generation.interchange.imported import Imported, NotRead

__all__ = ["PROGRAM", "read"]

LONGEST = 16 * 2**20  # letters of a text that is read
# Where programs put it; "" is a file that is nothing else.
KEYS = ("prompt", "workflow", "comment", "UserComment", "ImageDescription", "parameters", "")


def read(texts: Mapping[str, str]) -> Imported | None:
    """What the texts say; None where they say nothing of ComfyUI.  Raises NotRead."""
    prompt: Mapping[str, object] | None = None
    stored: Mapping[str, object] | None = None
    failed: NotRead | None = None
    for key in KEYS:
        said = texts.get(key, "")
        if not said[:200].lstrip().startswith(("{", '"')) or len(said) > LONGEST:
            continue
        try:
            for data in _within(parsed(_begun(said))):
                if prompt is None and is_prompt(data):
                    prompt = data
                elif stored is None and is_workflow(data):
                    stored = data
        except NotRead as error:
            # Of other programs' keys nobody says that they hold JSON.
            failed = failed or (error if key in KEYS[:2] else None)
    if prompt is None and stored is None:
        if failed is not None:
            raise failed
        return None
    return drafted(graph_of(prompt, stored), beside=mapping(prompt))


def graph_of(prompt: Mapping[str, object] | None, stored: Mapping[str, object] | None) -> Graph:
    """The graph of a prompt, with the addresses of the workflow; or that of the workflow alone.

    Raises NotRead.
    """
    if prompt is None:
        return flattened(workflow(stored or {}))
    graph = of_prompt(prompt)
    if stored is None:
        return graph
    try:
        return replace(graph, addresses=flattened(workflow(stored)).addresses)
    except NotRead:
        return graph


def _begun(said: str) -> str:
    """The text from where its JSON begins."""
    return said.lstrip("\ufeff \r\n\t")


def _within(data: object) -> Iterator[dict[str, object]]:
    """The value itself, and what it holds under ComfyUI's names, which may be texts of JSON."""
    if not isinstance(data, dict):
        return
    yield data
    if is_prompt(data) or is_workflow(data):
        return
    for key in ("prompt", "workflow"):
        inner = data.get(key)
        if isinstance(inner, str) and inner.lstrip().startswith("{"):
            inner = parsed(inner)
        if isinstance(inner, dict):
            yield inner
