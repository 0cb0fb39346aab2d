"""Real Ray nodes on this machine, small: for tests/test_cluster.py.

A head that offers nothing, as the bot's machine is, and nodes that each offer one seat on the
processor.  Every node is a `ray start --block` of its own, with its own cache of weights, and is
ended by its process id.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

RAY = str(Path(sys.executable).with_name("ray"))
SMALL = ("--disable-usage-stats", "--num-cpus=0", "--object-store-memory=80000000")
START_SECONDS = 90.0


class RayNode:
    """One `ray start --block` and what it started."""

    def __init__(self, arguments: list[str], env: dict[str, str], log: Path) -> None:
        with log.open("wb") as out:
            self.process = psutil.Popen(
                [RAY, "start", "--block", *SMALL, *arguments],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._log, self.seats = log, 0

    def wait(self) -> None:
        """Until it has started."""
        deadline = time.monotonic() + START_SECONDS
        while b"This command will now block" not in self._log.read_bytes():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Ray did not start:\n{self._log.read_text()[-3000:]}")
            time.sleep(0.1)

    def family(self) -> list[psutil.Process]:
        """Everything that runs on this node."""
        try:
            return [self.process, *self.process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def find(self, word: str) -> list[psutil.Process]:
        """The node's processes whose command line has this word."""
        found = []
        for process in self.family():
            try:
                if word in " ".join(process.cmdline()):
                    found.append(process)
            except psutil.NoSuchProcess:
                pass
        return found

    def kill(self) -> None:
        """As a power cut does: all of it, at once."""
        for process in reversed(self.family()):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()


class RayNodes:
    """A head and the nodes that were added to it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Sockets' paths may be no longer than 107 letters, and pytest's folders are deep.
        self._temp = Path(f"/tmp/atelier-ray-{os.getpid()}")

        self.env = {
            **os.environ,
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": "0123456789abcdef" * 4,
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_num_prestart_python_workers": "0",
            "RAY_gcs_rpc_server_reconnect_timeout_s": "3",
            # A busy machine may take long to start a node; Ray's own patience is 30 s.
            "RAY_raylet_start_wait_time_s": f"{START_SECONDS:.0f}",
            # A dead node is known as such after 2 s; with Ray's own values after half a minute.
            "RAY_health_check_initial_delay_ms": "500",
            "RAY_health_check_period_ms": "500",
            "RAY_health_check_timeout_ms": "2000",
            "RAY_health_check_failure_threshold": "3",
            "OMP_NUM_THREADS": "1",
        }
        self.nodes: list[RayNode] = []
        self.head = self._start(
            [
                "--head",
                "--port=0",  # whichever is free
                "--num-gpus=0",
                "--include-dashboard=false",
                f"--temp-dir={self._temp}",
            ]
        )
        try:
            self.head.wait()
        except RuntimeError:
            self.end()
            raise

    @property
    def address(self) -> str:
        """For the bot and for other nodes, as the head says it: it does not stay on loopback."""
        log = (self._folder / "node0.log").read_text()
        found = re.search(r"ray start --address='([\d.]+:\d+)'", log)
        assert found is not None, log
        return found[1]

    def add(self, seats: int = 1, gpus: int = 0) -> RayNode:
        """Start a node: one at a time, as two would take the same names for their sockets."""
        offer = [f'--resources={{"seat": {seats}}}'] if seats else []
        node = self._start([f"--address={self.address}", f"--num-gpus={gpus}", *offer])
        node.seats = seats
        node.wait()
        return node

    def cache_of(self, node: RayNode) -> Path:
        """Where a node keeps what it has fetched."""
        return self._folder / f"cache{self.nodes.index(node)}" / "atelier"

    def end(self) -> None:
        """Leave nothing behind."""
        for node in reversed(self.nodes):
            node.kill()
        subprocess.run(["rm", "-rf", str(self._temp)], check=False)

    def _start(self, arguments: list[str]) -> RayNode:
        number = len(self.nodes)
        env = self.env | {"XDG_CACHE_HOME": str(self._folder / f"cache{number}")}
        node = RayNode(arguments, env, self._folder / f"node{number}.log")
        self.nodes.append(node)
        return node


def freeze(processes: list[psutil.Process]) -> None:
    """They live and do nothing."""
    for process in processes:
        process.send_signal(signal.SIGSTOP)


def thaw(processes: list[psutil.Process]) -> None:
    """They go on as if nothing had been."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGCONT)
