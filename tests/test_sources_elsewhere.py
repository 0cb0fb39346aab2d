"""ModelScope, CivitAI and the table of models by name: what is asked, and what comes of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save

from generation.catalog.card import read_card
from generation.catalog.previews import preview_of
from generation.families.family import FAMILIES
from generation.sources.adding import Added, add
from generation.sources.faults import (
    NoSuchSource,
    NotAllowedThere,
    NotFoundThere,
    NotWhatWasSaid,
)
from generation.sources.fetching import Fetcher
from generation.sources.known import family_of_base, known_model, known_models
from generation.sources.naming import CivitaiName, KnownName, RepositoryName, named
from generation.sources.places import Places
from generation.sources.recommending import Machine, advise
from generation.sources.release import FOLDERS
from generation.sources.sources import Sources
from generation.sources.web import Web
from tests.given.model_places import (
    Answering,
    Asked,
    Reply,
    as_json,
    bytes_from,
    hub,
    serving,
)
from tests.given.thinmodels import SD15, write_file

GB = 10**9


def lora(of: str = "attn2_to_k", width: int = 768) -> bytes:
    """A LoRA of Stable Diffusion 1.x on one layer."""
    layer = f"lora_unet_mid_block_attentions_0_transformer_blocks_0_{of}"
    return save(
        {
            f"{layer}.lora_down.weight": torch.zeros(4, width),
            f"{layer}.lora_up.weight": torch.zeros(1280, 4),
            f"{layer}.alpha": torch.tensor(4.0),
        }
    )


def added(folder: Path, answer: Answering, said: str, **tokens: str) -> tuple[Added, list[Asked]]:
    with serving(answer) as server, Web(patience=5, pause=0.001) as client:
        one = server.address
        places = Places(huggingface=one, modelscope=one, civitai=one, **tokens)
        releases = Sources(client, places).releases(said)
        return add(releases, folder, Fetcher(client, folder)), server.asked


def civitai(content: bytes, sha256: str | None = None, **more: object) -> Answering:
    digest = (sha256 or hashlib.sha256(content).hexdigest()).upper()
    file = {
        "name": "ink.safetensors",
        "type": "Model",
        "sizeKB": len(content) / 1024,
        "hashes": {"SHA256": digest, "AutoV2": digest[:10]},
        "downloadUrl": "https://civitai.example/api/download/models/9?type=Model",
        "primary": True,
    }
    version: dict[str, Any] = {
        "id": 9,
        "modelId": 5,
        "name": "v2",
        "baseModel": "SD 1.5",
        "trainedWords": ["ink wash", "sumi"],
        "files": [{"name": "train.zip", "type": "Training Data"}, file],
        "images": [
            {"url": "ftp://image.example/x.jpg", "nsfwLevel": 8},
            {"url": "ftp://image.example/a.jpg", "nsfwLevel": 1, "type": "image"},
        ],
        **more,
    }
    told = {"name": "Ink", "type": "LORA"}

    def answer(one: Asked) -> Reply:
        match one.path.removeprefix("/api/v1/"):
            case "model-versions/9":
                return as_json({**version, "model": told})
            case "models/5":
                rights = {"allowCommercialUse": ["Image"], "allowNoCredit": True}
                return as_json({"id": 5, **told, **rights, "modelVersions": [version]})
            case way if way == f"model-versions/by-hash/{digest[:10].lower()}":
                return as_json({**version, "model": told})
            case "models":
                stats = {"downloadCount": 3}
                item = {"id": 5, **told, "modelVersions": [version], "stats": stats}
                return as_json({"items": [item]})
        if one.path == "/api/download/models/9" and one.query == {"type": "Model"}:
            return bytes_from(content, one)
        return Reply(status=404)

    return answer


@pytest.mark.parametrize("said", ["civitai:5", "civitai:5@9", "urn:air:sd1:lora:civitai:5@9"])
def test_a_lora_of_civitai_comes_with_its_triggers_licence_and_preview(
    tmp_path: Path, said: str
) -> None:
    done, asked = added(tmp_path, civitai(lora()), said, civitai_token="secret")
    assert done.paths == (tmp_path / "loras" / "ink.safetensors",)
    assert done.notes == ()
    card = read_card(done.paths[0].with_name("ink.safetensors.atelier.toml"), "ink")
    assert card.trigger == "ink wash, sumi"
    assert (card.title, card.base) == ("Ink v2", "SD 1.5")
    assert card.preview == "ftp://image.example/a.jpg"
    assert card.source is not None
    assert card.source.endswith("/models/5?modelVersionId=9")
    if said == "civitai:5":
        assert card.licence == "CivitAI: no credit needed; commercial use: Image"
    assert {one.headers.get("Authorization") for one in asked} == {"Bearer secret"}


def test_the_picture_that_civitai_shows_lies_beside_and_goes_to_no_other_host_with_our_token(
    tmp_path: Path,
) -> None:
    """One that is for adults alone is not taken, and one that does not come is not missed."""
    content = lora()
    kind = {"Content-Type": "image/jpeg; charset=binary"}
    with serving(lambda _: Reply(body=b"a picture", headers=kind)) as pictures:
        shown = [
            {"url": f"{pictures.address}/adult.jpg", "nsfwLevel": 16},
            {"url": f"{pictures.address}/flower.jpg", "nsfwLevel": 1},
        ]
        answer = civitai(content, images=shown)
        done, _ = added(tmp_path / "m", answer, "civitai:5", civitai_token="secret")
        assert [one.path for one in pictures.asked] == ["/flower.jpg"]
        assert pictures.asked[0].headers.get("Authorization") is None
    found = preview_of(done.paths[0])
    assert found is not None
    assert found == done.paths[0].with_name("ink.preview.jpg")
    assert found.read_bytes() == b"a picture"
    with serving(lambda _: Reply(status=404)) as none:
        answer = civitai(content, images=[{"url": f"{none.address}/x.jpg", "nsfwLevel": 1}])
        assert preview_of(added(tmp_path / "n", answer, "civitai:5")[0].paths[0]) is None


def test_a_hash_finds_its_file_at_civitai(tmp_path: Path) -> None:
    short = hashlib.sha256(lora()).hexdigest()[:10]
    assert added(tmp_path, civitai(lora()), f"sha256:{short}")[0].paths[0].is_file()


def test_another_content_than_civitai_promised_is_thrown_away(tmp_path: Path) -> None:
    with pytest.raises(NotWhatWasSaid):
        added(tmp_path, civitai(lora(), sha256="ab" * 32), "civitai:5")


def test_where_civitai_and_the_tensors_disagree_the_tensors_count(tmp_path: Path) -> None:
    done, _ = added(tmp_path, civitai(lora(), baseModel="Flux.1 D"), "civitai:5")
    assert len(done.notes) == 1
    assert "told to be FLUX.1 dev" in done.notes[0]
    assert read_card(Path(f"{done.paths[0]}.atelier.toml"), "ink").family is None


def test_where_the_tensors_leave_a_choice_civitai_decides_between_what_they_leave(
    tmp_path: Path,
) -> None:
    either = lora("attn1_to_q", 1280)  # of 1.x, or of XL
    done, _ = added(tmp_path / "m", civitai(either), "civitai:5")
    assert read_card(Path(f"{done.paths[0]}.atelier.toml"), "ink").family == "sd15"
    done, _ = added(tmp_path / "n", civitai(either, baseModel="Flux.1 D"), "civitai:5")
    assert read_card(Path(f"{done.paths[0]}.atelier.toml"), "ink").family is None
    assert "cannot be used" in done.notes[0]


def test_what_civitai_gives_only_as_a_pickle_or_not_at_all_is_refused(tmp_path: Path) -> None:
    pickled = [{"name": "old.ckpt", "type": "Model", "primary": True}]
    with pytest.raises(NoSuchSource, match="pickle"):
        added(tmp_path, civitai(lora(), files=pickled), "civitai:5")
    with pytest.raises(NotAllowedThere, match="not given"):
        added(tmp_path, civitai(lora(), usageControl="Generation"), "civitai:5")
    with pytest.raises(NotFoundThere, match="CivitAI knows nothing"):
        added(tmp_path, civitai(lora()), "civitai:@77")


def modelscope(files: Mapping[str, bytes]) -> Answering:
    def answer(one: Asked) -> Reply:
        base = "/api/v1/models/me/tiny"
        if one.path == f"{base}/repo/files" and one.query["Revision"] == "master":
            listed = [
                {
                    "Path": name,
                    "Type": "blob",
                    "Size": len(content),
                    "Sha256": hashlib.sha256(content).hexdigest(),
                }
                for name, content in files.items()
            ]
            folders = [{"Path": "unet", "Type": "tree"}]
            return as_json({"Code": 200, "Success": True, "Data": {"Files": [*folders, *listed]}})
        if one.path == base:
            return as_json({"Code": 200, "Success": True, "Data": {"License": "Apache-2.0"}})
        if one.path == f"{base}/repo" and one.query.get("FilePath") in files:
            return bytes_from(files[one.query["FilePath"]], one)
        if one.path == "/openapi/v1/models":
            return as_json({"data": {"models": [{"id": "me/tiny", "downloads": 2}]}})
        return as_json({"Code": 404, "Success": False, "Message": "not found"})

    return answer


def test_a_file_of_modelscope_is_of_its_branch_master_and_checked(tmp_path: Path) -> None:
    content = lora()
    answer = modelscope({"loras/ink.safetensors": content, "README.md": b"#"})
    done, asked = added(tmp_path, answer, "ms:me/tiny", modelscope_token="secret")
    assert done.paths == (tmp_path / "loras" / "ink.safetensors",)
    assert done.paths[0].read_bytes() == content
    assert read_card(Path(f"{done.paths[0]}.atelier.toml"), "ink").licence == "Apache-2.0"
    assert {one.headers.get("Cookie") for one in asked} == {"m_session_id=secret"}
    with pytest.raises(NotFoundThere):
        added(tmp_path, answer, "ms:me/nothing")


def test_a_search_asks_all_places_and_says_which_did_not_answer() -> None:
    def answer(one: Asked) -> Reply:
        if one.path == "/api/models":
            return Reply(status=403)
        return (modelscope({}) if "openapi" in one.path else civitai(lora()))(one)

    with serving(answer) as server, Web(patience=5, pause=0.001) as client:
        one = server.address
        places = Places(huggingface=one, modelscope=one, civitai=one)
        found, silent = Sources(client, places).search("ink", 5)
    assert [(each.source, each.downloads) for each in found] == [
        ("civitai:5", 3),
        ("ms:me/tiny", 2),
    ]
    assert len(silent) == 1
    assert silent[0].startswith("Hugging Face: ")


def test_a_known_model_brings_all_files_that_it_needs(tmp_path: Path) -> None:
    """As ComfyUI keeps them, with a card that says the family where tensors do not."""
    write_file(tmp_path / "x.safetensors", SD15)
    content = (tmp_path / "x.safetensors").read_bytes()
    model = known_model("flux2-klein-4b")
    repositories: dict[str, dict[str, bytes]] = {}
    for file in model.files:
        name = named(file.at, Places())
        assert isinstance(name, RepositoryName)
        repositories.setdefault(name.repository, {})[name.path] = content
    done, _ = added(tmp_path / "m", hub(repositories), "FLUX2-klein-4b")
    folders = [path.parent.name for path in done.paths]
    assert folders == ["diffusion_models", "text_encoders", "vae"]


def test_four_in_five_families_that_are_drawn_have_a_known_model() -> None:
    """The others have no files of their own that fit together, or came lately."""
    known = {model.family for model in known_models().values()}
    brought = {name for name in FAMILIES if not name.startswith("starter")}
    assert len(brought - known) <= len(brought) / 5, brought - known


def test_every_known_file_has_a_name_that_a_place_understands() -> None:
    for model in known_models().values():
        for file in model.files:
            name = named(file.at, Places())
            assert isinstance(name, RepositoryName | CivitaiName)
            in_folder = isinstance(name, CivitaiName) or not name.path
            told = any(part in FOLDERS for part in file.at.split("/")) or in_folder
            assert file.into or told, file.at


def test_base_models_of_civitai_are_families_here() -> None:
    said = [
        "SD 1.5",
        "Pony",
        "Illustrious",
        "Flux.1 Kontext",
        "ZImageTurbo",
        "Qwen",
        "SD 3.5 Large",
    ]
    assert all(family_of_base(one) in FAMILIES for one in said)
    assert family_of_base("Wan Video 2.2 T2V-A14B") is None


HF = partial(RepositoryName, hub="huggingface", repository="a/b")
MS = partial(RepositoryName, hub="modelscope", repository="a/b")
FILE = "https://huggingface.co/a/b/blob/main/c/d.safetensors?download=true"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("hf:a/b@v1/c/d.gguf", HF(path="c/d.gguf", revision="v1")),
        (FILE, HF(path="c/d.safetensors")),
        ("https://huggingface.co/a/b/tree/main", HF()),
        ("https://www.modelscope.cn/models/a/b/file/view/master/c.gguf", MS(path="c.gguf")),
        ("https://civitai.com/models/5/ink?modelVersionId=9", CivitaiName(model=5, version=9)),
        ("https://civitai.com/api/download/models/9?type=Model", CivitaiName(version=9)),
        ("air:flux1:checkpoint:huggingface:a/b@main", HF(revision="main")),
        ("0123456789ABCDEF", CivitaiName(digest="0123456789abcdef")),
        ("z-image-turbo", KnownName(name="z-image-turbo")),
    ],
)
def test_what_is_typed_names_one_thing(said: str, meant: object) -> None:
    assert named(said, Places()) == meant


@pytest.mark.parametrize(
    "said", ["", "hf:x", "../x", "ftp://a/b", "civitai:x", "https://civitai.com/"]
)
def test_what_names_nothing_is_said(said: str) -> None:
    with pytest.raises(NoSuchSource):
        named(said, Places())


def test_models_are_recommended_by_card_memory_and_disk() -> None:
    def fits(memory: float, card: float, disk: float = 500) -> dict[str, str]:
        machine = Machine(memory=int(memory * GB), card=int(card * GB), disk=int(disk * GB))
        return {one.model.name: one.fit for one in advise(known_models().values(), machine)}

    large = fits(memory=64, card=24)
    assert (large["z-image-turbo"], large["flux2-dev"], large["sdxl"]) == ("well", "not", "well")
    assert fits(memory=64, card=12)["flux1-dev"] == "slowly"
    none = fits(memory=16, card=0)
    assert (none["sd15"], none["qwen-image"]) == ("slowly", "not")
    assert set(fits(memory=64, card=24, disk=1).values()) == {"not"}
    assert next(iter(large)) == "z-image-turbo"
