"""One line that counts up while a folder fills: works with any client, for it only looks at the disk."""

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

PERIOD = 0.25  # seconds between two looks


class Progress:
    """`with Progress("minilm", folder, 83_506_384): …` prints "minilm: 41 of 84 MB" over itself, then ends the line."""

    def __init__(self, name: str, folder: Path, size: int) -> None:
        self.name, self.folder, self.size = name, folder, size
        self.shown = False
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.done.set()
        self.thread.join()
        if self.shown:
            print(flush=True)

    def watch(self) -> None:
        while not self.done.wait(PERIOD):
            self.shown = True
            arrived = min(folder_size(self.folder), self.size)
            print(f"\r{self.name}: {arrived / 1e6:.0f} of {self.size / 1e6:.0f} MB", end="", flush=True)


def folder_size(folder: Path) -> int:
    """Bytes of all files below `folder`; those that vanish meanwhile count nothing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return total
