"""Servers on this machine that answer as the places do from which models are fetched.

Each knows some files, and may misbehave once: cut the connection, be busy, promise another digest,
send a page to log in on, or send us to another host.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass
class Asked:
    """One request that came."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass
class Reply:
    """What is answered."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None  # bytes of the body, then the connection breaks


Answering = Callable[[Asked], Reply]


@dataclass
class PlaceServer:
    """A server of this machine; `asked` is what it was asked, in order."""

    address: str
    asked: list[Asked]


@contextmanager
def serving(answer: Answering) -> Iterator[PlaceServer]:
    """A server that answers so, as long as the context lasts."""
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            one = Asked(path=unquote(parts.path), query=query, headers=dict(self.headers.items()))
            asked.append(one)
            reply = answer(one)
            self.send_response(reply.status)
            for key, value in reply.headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body[: reply.cut_after])
            if reply.cut_after is not None:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield PlaceServer(address=f"http://127.0.0.1:{server.server_port}", asked=asked)
        finally:
            server.shutdown()


def as_json(said: object) -> Reply:
    return Reply(body=json.dumps(said).encode(), headers={"Content-Type": "application/json"})


def bytes_from(content: bytes, one: Asked) -> Reply:
    """The file, or the part of it that `Range` asks for."""
    headers = {"Content-Type": "application/octet-stream"}
    if found := re.fullmatch(r"bytes=(\d+)-", one.headers.get("Range", "")):
        start = int(found[1])
        if start >= len(content):
            return Reply(status=416)
        headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return Reply(status=206, body=content[start:], headers=headers)
    return Reply(body=content, headers=headers)


def hub_listing(repository: str, files: Mapping[str, bytes], **card: object) -> object:
    """What Hugging Face says of a repository: large files by sha256, small ones as git does."""
    siblings: list[object] = []
    for name, content in files.items():
        if name.endswith((".safetensors", ".gguf", ".ckpt")):
            large = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
            siblings.append({"rfilename": name, "size": len(content), "lfs": large})
        else:
            blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            siblings.append({"rfilename": name, "size": len(content), "blobId": blob})
    return {
        "id": repository,
        "sha": "c" * 40,
        "siblings": siblings,
        "tags": ["license:mit"],
        "cardData": card,
    }


def hub(repositories: Mapping[str, Mapping[str, bytes]], **card: object) -> Answering:
    """Hugging Face with these repositories, well behaved."""

    def answer(one: Asked) -> Reply:
        for name, files in repositories.items():
            if one.path.startswith(f"/api/models/{name}/revision/"):
                return as_json(hub_listing(name, files, **card))
            there = re.fullmatch(rf"/{re.escape(name)}/resolve/[^/]+/(.+)", one.path)
            if there and there[1] in files:
                return bytes_from(files[there[1]], one)
        return Reply(status=404)

    return answer
