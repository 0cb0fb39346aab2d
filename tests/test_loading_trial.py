"""Claims about the checkpoints that loading is measured with: whole, fp16, of other bytes each."""

from __future__ import annotations

from pathlib import Path

from generation.catalog.header import read_header
from generation.worker.trials.loading import write_checkpoint
from tests.given import thinmodels
from tests.given.checkpoints import scanned


def test_the_checkpoints_that_are_measured_are_whole_and_differ(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    for number, name in enumerate(("first", "second")):
        path = folder / f"{name}.safetensors"
        write_checkpoint(path, "sd1", number, configs=thinmodels.configs())
        assert set(read_header(path, name).dtypes.values()) == {"F16"}
    catalog = scanned(folder)
    assert catalog.refused() == ()
    assert len({entry.weights.sha256 for entry in catalog.models()}) == 2
