"""Fixtures that tests of several files ask for."""

from tests.contract import contract
from tests.writer_children import no_child_left

__all__ = ["contract", "no_child_left"]
