"""Claims about weights that a node fetches from the bot: by digest, once, whole or not at all."""

from __future__ import annotations

import asyncio
import json
import os
import struct
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from generation.catalog.catalog import Catalog
from generation.catalog.digests import Digests
from generation.errors import Cancelled, MissingWeights, OutOfReach
from generation.fleet.cluster import manifest
from generation.fleet.cluster.source import Lost, Source, WeightsAddress
from generation.fleet.cluster.weights_server import WeightsServer
from generation.recipe import Sha256, Weights
from tests.given.bad_cable import BadCable
from tests.given.builders import a_digest

if sys.platform == "win32":
    pytest.skip("nodes of a cluster run on Linux", allow_module_level=True)

from generation.fleet.cluster.cache import SPARE_DISK, WeightsCache

STARTER = Path(__file__).parents[1] / "generation" / "starter" / "models" / "starter"
BOUND = 2**30
EVER = threading.Event()  # never set: nobody stops


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    owner = tmp_path / "owner"
    owner.mkdir()
    (owner / "starter").symlink_to(STARTER)
    a_large_lora(owner / "ink.safetensors")
    (owner / "ink.safetensors.atelier.toml").write_text('family = "starter"\n')
    catalog = Catalog([owner], tmp_path / "digests.json")
    catalog.scan()
    return catalog


@pytest.fixture
async def door(catalog: Catalog, tmp_path: Path) -> AsyncIterator[WeightsAddress]:
    server = WeightsServer(catalog, tmp_path / "digests.json")
    yield await server.open("127.0.0.1")
    await server.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "node" / "atelier"


def a_large_lora(file: Path, rank: int = 100) -> None:
    """So large that it takes some while to carry."""
    layer = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
    head, end = {}, 0
    for side, shape in (("down", (rank, 768)), ("up", (320, rank))):
        size = 2 * shape[0] * shape[1]
        place = {"dtype": "F16", "shape": list(shape), "data_offsets": [end, end + size]}
        head[f"{layer}.lora_{side}.weight"], end = place, end + size
    text = json.dumps(head).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text + bytes(end))


def ink(catalog: Catalog) -> Weights:
    return catalog.find("ink", "lora").weights


async def obtain(cache: WeightsCache, weights: Weights, stop: threading.Event = EVER) -> None:
    (await asyncio.to_thread(cache.obtain, weights, stop, lambda: None)).close()


async def test_a_fetched_folder_is_found_by_the_nodes_catalog_and_nothing_is_hashed_again(
    catalog: Catalog, door: WeightsAddress, folder: Path
) -> None:
    cache = WeightsCache(folder, Source(door.url, door.token), bound=BOUND)
    there = Catalog([cache.weights], cache.digests)
    weights = catalog.find("starter").weights
    await obtain(cache, weights)
    path = there.locate(weights)
    assert path.name == "starter"
    assert there.find("starter").family == "starter"  # its card came too
    assert there.hashed_bytes == 0
    for file in STARTER.rglob("*"):
        if file.is_file():
            assert (path / file.relative_to(STARTER)).read_bytes() == file.read_bytes()


async def test_a_fetched_file_keeps_its_name_and_its_card(
    catalog: Catalog, door: WeightsAddress, folder: Path
) -> None:
    cache = WeightsCache(folder, Source(door.url, door.token), bound=BOUND)
    await obtain(cache, ink(catalog))
    there = Catalog([cache.weights], cache.digests)
    there.scan()
    assert there.find("ink", "lora").weights == ink(catalog)
    assert there.find("ink", "lora").family == "starter"


async def test_a_cut_connection_is_gone_on_with_where_it_was_cut(
    catalog: Catalog, door: WeightsAddress, folder: Path
) -> None:
    size = catalog.find("ink", "lora").path.stat().st_size
    cable = BadCable(door.url, ["cut 60", "well", "cut 0", "cut 50000", "cut 90000"])
    async with cable.laid() as url:
        cache = WeightsCache(folder, Source(url, door.token), bound=BOUND)
        await obtain(cache, ink(catalog))
    assert cable.connections == 6
    assert cable.carried < size + 50_000  # with the heads of six answers: nothing came twice
    assert Catalog([cache.weights], cache.digests).locate(ink(catalog)).exists()


async def test_a_corrupted_transfer_is_noticed_and_fetched_again(
    catalog: Catalog, door: WeightsAddress, folder: Path
) -> None:
    cable = BadCable(door.url, ["well", "flip 100000", "well"])
    async with cable.laid() as url:
        cache = WeightsCache(folder, Source(url, door.token), bound=BOUND)
        await obtain(cache, ink(catalog))
    assert cable.connections == 3
    found = Catalog([cache.weights], cache.digests).locate(ink(catalog))
    assert found.read_bytes() == catalog.find("ink", "lora").path.read_bytes()


async def test_what_is_always_corrupted_never_gets_its_name(
    catalog: Catalog, door: WeightsAddress, folder: Path
) -> None:
    cable = BadCable(door.url, ["well", *["flip 100000"] * 3])
    async with cable.laid() as url:
        cache = WeightsCache(folder, Source(url, door.token), bound=BOUND)
        with pytest.raises(OutOfReach, match="3 times with another digest"):
            await obtain(cache, ink(catalog))
    assert list(cache.weights.iterdir()) == []


async def test_a_corrupted_list_of_files_is_refused_before_anything_is_fetched(
    catalog: Catalog, door: WeightsAddress
) -> None:
    source = Source(door.url, door.token)
    weights = catalog.find("starter").weights
    listed = json.loads(await asyncio.to_thread(source.manifest, weights.sha256))
    for change in (
        {"sha256": a_digest("b")},
        {"path": "starter/../../evil"},
        {"path": "/etc/passwd"},
        {"path": "elsewhere/unet"},
    ):
        parts = [listed["parts"][0] | change, *listed["parts"][1:]]
        with pytest.raises(manifest.BadManifest):
            manifest.parse(json.dumps(listed | {"parts": parts}), weights.sha256)
    for text in ("", "[]", "{}", json.dumps(listed | {"parts": []})):
        with pytest.raises(manifest.BadManifest):
            manifest.parse(text, weights.sha256)


async def test_two_seats_that_lack_the_same_fetch_it_once(
    catalog: Catalog, door: WeightsAddress, folder: Path
) -> None:
    cable = BadCable(door.url, [])
    async with cable.laid() as url:
        seats = [WeightsCache(folder, Source(url, door.token), bound=BOUND) for _ in range(4)]
        await asyncio.gather(*(obtain(cache, ink(catalog)) for cache in seats))
    assert cable.connections == 2  # the list, and the one file


async def test_the_longest_unused_gives_way_and_never_what_is_in_use(
    catalog: Catalog, door: WeightsAddress, folder: Path
) -> None:
    small = ink(catalog)
    starter = catalog.find("starter")
    cache = WeightsCache(folder, Source(door.url, door.token), bound=BOUND)
    await obtain(cache, small)
    held = cache.hold(small.sha256)
    assert held is not None
    tiny = WeightsCache(folder, Source(door.url, door.token), bound=starter.size_bytes // 2)
    with pytest.raises(OutOfReach, match="cache may hold"):
        await obtain(tiny, starter.weights)
    assert (cache.weights / small.sha256).is_dir()
    held.close()
    tight = manifest.of(starter.path, Digests(folder / "other.json")).size
    await obtain(WeightsCache(folder, Source(door.url, door.token), bound=tight), starter.weights)
    assert [place.name for place in cache.weights.iterdir()] == [starter.weights.sha256]


async def test_a_small_disk_bounds_the_cache_as_the_setting_does(
    catalog: Catalog, door: WeightsAddress, folder: Path
) -> None:
    cache = WeightsCache(folder, Source(door.url, door.token), bound=BOUND)
    await obtain(cache, ink(catalog))
    starter = catalog.find("starter")
    size = manifest.of(starter.path, Digests(folder / "other.json")).size
    there = catalog.find("ink", "lora").size_bytes
    cache.free = lambda: SPARE_DISK + size - there
    await obtain(cache, starter.weights)  # in the place of the other
    assert [place.name for place in cache.weights.iterdir()] == [starter.weights.sha256]
    cache.free = lambda: SPARE_DISK - size
    with pytest.raises(OutOfReach, match="disk has room for"):
        await obtain(cache, ink(catalog))


async def test_who_waits_for_anothers_fetch_tells_so_and_can_be_stopped(
    catalog: Catalog, folder: Path
) -> None:
    first = WeightsCache(folder, Source("http://127.0.0.1:1", "token"), bound=BOUND)
    other = WeightsCache(folder, Source("http://127.0.0.1:1", "token"), bound=BOUND)
    ends, stop, told = threading.Event(), threading.Event(), threading.Event()
    fetching = asyncio.create_task(obtain(first, ink(catalog), ends))
    await asyncio.sleep(0.1)
    assert other.hold(ink(catalog).sha256) is None  # at once
    waiting = asyncio.to_thread(other.obtain, ink(catalog), stop, told.set)
    waited = asyncio.create_task(waiting)
    assert await asyncio.to_thread(told.wait, 10)
    stop.set()
    with pytest.raises(Cancelled):
        await waited
    ends.set()
    with pytest.raises(Cancelled):
        await fetching


async def test_who_waited_for_a_fetch_does_not_wait_for_who_draws_with_it(
    catalog: Catalog, door: WeightsAddress, folder: Path
) -> None:
    cache = WeightsCache(folder, Source(door.url, door.token), bound=BOUND)
    await obtain(cache, ink(catalog))
    held = cache.hold(ink(catalog).sha256)
    assert held is not None
    await asyncio.wait_for(obtain(cache, ink(catalog)), 10)
    held.close()


async def test_a_file_that_was_cut_short_on_the_bots_disk_is_missing_and_not_waited_for(
    catalog: Catalog, door: WeightsAddress, folder: Path
) -> None:
    path, wanted = catalog.find("ink", "lora").path, ink(catalog)
    half = path.stat().st_size // 2
    cable = BadCable(door.url, ["well", f"cut {half}"])
    async with cable.laid() as url:
        cache = WeightsCache(folder, Source(url, door.token), bound=BOUND)
        copy = cache._source.read

        def read(sha256: Sha256, *, start: int) -> Iterator[bytes]:
            if start:
                os.truncate(path, half // 2)
            return copy(sha256, start=start)

        cache._source.read = read  # type: ignore[method-assign]  # the owner, between two tries
        with pytest.raises(MissingWeights):
            await asyncio.wait_for(obtain(cache, wanted), 30)
    assert list(cache.weights.iterdir()) == []


async def test_what_the_bot_does_not_have_is_missing(door: WeightsAddress, folder: Path) -> None:
    cache = WeightsCache(folder, Source(door.url, door.token), bound=BOUND)
    with pytest.raises(MissingWeights):
        await obtain(cache, Weights(name="nothing", sha256=a_digest("b")))


async def test_a_bot_out_of_reach_is_tried_for_a_while_and_then_lost(
    catalog: Catalog, folder: Path
) -> None:
    cache = WeightsCache(folder, Source("http://127.0.0.1:1", "token"), bound=BOUND)
    cache.give_up = 0.3
    with pytest.raises(Lost):
        await obtain(cache, ink(catalog))


async def test_a_fetch_ends_when_nobody_wants_it_any_more(catalog: Catalog, folder: Path) -> None:
    cache = WeightsCache(folder, Source("http://127.0.0.1:1", "token"), bound=BOUND)
    stop = threading.Event()
    waiting = asyncio.create_task(obtain(cache, ink(catalog), stop))
    await asyncio.sleep(0.1)
    stop.set()
    with pytest.raises(Cancelled):
        await waiting


async def test_only_digests_of_the_catalog_are_given_out_and_only_for_the_token(
    catalog: Catalog, door: WeightsAddress, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("secret")
    secret = Digests(tmp_path / "d.json").of(tmp_path / "secret", "secret")

    def status(path: str, token: str = door.token) -> int:
        request = urllib.request.Request(door.url + path)
        request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    async def ask(*given: str) -> int:
        return await asyncio.to_thread(status, *given)

    good = f"/weights/{ink(catalog).sha256}"
    assert await ask(good) == 200
    assert await ask(good, "wrong") == 401
    assert await ask(good, "") == 401
    assert await ask(f"/weights/{secret}") == 404
    assert await ask(f"/files/{secret}") == 404
    assert await ask(f"/files/{a_digest('b')}") == 404
    assert await ask("/files/../secret") == 404
    assert await ask(f"/files/{ink(catalog).sha256}") == 200


async def test_weights_that_were_changed_since_they_were_listed_are_not_given_out(
    catalog: Catalog, door: WeightsAddress, folder: Path
) -> None:
    path = catalog.find("ink", "lora").path
    wanted = ink(catalog)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(1, 1))
    cache = WeightsCache(folder, Source(door.url, door.token), bound=BOUND)
    with pytest.raises(MissingWeights):
        await obtain(cache, wanted)


def test_the_token_is_not_shown() -> None:
    assert "abc" not in repr(WeightsAddress(url="http://here", token="abc"))


def test_a_digest_that_another_process_learned_is_not_computed_again(tmp_path: Path) -> None:
    file, book = tmp_path / "weights", tmp_path / "digests.json"
    file.write_bytes(b"weights")
    ours, theirs = Digests(book), Digests(book)
    digest = theirs.of(file, "weights")
    theirs.save()
    assert ours.of(file, "weights") == digest
    assert ours.read_bytes == 0
    file.write_bytes(b"otherwise")
    assert ours.of(file, "weights") != Sha256(digest)
