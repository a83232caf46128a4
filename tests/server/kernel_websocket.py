"""Starts a Jupyter Server on loopback with a kernel, opens its WebSocket, and prints whether it has TCP_NODELAY.

Run by test_extension.py, in a process of its own: the server wants the main thread's event loop for itself.
"""

import asyncio
import json
import socket
import sys
from typing import Any, ClassVar

from jupyter_server.serverapp import ServerApp
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import websocket_connect
from traitlets.config import Config


class Recorded(ZMQChannelsWebsocketConnection):
    """A connection class of the user's own: the extension keeps it, and the test finds its instances here."""

    opened: ClassVar[list["Recorded"]] = []

    def connect(self) -> Any:
        self.opened.append(self)
        return super().connect()


def main(folder: str, enabled: bool) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)  # the server starts itself on the thread's loop while that is not running yet
    server = {
        "ip": "127.0.0.1",
        "port": 0,
        "root_dir": folder,
        "open_browser": False,
        "allow_root": True,
        "kernel_websocket_connection_class": Recorded,
    }
    if not enabled:
        server["jpserver_extensions"] = {"nnwidgets.server": False}
    app = ServerApp(config=Config({"ServerApp": server, "IdentityProvider": {"token": "test"}}))
    app.initialize(argv=[])
    try:
        print(json.dumps(loop.run_until_complete(asyncio.wait_for(nodelay(app), timeout=60))))
    finally:
        loop.run_until_complete(app._cleanup())


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


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] == "enabled")
