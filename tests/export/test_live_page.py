"""A page that refreshes itself: whole at any moment, new when there is something new, plain at its end."""

import os
import threading
import time

import pytest

import nnwidgets as nnw
from nnwidgets.export.live_page import LivePage


@pytest.fixture
def plot():
    made = nnw.LivePlot()
    made.append("loss", 0, 1)
    yield made
    made.source.close()


def wait_for(condition, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_it_is_written_again_when_points_came_and_only_then(plot, tmp_path):
    path = tmp_path / "live.html"
    with plot.page(path, every=0.2) as page:
        first = path.read_bytes()
        assert b"location.reload()" in first
        before = path.stat().st_ino
        plot.append("loss", 1, 2)
        wait_for(lambda: path.stat().st_ino != before)
        assert page.trouble is None
        assert '"live.html", every 0.2 s' in repr(page).replace(str(tmp_path) + os.sep, "").replace("'", '"')
    assert b"location.reload()" not in path.read_bytes()
    assert repr(page).endswith("stopped)")
    page.stop()  # once more does nothing


def test_a_reader_never_sees_half_a_page(plot, tmp_path):
    path = tmp_path / "live.html"
    over = threading.Event()
    seen: list[bytes] = []

    def read() -> None:
        while not over.is_set():
            seen.append(path.read_bytes()[-20:])

    with plot.page(path, every=0.2):
        reader = threading.Thread(target=read)
        reader.start()
        versions = set()
        for i in range(100_000):
            plot.append("loss", i, i)
            if i % 1000 == 0:
                versions.add(path.stat().st_ino)
                if len(versions) > 3:
                    break
                time.sleep(0.02)
        over.set()
        reader.join()
    assert len(versions) > 2
    assert all(end.rstrip().endswith(b"</html>") for end in seen)


def test_a_folder_that_is_gone_is_said_and_the_script_goes_on(plot, tmp_path):
    folder = tmp_path / "pages"
    folder.mkdir()
    with pytest.warns(UserWarning, match="live.html is not up to date"):
        page = plot.page(folder / "live.html", every=0.2)
        (folder / "live.html").unlink()
        folder.rmdir()
        plot.append("loss", 1, 2)
        wait_for(lambda: page.trouble is not None)
        folder.mkdir()
        wait_for(lambda: page.trouble is None)
        page.stop()
    assert (folder / "live.html").exists()


def test_what_cannot_be_is_refused_at_once(plot, tmp_path):
    with pytest.raises(ValueError, match="every=0, but it is a number of seconds, at least 0.2"):
        plot.page(tmp_path / "live.html", every=0)
    with pytest.raises(ValueError, match=r"a page is an \.html file"):
        plot.page(tmp_path / "live.png")
    with pytest.raises(FileNotFoundError, match="make it first"):
        plot.page(tmp_path / "nowhere" / "live.html")
    with pytest.raises(ValueError, match="widgets is empty"):
        LivePage(tmp_path / "live.html", [])
    assert not list(tmp_path.iterdir())
