"""`python -m prompting`: for people, and for checks."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from prompting.__main__ import main


def test_a_prompt_is_printed_and_the_note_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["a cat, cosy", "--family", "sd15", "--no-writer"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == "a cat, cosy"
    assert "own words" in err


def test_json_holds_everything_that_is_stored(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["一只猫", "--family", "qwen-image", "--seed", "3", "--no-writer", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["prompt"] == data["wish"] == "一只猫"
    assert (data["seed"], data["dialect"], data["slots"]) == (3, "qwen-image", None)


def test_several_proposals_are_several_lines(capsys: pytest.CaptureFixture[str]) -> None:
    main(["a cat", "--family", "flux1", "--number", "3", "--no-writer", "--json"])
    prompts = [json.loads(line)["prompt"] for line in capsys.readouterr().out.splitlines()]
    assert len(set(prompts)) == 3


@pytest.mark.parametrize(
    "arguments",
    [["a cat", "--family", "sd99"], ["a cat", "--style", "nothing"], ["a", "--styles", "absent"]],
)
def test_a_mistake_ends_with_2_and_one_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--no-writer"]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert len(err.splitlines()) == 1


def test_a_chosen_server_that_refuses_leaves_the_words_to_the_built_in_assistant(
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["a street, no people", "--family", "sd15", "--json", "--deadline", "60"]
    with refusing_server() as url:
        assert main([*arguments, "--server", url, "--device", "cpu", "--context", "2048"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["writer"].startswith("built-in assistant")
    assert "people" in said["negative"]
    assert "people" not in said["prompt"]
    assert "the server refused the key" in said["note"]


@pytest.mark.parametrize(
    "arguments",
    [["--deadline", "0"], ["--deadline", "soon"], ["--threads", "0"], ["--device", "tpu"]],
)
def test_a_flag_that_means_nothing_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["a cat", *arguments])
    assert ended.value.code == 2


@contextmanager
def refusing_server() -> Iterator[str]:
    """A server that names its model, and wants a key for anything else."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"object": "list", "data": [{"id": "m", "object": "model"}]}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(403)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody wants to know."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        serving.join()


def test_styles_are_listed_with_the_owners(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "own.toml"
    path.write_text('[house]\ntags = "{prompt}, our look"', "utf-8")
    assert main(["--list-styles", "--styles", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 60
    assert lines[-1].startswith("house ")
