"""Pictures are scored in the worker, with the numbers that transformers' own models have."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from generation.catalog.catalog import Catalog
from generation.catalog.scorers import SCORERS
from generation.errors import BadPicture, UnusableWeights
from generation.fleet.conversation import Conversation
from generation.fleet.wire import BrokenFrame, Described, Loading, Score, Scored
from generation.job import JobId
from generation.worker.scoring import SCORINGS
from tests.given.scorers import KINDS, build_scorer
from tests.given.worker_process import WorkerProcess, a_photo

PHOTO = a_photo()
TEXTS = ("a red cat", "a blue dog", "A Red Cat", "words that are longer than any encoder reads")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for kind in KINDS:
        build_scorer(folder / f"anything {kind[::-1]}", kind)
    return folder


@pytest.fixture(scope="module")
def worker(models: Path) -> Iterator[WorkerProcess]:
    process = WorkerProcess(models)
    yield process
    process.kill()


def folder_of(models: Path, kind: str) -> Path:
    return models / f"anything {kind[::-1]}"


def listed(models: Path) -> Catalog:
    catalog = Catalog([models], models.parent / "digests.json")
    catalog.scan()
    return catalog


def asked(models: Path, kind: str, picture: bytes = PHOTO) -> Score:
    here = listed(models).entries("scorer")
    [entry] = [e for e in here if e.path == folder_of(models, kind)]
    return Score(
        job=JobId(-7),
        name=entry.name,
        scorer=entry.weights.sha256,
        picture=picture,
        texts=TEXTS,
    )


def by_transformers(folder: Path, kind: str) -> Any:
    """What the library's own model says of the same picture and texts: (texts,)."""
    import transformers

    config = json.loads((folder / "config.json").read_text())
    name = {"clip": "CLIPModel", "siglip": "SiglipModel", "siglip2": "Siglip2Model"}[kind]
    network = getattr(transformers, name).from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    looking = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")
    lower = kind != "clip"
    read = tokenizer(
        [text.lower() if lower else text for text in TEXTS],
        padding="max_length",
        max_length=config["text_config"]["max_position_embeddings"],
        truncation=True,
        return_tensors="pt",
    )
    if lower:
        read.pop("attention_mask")
    read.pop("token_type_ids", None)
    seen = looking(Image.open(io.BytesIO(PHOTO)).convert("RGB"), return_tensors="pt")
    with torch.no_grad():
        said = network(**read, **seen)
    scale = network.logit_scale.detach().exp() if kind == "clip" else 1.0
    return (said.logits_per_image[0] / scale).tolist()


def test_every_kind_that_the_catalog_knows_is_asked_in_its_own_way() -> None:
    assert set(SCORERS) == set(SCORINGS) == set(KINDS)


def test_they_are_told_by_their_config_and_never_by_a_name(models: Path) -> None:
    found = listed(models)
    assert len(found.entries("scorer")) == len(KINDS)
    assert not found.refused()
    assert not found.models()


@pytest.mark.parametrize("kind", KINDS)
def test_a_score_is_the_number_of_transformers_own_model(
    worker: WorkerProcess, models: Path, kind: str
) -> None:
    order = asked(models, kind)
    first, again = (worker.score(order)[-1] for _ in range(2))
    assert isinstance(first, Scored)
    assert isinstance(again, Scored)
    assert first.scores == again.scores
    assert first.scores == pytest.approx(
        by_transformers(folder_of(models, kind), kind), abs=2e-5, rel=1e-5
    )
    assert len({round(score, 4) for score in first.scores}) >= 3, "it tells texts apart"
    if kind == "clip":
        assert all(-1 <= score <= 1 for score in first.scores)


def test_it_is_at_hand_the_second_time(models: Path) -> None:
    process = WorkerProcess(models)
    try:
        reports = [process.score(asked(models, "clip")) for _ in range(2)]
    finally:
        process.kill()
    assert [type(report) for report in reports[0][:-1]] == [Loading]
    assert len(reports[1]) == 1


def test_a_file_that_is_no_picture_ends_the_job_with_what_it_is(
    worker: WorkerProcess, models: Path
) -> None:
    with pytest.raises(BadPicture):
        worker.score(asked(models, "siglip", b"no picture"))


def test_a_folder_of_another_kind_is_not_asked(worker: WorkerProcess) -> None:
    order = Score(job=JobId(-1), name="c", scorer="0" * 64, picture=PHOTO, texts=("a",))
    with pytest.raises(UnusableWeights):
        worker.score(order)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"vision_config": {"hidden_size": 24, "patch_size": 8}}, "another shape"),
        ({"text_config": None}, "two encoders"),
        ({"vision_config": {"hidden_size": "wide"}}, "no numbers"),
    ],
)
def test_a_folder_whose_tensors_are_not_its_configs_is_refused(
    models: Path, tmp_path: Path, change: dict[str, object], why: str
) -> None:
    there = shutil.copytree(folder_of(models, "clip"), tmp_path / "models" / "c")
    config = json.loads((there / "config.json").read_text())
    (there / "config.json").write_text(json.dumps(config | change))
    found = listed(tmp_path / "models")
    assert not found.entries("scorer")
    [refused] = found.refused()
    assert why in refused.reason


def test_the_card_says_whose_pictures_it_scores(tmp_path: Path) -> None:
    build_scorer(tmp_path / "models" / "c", "clip", family="starter")
    [entry] = listed(tmp_path / "models").entries("scorer")
    assert entry.family == "starter"


def test_a_worker_cannot_answer_another_question_than_it_was_asked() -> None:
    order = Score(job=JobId(-1), name="c", scorer="0" * 64, picture=PHOTO, texts=("a", "b"))
    words = Described(job=JobId(-1), words="a", sure=0.5, seconds=0.0, loading_seconds=0.0)
    few = Scored(job=JobId(-1), scores=(0.5,), seconds=0.0, loading_seconds=0.0)
    for answer in (words, few):
        talk = Conversation()
        talk.asked(order)
        with pytest.raises(BrokenFrame):
            talk.said(answer)
