"""A model that was fetched is whole, is what its place promised, and says where it is from."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from generation.catalog.card import read_card
from generation.catalog.catalog import Catalog
from generation.sources.adding import Added, add, add_local
from generation.sources.faults import (
    InTheWay,
    NoRoomForIt,
    NoSuchSource,
    NotAllowedThere,
    NotFoundThere,
    NotWhatWasSaid,
    StoppedFetching,
    Unreached,
)
from generation.sources.fetching import PARTS, Digest, Fetcher, RemoteFile
from generation.sources.places import Places
from generation.sources.sources import Sources
from generation.sources.web import Web
from tests.given.model_places import Answering, Asked, Reply, bytes_from, hub, serving
from tests.given.thinmodels import SDXL, VAE, configs, write_file

REPOSITORY = "me/tiny"


def weights(size: int = 100_000) -> bytes:
    return save({"weight": torch.arange(size // 4, dtype=torch.float32)})


def web() -> Web:
    return Web(patience=5, pause=0.001)


def fetched(folder: Path, answer: Answering, said: str, token: str | None = None) -> Added:
    with serving(answer) as server, web() as client:
        places = Places(huggingface=server.address, huggingface_token=token)
        releases = Sources(client, places).releases(said)
        return add(releases, folder, Fetcher(client, folder))


def one_file(folder: Path, answer: Answering, content: bytes, size: int | None = None) -> Path:
    """Fetch x.bytes, whose digest is that of the content."""
    with serving(answer) as server, web() as client:
        file = RemoteFile(
            path="x.bytes",
            address=f"{server.address}/x",
            size=len(content) if size is None else size,
            digest=Digest(kind="sha256", value=hashlib.sha256(content).hexdigest()),
        )
        Fetcher(client, folder).fetch(file, folder / "x.bytes")
    return folder / "x.bytes"


def failing_first(first: Reply, content: bytes) -> Answering:
    """The first answer, and then as it should be."""
    waiting = [first]
    return lambda one: waiting.pop() if waiting else bytes_from(content, one)


def test_a_file_of_hugging_face_comes_with_a_card_that_says_whence(tmp_path: Path) -> None:
    write_file(tmp_path / "sdxl.safetensors", SDXL)
    content = (tmp_path / "sdxl.safetensors").read_bytes()
    name = "split_files/diffusion_models/sdxl.safetensors"
    answer = hub({REPOSITORY: {name: content, "README.md": b"#"}}, base_model=["me/parent"])
    done = fetched(tmp_path / "m", answer, f"hf:{REPOSITORY}")
    assert done.paths == (tmp_path / "m" / "diffusion_models" / "sdxl.safetensors",)
    assert done.paths[0].read_bytes() == content
    card = read_card(done.paths[0].with_name("sdxl.safetensors.atelier.toml"), "sdxl")
    assert (card.licence, card.base_model, card.family) == ("mit", "me/parent", None)
    assert card.source is not None
    assert card.source.endswith(REPOSITORY)
    assert not (tmp_path / "m" / PARTS).exists()
    catalog = Catalog((tmp_path / "m",), tmp_path / "digests.json", configs=configs())
    catalog.scan()
    assert [entry.name for entry in catalog.entries()] == ["sdxl"]


def test_of_a_diffusers_folder_only_what_draws_is_fetched(tmp_path: Path) -> None:
    files = {
        "model_index.json": b"{}",
        "unet/config.json": b"{}",
        "unet/diffusion_pytorch_model.safetensors": weights(),
        "unet/diffusion_pytorch_model.fp16.safetensors": weights(),
        "unet/diffusion_pytorch_model.bin": b"pickle",
        "vae/config.json": b"{}",
        "vae/diffusion_pytorch_model.fp16.safetensors": weights(),
        "tokenizer/merges.txt": b"a b",
        "safety_checker/model.safetensors": weights(),
        "whole.safetensors": weights(),
        "README.md": b"#",
    }
    done = fetched(tmp_path, hub({REPOSITORY: files}), f"hf:{REPOSITORY}")
    assert done.paths == (tmp_path / "tiny",)
    came = {p.relative_to(tmp_path / "tiny").as_posix() for p in (tmp_path / "tiny").rglob("*.*")}
    assert came == {
        *("model_index.json", "unet/config.json", "unet/diffusion_pytorch_model.safetensors"),
        *("vae/config.json", "vae/diffusion_pytorch_model.fp16.safetensors"),
        *("tokenizer/merges.txt", "atelier.toml"),
    }


def test_what_broke_off_goes_on_where_it_broke_off(tmp_path: Path) -> None:
    content = weights()
    cut = Reply(body=content, cut_after=60_000)
    asked: list[str] = []

    def answer(one: Asked) -> Reply:
        asked.append(one.headers.get("Range", ""))
        return cut if len(asked) == 1 else bytes_from(content, one)

    assert one_file(tmp_path, answer, content).read_bytes() == content
    assert asked == ["", "bytes=60000-"]


def test_a_later_try_goes_on_with_what_an_earlier_one_left(tmp_path: Path) -> None:
    content = weights()
    part = tmp_path / PARTS / f"{hashlib.sha256(content).hexdigest()}.part"
    part.parent.mkdir()
    part.write_bytes(content[:1000])
    came: list[Asked] = []

    def answer(one: Asked) -> Reply:
        came.append(one)
        return bytes_from(content, one)

    assert one_file(tmp_path, answer, content).read_bytes() == content
    assert [one.headers["Range"] for one in came] == ["bytes=1000-"]


def test_a_server_that_knows_no_ranges_is_listened_to_from_the_start(tmp_path: Path) -> None:
    content = weights()
    part = tmp_path / PARTS / f"{hashlib.sha256(content).hexdigest()}.part"
    part.parent.mkdir()
    part.write_bytes(b"other bytes")
    assert one_file(tmp_path, lambda _: Reply(body=content), content).read_bytes() == content


def test_a_busy_server_is_waited_for_as_long_as_it_says(tmp_path: Path) -> None:
    content = weights()
    busy = Reply(status=429, headers={"Retry-After": "0"})
    assert one_file(tmp_path, failing_first(busy, content), content).is_file()
    hours = Reply(status=429, headers={"Retry-After": "7200"})
    with pytest.raises(Unreached, match="120 minutes"):
        one_file(tmp_path / "later", failing_first(hours, content), content)


def test_what_has_another_digest_is_thrown_away(tmp_path: Path) -> None:
    content = weights()
    other = bytes(len(content))
    with pytest.raises(NotWhatWasSaid, match="another content"):
        one_file(tmp_path, lambda one: bytes_from(other, one), content)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_small_file_is_checked_by_the_name_that_git_gives_it(tmp_path: Path) -> None:
    right = {"model_index.json": b'{"a": 1}', "unet/model.safetensors": weights()}

    def answer(one: Asked) -> Reply:
        forged = {**right, "model_index.json": b'{"a": 2}'}
        return hub({REPOSITORY: forged if "/resolve/" in one.path else right})(one)

    with pytest.raises(NotWhatWasSaid, match=r"model_index\.json"):
        fetched(tmp_path, answer, f"hf:{REPOSITORY}")


def test_a_page_to_log_in_on_is_no_file(tmp_path: Path) -> None:
    page = Reply(body=b"<html>Log in</html>", headers={"Content-Type": "text/html; charset=utf-8"})
    with pytest.raises(NotAllowedThere, match="token"):
        one_file(tmp_path, lambda _: page, weights())


def test_a_gated_model_is_one_kind_sentence_with_the_page_of_its_licence(tmp_path: Path) -> None:
    with pytest.raises(NotAllowedThere, match=r"/me/tiny, and set huggingface_token"):
        fetched(tmp_path, lambda _: Reply(status=401), f"hf:{REPOSITORY}")
    with pytest.raises(NotFoundThere, match="has no me/tiny"):
        fetched(tmp_path, lambda _: Reply(status=404), f"hf:{REPOSITORY}")


def test_our_token_goes_to_no_host_that_the_place_sends_us_to(tmp_path: Path) -> None:
    content = weights()
    files = {"x.safetensors": content}
    with serving(lambda one: bytes_from(content, one)) as other:

        def answer(one: Asked) -> Reply:
            if "/resolve/" in one.path:
                return Reply(status=302, headers={"Location": f"{other.address}/signed"})
            return hub({REPOSITORY: files})(one)

        with serving(answer) as server, web() as client:
            places = Places(huggingface=server.address, huggingface_token="hf_secret")
            releases = Sources(client, places).releases(f"hf:{REPOSITORY}")
            add(releases, tmp_path, Fetcher(client, tmp_path))
            assert "hf_secret" not in repr((places, releases))
        assert [one.headers.get("Authorization") for one in server.asked] == [
            "Bearer hf_secret"
        ] * 2
        assert [one.headers.get("Authorization") for one in other.asked] == [None]


def test_nothing_is_fetched_that_the_disk_cannot_hold(tmp_path: Path) -> None:
    with serving(hub({REPOSITORY: {"x.safetensors": weights()}})) as server, web() as client:
        releases = Sources(client, Places(huggingface=server.address)).releases(f"hf:{REPOSITORY}")
        with pytest.raises(NoRoomForIt, match="free"):
            add(releases, tmp_path, Fetcher(client, tmp_path), free=lambda _: 2**30)
        assert len(server.asked) == 1


def test_what_is_here_already_is_not_fetched_again_and_other_files_stay(tmp_path: Path) -> None:
    content = weights()
    (tmp_path / "x.bytes").write_bytes(content)
    assert one_file(tmp_path, lambda _: Reply(status=500), content).read_bytes() == content
    (tmp_path / "x.bytes").write_bytes(b"mine")
    with pytest.raises(InTheWay, match="other content"):
        one_file(tmp_path, lambda _: Reply(status=500), content)
    assert (tmp_path / "x.bytes").read_bytes() == b"mine"


def test_who_stops_it_keeps_what_has_come(tmp_path: Path) -> None:
    content = bytes(5 * 2**20)
    stop = threading.Event()
    with serving(lambda one: bytes_from(content, one)) as server:
        file = RemoteFile(path="x", address=server.address, size=len(content))
        with Web(stop=stop) as client:
            fetcher = Fetcher(client, tmp_path, lambda *_: stop.set())
            with pytest.raises(StoppedFetching):
                fetcher.fetch(file, tmp_path / "x")
    (part,) = (tmp_path / PARTS).iterdir()
    assert 0 < part.stat().st_size < len(content)


def test_a_file_that_is_no_weights_is_not_kept_under_their_name(tmp_path: Path) -> None:
    with pytest.raises(NotWhatWasSaid, match="is not used"):
        fetched(tmp_path, hub({REPOSITORY: {"x.safetensors": b"Not Found"}}), f"hf:{REPOSITORY}")


@pytest.mark.parametrize(
    ("files", "said", "match"),
    [
        ({"a.safetensors": b"", "b.safetensors": b""}, "", r"several files.*hf:me/tiny/a\.safet"),
        ({"a.ckpt": b""}, "", "no safetensors or GGUF"),
        ({"a.ckpt": b""}, "/a.ckpt", "pickle"),
        ({"a.safetensors": b""}, "/c.safetensors", r"has no file"),
        ({"../../a.safetensors": b""}, "/../../a.safetensors", "not taken"),
    ],
)
def test_what_cannot_be_chosen_is_said(
    tmp_path: Path, files: dict[str, bytes], said: str, match: str
) -> None:
    with pytest.raises((NoSuchSource, NotFoundThere), match=match):
        fetched(tmp_path, hub({REPOSITORY: files}), f"hf:{REPOSITORY}{said}")


def test_an_address_of_a_host_that_is_not_configured_is_not_asked(tmp_path: Path) -> None:
    with pytest.raises(NoSuchSource, match="none of the places"):
        fetched(tmp_path, hub({}), "http://169.254.169.254/latest/meta-data/x")


def test_a_file_of_this_machine_is_copied_or_linked(tmp_path: Path) -> None:
    mine = tmp_path / "mine.safetensors"
    write_file(mine, VAE)
    (copied,) = add_local(mine, tmp_path / "m", link=False).paths
    assert copied.read_bytes() == mine.read_bytes()
    (linked,) = add_local(mine, tmp_path / "n", link=True).paths
    assert linked.is_symlink()
    assert linked.resolve() == mine
    with pytest.raises(InTheWay):
        add_local(mine, tmp_path / "m", link=False)
    with pytest.raises(NoSuchSource, match="models convert"):
        add_local(tmp_path / "old.ckpt", tmp_path / "m", link=False)
