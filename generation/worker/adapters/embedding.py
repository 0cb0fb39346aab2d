"""Embeddings: new words for the text encoders.  An embedding's word is its file's name."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load

from generation.catalog import embeddings
from generation.catalog.checkpoint import check_types
from generation.catalog.header import read_header
from generation.recipe import Adapter
from generation.worker.adapters.adapter import Locate, Tables, tables_of
from generation.worker.model import Model


class Embedding:
    """Words alone; they are read anew for every picture, for they are small."""

    def patches(self, _model: Model, _adapter: Adapter, _locate: Locate) -> tuple[()]:
        return ()

    def words(self, model: Model, adapter: Adapter, locate: Locate) -> Tables:
        name, path = adapter.weights.name, locate(adapter.weights)
        header = read_header(path, name)
        keys = embeddings.read_words(header.shapes, name)
        check_types(keys, header.dtypes, name)
        tensors = load(path.read_bytes())
        word = Path(name).name.removesuffix(".safetensors")
        tables = tables_of(model, {word: [tensors[key] for key in keys]}, name)
        return [
            {word: vectors.float() * adapter.strength for word, vectors in table.items()}
            for table in tables
        ]
