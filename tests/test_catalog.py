"""The catalog says what lies on the disk, and why something there cannot be used."""

from __future__ import annotations

import json
import os
import shutil
import struct
import sys
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path

import pytest

from generation.catalog.catalog import Catalog
from generation.catalog.entry import Entry
from generation.catalog.header import read_header
from generation.errors import (
    BrokenWeights,
    MissingWeights,
    NoSuchName,
    NotUsable,
    PickleRefused,
    UnusableWeights,
    WeightsChanged,
)
from generation.recipe import Sha256, Weights
from tests.given.thinmodels import SCHEDULER, SD15, SDXL, VAE, configs, write_file, write_folder

Shapes = Mapping[str, tuple[int, ...]]

UNET = "model.diffusion_model"


def safetensors(path: Path, shapes: Shapes, *, fill: int = 0) -> Path:
    return write_file(path, shapes, fill=fill)


def raw(path: Path, header: object, body: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)
    return path


def diffusers_folder(path: Path, *, architecture: str = "sd1") -> Path:
    """A diffusers folder that is whole, and small."""
    return write_folder(path, architecture)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


@pytest.fixture
def scanned(tmp_path: Path, models: Path) -> Callable[[], Catalog]:
    """Scan the folder with a new catalog, as another process would."""

    def scan() -> Catalog:
        catalog = Catalog([models], tmp_path / "cache" / "digests.json", configs=configs())
        catalog.scan()
        return catalog

    return scan


Scan = Callable[[], Catalog]


def only(catalog: Catalog) -> Entry:
    (entry,) = catalog.entries()
    assert catalog.refused() == ()
    return entry


def refusal(catalog: Catalog) -> UnusableWeights:
    (error,) = catalog.refused()
    assert catalog.entries() == ()
    return error


# What is recognised.


@pytest.mark.parametrize(("shapes", "family"), [(SD15, "sd15"), (SDXL, "sdxl")])
def test_a_checkpoint_is_told_by_its_shapes(
    models: Path, scanned: Scan, shapes: Shapes, family: str
) -> None:
    path = safetensors(models / "anything.safetensors", shapes)
    entry = only(scanned())
    assert (entry.name, entry.title, entry.kind) == ("anything", "anything", "checkpoint")
    assert (entry.family, entry.path) == (family, path)
    assert entry.size_bytes == path.stat().st_size
    assert entry.weights.sha256 == sha256(path.read_bytes()).hexdigest()
    assert entry.model.weights == entry.weights
    assert entry.model.family.name == family


@pytest.mark.parametrize(
    ("architecture", "family"),
    [("sd1", "sd15"), ("sdxl", "sdxl")],
)
def test_a_diffusers_folder_is_one_checkpoint(
    models: Path, scanned: Scan, architecture: str, family: str
) -> None:
    folder = diffusers_folder(models / "mine", architecture=architecture)
    entry = only(scanned())
    assert (entry.name, entry.kind, entry.family) == ("mine", "checkpoint", family)
    assert entry.path == folder
    assert entry.size_bytes == sum(f.stat().st_size for f in folder.rglob("*.safetensors"))


def test_a_folder_may_itself_be_the_model(tmp_path: Path) -> None:
    folder = diffusers_folder(tmp_path / "starter")
    catalog = Catalog([folder], tmp_path / "digests.json")
    catalog.scan()
    assert only(catalog).name == "starter"


ADAPTERS: list[tuple[Shapes, str, str]] = [
    (
        {
            "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
            f".lora_{side}.weight": shape
            for side, shape in (("down", (4, 768)), ("up", (320, 4)))
        },
        "lora",
        "sd15",
    ),
    (
        {
            "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k"
            f".lora_{side}.weight": shape
            for side, shape in (("A", (4, 2048)), ("B", (640, 4)))
        },
        "lora",
        "sdxl",
    ),
    (
        {
            "lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": (4, 768),
            "lora_te_text_model_encoder_layers_0_mlp_fc1.lora_up.weight": (3072, 4),
        },
        "lora",
        "sd15",
    ),
    (
        {
            "lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": (4, 1280),
            "lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_up.weight": (5120, 4),
        },
        "lora",
        "sdxl",
    ),
    (VAE, "vae", ""),
    ({"emb_params": (4, 768)}, "embedding", "sd15"),
    ({"<cat-toy>": (768,)}, "embedding", "sd15"),
    ({"clip_l": (4, 768), "clip_g": (4, 1280)}, "embedding", "sdxl"),
]


@pytest.mark.parametrize(("shapes", "kind", "family"), ADAPTERS)
def test_adapters_are_told_by_their_shapes(
    models: Path, scanned: Scan, shapes: Shapes, kind: str, family: str
) -> None:
    safetensors(models / "x.safetensors", shapes)
    catalog = scanned()
    assert (only(catalog).kind, only(catalog).family) == (kind, family)
    assert catalog.models() == ()
    with pytest.raises(NoSuchName):
        catalog.find("x")
    with pytest.raises(NoSuchName):
        _ = only(catalog).model


UNKNOWN: list[tuple[Shapes, str]] = [
    ({"some.weight": (3, 3, 3), "other.weight": (2,)}, "other.weight, some.weight"),
    ({}, "no tensors"),
]


@pytest.mark.parametrize(("shapes", "said"), UNKNOWN)
def test_what_nobody_knows_is_listed_with_its_first_names(
    models: Path, scanned: Scan, shapes: Shapes, said: str
) -> None:
    safetensors(models / "odd.safetensors", shapes)
    error = refusal(scanned())
    assert error.name == "odd.safetensors"
    assert said in error.reason


@pytest.mark.parametrize(
    ("without", "said"), [("first_stage_model", "VAE"), ("cond_stage_model", "text encoder")]
)
def test_half_a_checkpoint_is_refused(models: Path, scanned: Scan, without: str, said: str) -> None:
    shapes = {key: shape for key, shape in SD15.items() if not key.startswith(without)}
    safetensors(models / "half.safetensors", shapes)
    assert said in refusal(scanned()).reason


# Cards.


def test_a_card_names_family_and_title(models: Path, scanned: Scan) -> None:
    folder = diffusers_folder(models / "starter")
    (folder / "atelier.toml").write_text('family = "starter"\ntitle = "Starter (built in)"\n')
    entry = only(scanned())
    assert (entry.name, entry.family, entry.title) == ("starter", "starter", "Starter (built in)")


def test_a_card_beside_a_file_does_the_same(models: Path, scanned: Scan) -> None:
    safetensors(models / "x.safetensors", VAE)
    (models / "x.safetensors.atelier.toml").write_text('family = "sdxl"\ntitle = "Fine VAE"\n')
    entry = only(scanned())
    assert (entry.kind, entry.family, entry.title) == ("vae", "sdxl", "Fine VAE")


OF_A_LORA = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q"
TINY_LORA: Shapes = {
    f"{OF_A_LORA}.lora_down.weight": (2, 64),
    f"{OF_A_LORA}.lora_up.weight": (64, 2),
}


def test_a_card_says_what_is_unknown_and_never_what_cannot_be_drawn(
    models: Path, scanned: Scan
) -> None:
    for name, more in (("ink", {}), ("oft", {f"{OF_A_LORA}.oft_blocks": (4, 16, 16)})):
        safetensors(models / f"{name}.safetensors", {**TINY_LORA, **more})
        card = models / f"{name}.safetensors.atelier.toml"
        card.write_text('family = "starter"\nkind = "lora"\n')
    catalog = scanned()
    (entry,) = catalog.entries()
    assert (entry.name, entry.kind, entry.family) == ("ink", "lora", "starter")
    assert catalog.families() == {entry.weights.sha256: "starter"}
    (refused,) = catalog.refused()
    assert (refused.name, refused.reason) == (
        "oft.safetensors",
        "an OFT, which cannot be drawn here",
    )


def test_a_card_makes_no_checkpoint_of_a_lora(models: Path, scanned: Scan) -> None:
    safetensors(models / "x.safetensors", TINY_LORA)
    (models / "x.safetensors.atelier.toml").write_text('family = "sdxl"\nkind = "checkpoint"\n')
    assert "it is a LoRA" in refusal(scanned()).reason


def test_a_card_changes_no_digest(models: Path, scanned: Scan) -> None:
    folder = diffusers_folder(models / "mine")
    before = only(scanned()).weights
    (folder / "atelier.toml").write_text('title = "Mine"\n')
    assert only(scanned()).weights == before


@pytest.mark.parametrize("card", ['family = "nothing"', "family = 3", "family = ", 'title = ""'])
def test_a_bad_card_refuses_the_model(models: Path, scanned: Scan, card: str) -> None:
    (diffusers_folder(models / "mine") / "atelier.toml").write_text(card)
    error = refusal(scanned())
    assert error.name == "mine"
    assert "family" in error.reason or "card" in error.reason


# What is broken.


@pytest.fixture(scope="module")
def opened() -> list[str]:
    """Every path that is opened from now on."""
    paths: list[str] = []

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open":
            paths.append(str(arguments[0]))

    sys.addaudithook(hook)  # it stays for as long as the process, and costs nothing
    return paths


@pytest.mark.parametrize("suffix", [".ckpt", ".pt", ".pth", ".bin", ".CKPT"])
def test_a_pickle_is_refused_and_never_opened(
    models: Path, scanned: Scan, opened: list[str], suffix: str
) -> None:
    path = models / f"evil{suffix}"
    path.write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    assert opened.count(str(path)) == 1  # by the line above
    error = refusal(scanned())
    assert isinstance(error, PickleRefused)
    assert error.name == path.name
    assert "safetensors" in error.reason
    assert opened.count(str(path)) == 1


def good_header(**changes: object) -> dict[str, object]:
    return {"a": {"dtype": "F16", "shape": [4], "data_offsets": [0, 8], **changes}}


BROKEN: list[tuple[str, object, bytes]] = [
    ("cut short", good_header(), b"1234567"),
    ("cut short", good_header(), b""),
    ("longer", good_header(), b"123456789"),
    ("not readable", b"{not json", b""),
    ("not readable", b"\xff\xfe\x00\x00", b""),
    ("not readable", b"[1, 2]", b""),
    ("not readable", b"[" * 100_000, b""),
    ("not readable", {"a": {"dtype": "F16"}}, b""),
    ("not readable", {"a": 7}, b""),
    ("not readable", good_header(dtype="F17"), b"12345678"),
    ("not readable", good_header(shape=[-4]), b"12345678"),
    ("not readable", good_header(shape=[2.0]), b"12345678"),
    ("not readable", good_header(shape=[5]), b"12345678"),
    ("not readable", good_header(data_offsets=[0]), b"12345678"),
    ("not readable", good_header(data_offsets=[8, 0]), b"12345678"),
    ("gap or overlap", good_header(data_offsets=[1, 9]), b"123456789"),
]


@pytest.mark.parametrize(("said", "header", "body"), BROKEN)
def test_a_broken_file_is_refused(
    models: Path, scanned: Scan, said: str, header: object, body: bytes
) -> None:
    raw(models / "x.safetensors", header, body)
    error = refusal(scanned())
    assert isinstance(error, BrokenWeights)
    assert said in error.reason
    assert len(str(error)) < 300


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "0 bytes"),
        (b"1234", "4 bytes"),
        (struct.pack("<Q", 2**62) + b"{}", "claims"),
        (struct.pack("<Q", 1000) + b"{}", "claims"),
        (b"<html><body>404 Not Found</body></html>", "claims"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 9\n", "git-lfs"),
    ],
)
def test_what_is_no_safetensors_file_is_refused(
    models: Path, scanned: Scan, content: bytes, said: str
) -> None:
    (models / "x.safetensors").write_bytes(content)
    error = refusal(scanned())
    assert isinstance(error, BrokenWeights)
    assert said in error.reason


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder", "tokenizer"])
def test_a_folder_without_a_part_is_refused(models: Path, scanned: Scan, part: str) -> None:
    shutil.rmtree(diffusers_folder(models / "mine") / part)
    error = refusal(scanned())
    assert isinstance(error, BrokenWeights)
    assert part in error.reason


def test_a_folder_with_a_truncated_part_names_the_file(models: Path, scanned: Scan) -> None:
    path = diffusers_folder(models / "mine") / "vae" / "diffusion_pytorch_model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    error = refusal(scanned())
    assert isinstance(error, BrokenWeights)
    assert error.name == "mine/vae/diffusion_pytorch_model.safetensors"


def test_a_folder_of_pickles_is_refused(models: Path, scanned: Scan) -> None:
    unet = diffusers_folder(models / "mine") / "unet"
    (unet / "diffusion_pytorch_model.safetensors").rename(unet / "diffusion_pytorch_model.bin")
    assert isinstance(refusal(scanned()), PickleRefused)


def test_a_folder_without_a_shard_is_refused(models: Path, scanned: Scan) -> None:
    unet = diffusers_folder(models / "mine") / "unet"
    stem = "diffusion_pytorch_model"
    index = {"weight_map": {"a": f"{stem}.safetensors", "b": f"{stem}-2.safetensors"}}
    (unet / f"{stem}.safetensors.index.json").write_text(json.dumps(index))
    assert "1 of its 2 shards" in refusal(scanned()).reason


def test_an_index_cannot_point_elsewhere(models: Path, scanned: Scan) -> None:
    index = diffusers_folder(models / "mine") / "model_index.json"
    parts = json.loads(index.read_text())
    index.write_text(json.dumps({**parts, "../../secrets": ["diffusers", "X"]}))
    assert "elsewhere" in refusal(scanned()).reason


@pytest.mark.parametrize("text", ["", "{", "[]", '{"_class_name": 3}', '{"unet": [1, 2]}'])
def test_a_folder_with_a_broken_index_is_refused(models: Path, scanned: Scan, text: str) -> None:
    (diffusers_folder(models / "mine") / "model_index.json").write_text(text)
    assert refusal(scanned()).name == "mine"


def test_a_bad_file_hides_no_good_one(models: Path, scanned: Scan) -> None:
    safetensors(models / "good.safetensors", SD15)
    (models / "bad.safetensors").write_bytes(b"?")
    (models / "worse.ckpt").write_bytes(b"?")
    catalog = scanned()
    assert [e.name for e in catalog.models()] == ["good"]
    assert [e.name for e in catalog.refused()] == ["bad.safetensors", "worse.ckpt"]


def test_empty_and_missing_folders_are_no_disaster(tmp_path: Path, models: Path) -> None:
    (models / "empty").mkdir()
    catalog = Catalog([models, tmp_path / "nowhere"], tmp_path / "digests.json")
    catalog.scan()
    assert catalog.models() == ()
    assert [e.reason for e in catalog.refused()] == ["there is no such folder"]


def test_other_files_and_hidden_ones_are_passed_over(models: Path, scanned: Scan) -> None:
    (models / "readme.md").write_text("hello")
    (models / ".cache").mkdir()
    safetensors(models / ".cache" / "x.safetensors", SD15)
    safetensors(models / "x.safetensors.part", SD15)
    catalog = scanned()
    assert (catalog.entries(), catalog.refused()) == ((), ())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_refused(models: Path, scanned: Scan) -> None:
    safetensors(models / "x.safetensors", SD15).chmod(0)
    assert "cannot be read" in refusal(scanned()).reason


def test_a_pipe_is_not_opened(models: Path, scanned: Scan) -> None:
    os.mkfifo(models / "x.safetensors")
    assert "regular file" in refusal(scanned()).reason


# Links and names.


def test_links_lead_to_one_entry(tmp_path: Path, models: Path, scanned: Scan) -> None:
    real = safetensors(tmp_path / "elsewhere" / "blob", SD15)
    (models / "a.safetensors").symlink_to(real)
    (models / "b.safetensors").symlink_to(real)
    (models / "circle").symlink_to(models, target_is_directory=True)
    assert only(scanned()).name == "a"


def test_a_link_to_nothing_is_refused(models: Path, scanned: Scan) -> None:
    (models / "x.safetensors").symlink_to(models / "gone")
    (models / "y.safetensors").symlink_to(models / "y.safetensors")
    catalog = scanned()
    assert [e.name for e in catalog.refused()] == ["x.safetensors", "y.safetensors"]


def test_files_of_one_name_are_told_apart_by_their_folders(models: Path, scanned: Scan) -> None:
    safetensors(models / "a" / "x.safetensors", SD15)
    safetensors(models / "b" / "x.safetensors", SD15, fill=1)
    safetensors(models / "b" / "y.safetensors", SD15, fill=2)
    catalog = scanned()
    assert [e.name for e in catalog.models()] == ["a/x", "b/x", "y"]
    assert catalog.find("B/X").path == models / "b" / "x.safetensors"


def test_a_file_and_a_folder_of_one_name_are_told_apart(models: Path, scanned: Scan) -> None:
    safetensors(models / "x.safetensors", SD15)
    diffusers_folder(models / "x")
    assert {e.name for e in scanned().models()} == {"x", "x.safetensors"}


def test_a_model_in_a_hugging_face_cache_has_its_repositorys_name(
    models: Path, scanned: Scan
) -> None:
    cached = models / "models--artist--dream-paper" / "snapshots"
    diffusers_folder(cached / "0a1b2c")
    assert only(scanned()).name == "dream-paper"
    diffusers_folder(cached / "3d4e5f")
    assert [e.name for e in scanned().models()] == [str(cached / "0a1b2c"), str(cached / "3d4e5f")]


def test_a_name_of_any_bytes_can_be_shown(models: Path, scanned: Scan) -> None:
    safetensors(Path(os.fsdecode(os.fsencode(models) + b"/caf\xe9.safetensors")), SD15)
    only(scanned()).name.encode("utf-8")


def test_names_are_found_in_any_case_and_with_their_suffix(models: Path, scanned: Scan) -> None:
    safetensors(models / "DreamPaper.safetensors", SD15)
    catalog = scanned()
    for name in ("DreamPaper", "dreampaper", "DreamPaper.safetensors"):
        assert catalog.find(name).name == "DreamPaper"
    with pytest.raises(NoSuchName) as unknown:
        catalog.find("dreampapr")
    assert unknown.value.nearest == ("DreamPaper",)


# Digests.


def test_nothing_is_hashed_twice(models: Path, scanned: Scan) -> None:
    safetensors(models / "x.safetensors", SD15)
    diffusers_folder(models / "mine")
    first = scanned()
    assert first.hashed_bytes > 0
    hashed = first.hashed_bytes
    first.scan()
    for entry in first.models():
        first.locate(entry.weights)
    assert first.hashed_bytes == hashed
    assert scanned().hashed_bytes == 0


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 1, "files": {"a": [1]}}'])
def test_a_damaged_cache_only_costs_time(
    tmp_path: Path, models: Path, scanned: Scan, content: bytes
) -> None:
    safetensors(models / "x.safetensors", SD15)
    right = only(scanned()).weights
    (tmp_path / "cache" / "digests.json").write_bytes(content)
    assert only(scanned()).weights == right
    assert scanned().hashed_bytes == 0
    assert [p.name for p in (tmp_path / "cache").iterdir()] == ["digests.json"]


def test_a_cache_that_cannot_be_written_only_costs_time(tmp_path: Path, models: Path) -> None:
    safetensors(models / "x.safetensors", SD15)
    (tmp_path / "file").write_text("in the way")
    catalog = Catalog([models], tmp_path / "file" / "digests.json", configs=configs())
    catalog.scan()
    assert only(catalog).name == "x"


def test_two_processes_keep_each_others_digests(tmp_path: Path) -> None:
    cache = tmp_path / "digests.json"
    for folder in ("a", "b"):
        safetensors(tmp_path / folder / "x.safetensors", SD15)
    one, other = (Catalog([tmp_path / folder], cache, configs=configs()) for folder in ("a", "b"))
    one.scan()
    other.scan()
    both = Catalog([tmp_path / "a", tmp_path / "b"], cache, configs=configs())
    both.scan()
    assert both.hashed_bytes == 0


def test_equal_folders_have_equal_digests_and_others_do_not(models: Path, scanned: Scan) -> None:
    diffusers_folder(models / "one")
    diffusers_folder(models / "two")
    (models / "two" / "README.md").write_text("decides no pixel")
    other = diffusers_folder(models / "three")
    config = SCHEDULER | {"prediction_type": "v_prediction"}
    (other / "scheduler" / "scheduler_config.json").write_text(json.dumps(config))
    digests = {e.name: e.weights.sha256 for e in scanned().models()}
    assert digests["one"] == digests["two"] != digests["three"]


def test_weights_are_found_under_another_name(models: Path, scanned: Scan) -> None:
    path = safetensors(models / "x.safetensors", SD15)
    catalog = scanned()
    weights = only(catalog).weights
    moved = path.rename(models / "renamed.safetensors")
    assert catalog.locate(weights) == moved


def test_weights_that_came_later_are_found(models: Path, scanned: Scan) -> None:
    catalog = scanned()
    path = safetensors(models / "x.safetensors", SD15)
    digest = Sha256(sha256(path.read_bytes()).hexdigest())
    assert catalog.locate(Weights(name="x", sha256=digest)) == path


def test_a_changed_file_is_refused_with_both_digests(models: Path, scanned: Scan) -> None:
    path = safetensors(models / "x.safetensors", SD15)
    catalog = scanned()
    recorded = only(catalog).weights
    safetensors(path, SD15, fill=1)
    with pytest.raises(WeightsChanged) as changed:
        catalog.locate(recorded)
    found = sha256(path.read_bytes()).hexdigest()
    assert (changed.value.name, changed.value.recorded) == ("x", recorded.sha256)
    assert changed.value.found == found != recorded.sha256


def test_a_changed_file_in_a_folder_is_refused(models: Path, scanned: Scan) -> None:
    folder = diffusers_folder(models / "mine")
    catalog = scanned()
    recorded = only(catalog).weights
    file = folder / "unet" / "diffusion_pytorch_model.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(WeightsChanged):
        catalog.locate(recorded)


def test_a_copy_stands_in_for_a_changed_file(models: Path, scanned: Scan) -> None:
    path = safetensors(models / "a" / "x.safetensors", SD15)
    copy = safetensors(models / "b" / "y.safetensors", SD15)
    catalog = scanned()
    weights = catalog.find("x").weights
    assert catalog.locate(weights) == path
    safetensors(path, SD15, fill=1)
    assert catalog.locate(weights) == copy


def test_a_touched_file_is_read_again_and_still_the_same(models: Path, scanned: Scan) -> None:
    path = safetensors(models / "x.safetensors", SD15)
    catalog = scanned()
    hashed = catalog.hashed_bytes
    os.utime(path, ns=(5, 5))
    assert catalog.locate(only(catalog).weights) == path
    assert catalog.hashed_bytes == 2 * hashed


def test_weights_that_are_nowhere_are_missing(models: Path, scanned: Scan) -> None:
    path = safetensors(models / "x.safetensors", SD15)
    catalog = scanned()
    weights = only(catalog).weights
    path.unlink()
    with pytest.raises(MissingWeights) as missing:
        catalog.locate(weights)
    assert missing.value.sha256 == weights.sha256


def test_who_asks_for_a_refused_file_hears_why(models: Path, scanned: Scan) -> None:
    safetensors(models / "Ink v2.0.safetensors", {"lora_unet_x.oft_blocks": (4, 8, 8)})
    for name in ("ink v2.0", "Ink v2.0.safetensors"):
        with pytest.raises(NotUsable) as refused:
            scanned().find(name, "lora")
        assert refused.value.reason == "an OFT, which cannot be drawn here"


def test_a_file_that_is_here_and_refused_is_not_called_missing(models: Path, scanned: Scan) -> None:
    path = safetensors(models / "ink.safetensors", {"lora_unet_x.oft_blocks": (4, 8, 8)})
    drawn_once = Weights(name="ink", sha256=Sha256(sha256(path.read_bytes()).hexdigest()))
    with pytest.raises(UnusableWeights, match="an OFT"):
        scanned().locate(drawn_once)


def test_a_real_safetensors_file_reads_as_the_library_reads_it(tmp_path: Path) -> None:
    import torch
    from safetensors import safe_open
    from safetensors.torch import save_file

    tensors = {
        "half": torch.zeros(2, 3, dtype=torch.float16),
        "brain": torch.zeros(5, dtype=torch.bfloat16),
        "scalar": torch.tensor(1.0, dtype=torch.float64),
        "none": torch.zeros(0, 4),
        "bool": torch.zeros(3, dtype=torch.bool),
        "eight": torch.zeros(3).to(torch.float8_e4m3fn),
    }
    path = tmp_path / "x.safetensors"
    save_file(tensors, path, metadata={"modelspec.title": "X"})
    header = read_header(path, "x")
    with safe_open(path, framework="pt") as file:
        right = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
    assert dict(header.shapes) == right
    assert dict(header.metadata) == {"modelspec.title": "X"}
