"""Pictures are described in the worker, by captioners that are told by their config alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from generation.catalog.captioners import OURS, TYPES
from generation.catalog.catalog import Catalog
from generation.errors import BadPicture, BrokenWeights, PickleRefused, UnusableWeights
from generation.fleet.conversation import Conversation
from generation.fleet.wire import BrokenFrame, Describe, Described, Drawn, Loading
from generation.job import JobId
from generation.worker.captioners.table import CAPTIONERS
from generation.worker.captioners.writing import LONGEST, plainly
from tests.given.captioners import KINDS, build_captioner
from tests.given.worker_process import WorkerProcess, a_photo

PHOTO = a_photo()


def built(folder: Path, seed: int = 0) -> Path:
    for kind in KINDS:
        build_captioner(folder / f"anything {kind[::-1]}", kind, seed=seed)
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    """The same kinds with other numbers."""
    process = WorkerProcess(built(tmp_path_factory.mktemp("others"), seed=5))
    yield process
    process.kill()


@pytest.fixture(scope="module")
def worker(models: Path) -> Iterator[WorkerProcess]:
    process = WorkerProcess(models)
    yield process
    process.kill()


def listed(models: Path) -> Catalog:
    catalog = Catalog([models], models.parent / "digests.json")
    catalog.scan()
    return catalog


def folder_of(models: Path, kind: str) -> Path:
    return models / f"anything {kind[::-1]}"


def asked(models: Path, kind: str, picture: bytes = PHOTO) -> Describe:
    here = listed(models).entries("captioner")
    [entry] = [e for e in here if e.path == folder_of(models, kind)]
    return Describe(job=JobId(-7), name=entry.name, captioner=entry.weights.sha256, picture=picture)


def test_every_kind_that_the_catalog_knows_is_asked_by_a_file_of_its_own() -> None:
    assert set(TYPES) == set(CAPTIONERS)
    assert set(KINDS) == set(TYPES) - {OURS}


def test_they_are_told_by_their_config_and_never_by_a_name(models: Path) -> None:
    found = listed(models)
    assert len(found.entries("captioner")) == len(KINDS)
    assert not found.refused()
    assert not found.models()


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_of_each_kind_says_the_same_of_the_same_picture(
    worker: WorkerProcess, models: Path, kind: str
) -> None:
    order = asked(models, kind)
    reports = [worker.describe(order) for _ in range(2)]
    first, again = (each[-1] for each in reports)
    assert isinstance(first, Described)
    assert isinstance(again, Described)
    assert first.words
    assert (first.words, first.sure) == (again.words, again.sure)
    assert 0 < first.sure <= 1
    assert len(first.words) <= 8 * LONGEST
    # It is at hand the second time.
    assert [type(report) for report in reports[0][:-1]] == [Loading]
    assert len(reports[1]) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_what_it_says_depends_on_its_numbers(
    worker: WorkerProcess, others: WorkerProcess, models: Path, kind: str
) -> None:
    said = others.describe(asked(others.folders[0], kind))[-1]
    before = worker.describe(asked(models, kind))[-1]
    assert isinstance(said, Described)
    assert isinstance(before, Described)
    assert said.words != before.words


def test_a_file_that_is_no_picture_ends_the_job_with_what_it_is(
    worker: WorkerProcess, models: Path
) -> None:
    with pytest.raises(BadPicture):
        worker.describe(asked(models, "blip", b"no picture"))


def _copied(models: Path, kind: str, to: Path) -> Path:
    to.mkdir()
    for file in folder_of(models, kind).iterdir():
        (to / file.name).write_bytes(file.read_bytes())
    return to


def test_one_without_a_tensor_of_its_kind_is_refused_by_name(models: Path, tmp_path: Path) -> None:
    folder = _copied(models, "blip", tmp_path / "models")
    tensors = load_file(folder / "model.safetensors")
    del tensors["text_decoder.cls.predictions.bias"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    [refused] = listed(folder).refused()
    assert isinstance(refused, BrokenWeights)
    assert "text_decoder.cls.predictions.bias" in refused.reason


def test_one_that_lacks_another_tensor_fails_instead_of_guessing(
    models: Path, tmp_path: Path
) -> None:
    folder = _copied(models, "blip", tmp_path / "models")
    tensors = load_file(folder / "model.safetensors")
    del tensors["text_decoder.bert.encoder.layer.0.output.dense.weight"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    [entry] = listed(tmp_path).entries("captioner")
    process = WorkerProcess(tmp_path)
    order = Describe(job=JobId(1), name=entry.name, captioner=entry.weights.sha256, picture=PHOTO)
    try:
        with pytest.raises(UnusableWeights, match=r"output\.dense\.weight is missing"):
            process.describe(order)
    finally:
        process.kill()


def test_code_that_comes_with_a_folder_is_not_run_and_said_so(models: Path, tmp_path: Path) -> None:
    folder = _copied(models, "florence2", tmp_path / "models")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"auto_map": {"AutoModel": "evil.X"}}))
    tensors = load_file(folder / "model.safetensors")
    old = {
        key.replace("model.vision_tower.convs", "vision_tower.convs"): tensors[key]
        for key in tensors
    }
    save_file(old, folder / "model.safetensors", metadata={"format": "pt"})
    [refused] = listed(folder).refused()
    assert "never done here" in refused.reason


def test_a_pickle_alone_is_refused_unread(models: Path, tmp_path: Path) -> None:
    folder = _copied(models, "blip", tmp_path / "models")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    [refused] = listed(folder).refused()
    assert isinstance(refused, PickleRefused)


def test_a_worker_draws_nothing_where_it_was_to_describe() -> None:
    order = Describe(job=JobId(-1), name="c", captioner="0" * 64, picture=PHOTO)
    talk = Conversation()
    talk.asked(order)
    with pytest.raises(BrokenFrame, match="draws what it was to describe"):
        talk.said(Drawn(job=order.job, seconds=1.0, loading_seconds=0.0))
    said = Described(job=order.job, words="", sure=0.0, seconds=1.0, loading_seconds=0.0)
    talk.said(said)
    with pytest.raises(BrokenFrame, match="does not have"):
        talk.said(said)


def test_openings_that_say_nothing_of_a_picture_are_left_out() -> None:
    assert plainly("The image shows a dog\n on a bench.") == "A dog on a bench."
    assert plainly("This picture features two boats.") == "Two boats."
    assert plainly("An image of a cat") == "An image of a cat"
    assert plainly("") == ""
