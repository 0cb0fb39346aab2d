"""Fixtures that tests of several files ask for."""

from tests.contract import contract

__all__ = ["contract"]
