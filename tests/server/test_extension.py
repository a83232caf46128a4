"""The server extension in a real Jupyter Server on loopback, with a real kernel."""

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from jupyter_server.serverapp import ServerApp
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import websocket_connect
from traitlets.config import Config

CONFIG = Path(__file__).parents[2] / "jupyter-config"


class Recorded(ZMQChannelsWebsocketConnection):
    """A connection class of the user's own: the extension keeps it, and the test finds its instances here."""

    opened: ClassVar[list["Recorded"]] = []

    def connect(self) -> Any:
        self.opened.append(self)
        return super().connect()


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """The server starts itself on the thread's loop while that is not running yet."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield loop
    asyncio.set_event_loop(None)
    loop.close()


@pytest.mark.parametrize("enabled", [True, False])
def test_kernel_websocket_has_nodelay_only_with_the_extension(
    enabled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loop: asyncio.AbstractEventLoop
) -> None:
    for name in ["CONFIG", "DATA", "RUNTIME"]:
        monkeypatch.setenv(f"JUPYTER_{name}_DIR", str(tmp_path / name.lower()))
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(CONFIG))
    Recorded.opened.clear()
    server = {
        "ip": "127.0.0.1",
        "port": 0,
        "root_dir": str(tmp_path),
        "open_browser": False,
        "allow_root": True,
        "kernel_websocket_connection_class": Recorded,
    }
    if not enabled:
        server["jpserver_extensions"] = {"nnwidgets.server": False}
    app = ServerApp(config=Config({"ServerApp": server, "IdentityProvider": {"token": "test"}}))
    app.initialize(argv=[])
    try:
        assert loop.run_until_complete(asyncio.wait_for(nodelay(app), timeout=60)) is enabled
    finally:
        loop.run_until_complete(app._cleanup())
        ServerApp.clear_instance()


async def nodelay(app: ServerApp) -> bool:
    """Start a kernel, open its WebSocket as a browser does, and read the socket option on the server's side."""
    port = next(iter(app.http_server._sockets.values())).getsockname()[1]
    kernels, headers = f"127.0.0.1:{port}/api/kernels", {"Authorization": "token test"}
    started = await AsyncHTTPClient().fetch(HTTPRequest(f"http://{kernels}", method="POST", body="{}", headers=headers))
    identity = json.loads(started.body)["id"]
    client = await websocket_connect(HTTPRequest(f"ws://{kernels}/{identity}/channels", headers=headers))
    while not Recorded.opened:
        await asyncio.sleep(0.01)
    stream = Recorded.opened[0].websocket_handler.ws_connection.stream
    found = stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
    client.close()
    return found
