"""Claims about a model file that says odd things of itself: it alone is refused, by its name."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from generation.catalog.catalog import Catalog

ONE = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
DEEP = b'{"a":' + b'{"a":' * 100_000


def file(path: Path, header: object, body: bytes = b"\0" * 4) -> None:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


@pytest.mark.parametrize(
    "header",
    [
        {"__metadata__": ["a", "b"], "x": ONE},
        {"__metadata__": [["a", "b"]], "x": ONE},
        {"__metadata__": "text", "x": ONE},
        {"__metadata__": 7, "x": ONE},
        {"__metadata__": {"a": 7}, "x": ONE},
        {"__metadata__": {"a": {"b": "c"}}, "x": ONE},
        {"x": {**ONE, "shape": [1] * 1_000}},
        {"x": {**ONE, "shape": [10**400]}},
        {"x": {**ONE, "data_offsets": [0]}},
        {"x": {**ONE, "dtype": ["F32"]}},
        {"x": []},
        {"\ud800": ONE},
        [],
        DEEP,
        b"\xff\xfe",
    ],
    ids=lambda header: str(header)[:40],
)
def test_one_odd_file_is_refused_and_the_others_are_there(tmp_path: Path, header: object) -> None:
    models = tmp_path / "models"
    models.mkdir()
    file(models / "odd.safetensors", header)
    file(models / "cut.safetensors", {"x": ONE}, b"")
    embedding = {"dtype": "F32", "shape": [1, 768], "data_offsets": [0, 3072]}
    file(models / "ink.safetensors", {"emb_params": embedding}, b"\0" * 3072)
    catalog = Catalog([models], tmp_path / "digests.json")
    catalog.scan()
    assert [entry.name for entry in catalog.entries()] == ["ink"]
    assert [error.name for error in catalog.refused()] == ["cut.safetensors", "odd.safetensors"]
