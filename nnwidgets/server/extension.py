"""Sends small messages from kernel to browser at once.

A WebSocket without TCP_NODELAY waits until a packet is full or the last one is acknowledged (Nagle's algorithm): an
answer of 4 kB then takes 50 ms where one of 256 kB takes 12.
"""

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "nnwidgets.server"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Put `without_delay` around the class that this server, however configured, makes its kernel connections of."""
    settings = server.web_app.settings
    settings["kernel_websocket_connection_class"] = without_delay(settings["kernel_websocket_connection_class"])


def without_delay(connection_class: type) -> type:
    """The same kernel connection, on a WebSocket with TCP_NODELAY."""

    class WithoutDelay(connection_class):  # type: ignore[misc]
        def connect(self) -> Any:
            self.websocket_handler.set_nodelay(True)
            return super().connect()

    return WithoutDelay
