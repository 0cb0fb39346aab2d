"""Adapters that are networks of their own, which the model cache loads beside the checkpoint's.

They hang nothing on layers and teach no words.  What a ControlNet does is in
`generation.worker.tasks.control` and in the engine; what a motion module does, in the engine.
"""

from __future__ import annotations

from generation.recipe import Adapter
from generation.worker.adapters.adapter import Locate
from generation.worker.model import Model


class OwnNetwork:
    """Nothing that is put on and taken off."""

    def patches(self, _model: Model, _adapter: Adapter, _locate: Locate) -> tuple[()]:
        return ()

    def words(self, _model: Model, _adapter: Adapter, _locate: Locate) -> tuple[()]:
        return ()
