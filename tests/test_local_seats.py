"""Claims about which seats this machine has."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

from bot.settings import Settings, SettingsInvalid
from generation.fleet.local_seats import Gpus, ask_torch, device_names, local_workers


def names(
    *,
    device: str = "auto",
    gpus: Gpus = "all",
    cpu_workers: int = 1,
    listed: int = 0,
    usable: int | None = None,
) -> tuple[str, ...]:
    """`usable` None: torch may not be asked."""

    def ask() -> int:
        assert usable is not None, "torch was asked"
        return usable

    return device_names(device, gpus, cpu_workers, listed, ask)


def test_a_machine_with_one_card_or_none_starts_without_asking_torch() -> None:
    assert names(listed=0) == ("auto",)
    assert names(listed=1) == ("auto",)
    assert names(listed=1, device="cuda") == ("cuda",)
    assert names(listed=4, device="cpu") == ("cpu",)
    assert names(device="mps") == ("mps",)


def test_every_card_is_a_seat() -> None:
    assert names(listed=4, usable=4) == ("cuda:0", "cuda:1", "cuda:2", "cuda:3")


def test_only_the_wanted_cards_are_seats() -> None:
    assert names(listed=4, usable=4, gpus=2) == ("cuda:0", "cuda:1")
    assert names(listed=4, usable=4, gpus=(3, 1)) == ("cuda:3", "cuda:1")
    assert names(listed=4, gpus=0) == ("cpu",)


def test_a_card_that_is_not_there_is_said_and_left_out(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        assert names(listed=2, usable=2, gpus=(0, 5)) == ("cuda:0",)
    assert "no cuda:5" in caplog.text


def test_cards_that_torch_cannot_use_leave_the_processor() -> None:
    assert names(listed=2, usable=0) == ("cpu",)
    assert names(listed=1, usable=0, cpu_workers=3) == ("cpu", "cpu", "cpu")
    assert names(listed=2, usable=0, device="cuda") == ("cuda",)  # whose worker says why


@pytest.mark.skipif(sys.platform == "darwin", reason="there the worker looks for mps itself")
def test_a_processor_has_as_many_seats_as_are_wished() -> None:
    assert names(cpu_workers=2) == ("cpu", "cpu")
    assert names(cpu_workers=2, device="cpu") == ("cpu", "cpu")
    assert names(cpu_workers=0) == ()


@pytest.mark.parametrize(
    ("text", "gpus"),
    [("all", "all"), ("ALL", "all"), ("2", 2), ("0", 0), ("0, 2", (0, 2)), ("1,1", (1,))],
)
def test_the_environment_can_name_cards(text: str, gpus: Gpus) -> None:
    assert Settings.load(None, {"ATELIER_GPUS": text}).gpus == gpus


def test_the_file_can_name_cards(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    for text, gpus in (('"all"', "all"), ("1", 1), ("[0, 2]", (0, 2))):
        config.write_text(f"gpus = {text}\n")
        assert Settings.load(config, {}).gpus == gpus
    for wrong in ("-1", "[]", "true", '"some"', "[0.5]", '["0"]'):
        config.write_text(f"gpus = {wrong}\n")
        with pytest.raises(SettingsInvalid, match="gpus"):
            Settings.load(config, {})


@pytest.mark.parametrize("wrong", ["10.0.0.1", "http://10.0.0.1:6379", "here:port", "a b:1"])
def test_a_clusters_address_has_a_host_and_a_port(wrong: str) -> None:
    assert Settings.load(None, {"ATELIER_CLUSTER": "10.0.0.1:6379"}).cluster == "10.0.0.1:6379"
    with pytest.raises(SettingsInvalid, match="ray start --head"):
        Settings.load(None, {"ATELIER_CLUSTER": wrong})


def test_a_worker_is_made_for_each_seat_and_none_is_started(tmp_path: Path) -> None:
    workers = local_workers(
        [tmp_path], tmp_path / "digests.json", device="cpu", cpu_workers=3, usable=lambda: 0
    )
    assert len(workers) == 3
    assert all(worker.pid is None for worker in workers)


@pytest.mark.slow
def test_torch_is_asked_in_a_process_of_its_own() -> None:
    assert ask_torch() >= 0
