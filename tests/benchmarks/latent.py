"""The latent map: from an arrow key to the decoded picture on the screen, and a manifold of 20 × 20.

Beside it stand a bare anywidget, whose handler decodes and sends the pixels (one decode and one message round trip,
and nothing else), and ipywidgets' `interact` with a matplotlib picture. All are on one kernel and one VAE, in turn.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

from playwright.sync_api import Locator

from tests.benchmarks.row import Row, judged, milliseconds
from tests.benchmarks.workshop import Painted, Workshop, time_to_paint
from tests.browser.lab import Notebook

MOST, MOST_INTERACT, MOST_MANIFOLD = 1.5, 0.25, 1.3
TIMES, MANIFOLDS = 24, 12
PRESSED = 40  # milliseconds that a key is down

VAE = """
import torch, nnwidgets as nnw
from nnwidgets.zoo import vae
torch.set_num_threads(1)
torch.manual_seed(0)
model = vae.VAE(2).eval()
with torch.no_grad():  # as trained: its pictures differ from place to place
    for layer in (model.decoder[0], model.decoder[2], model.decoder[-1]):
        layer.weight.mul_(6)
session = nnw.ModelSession(model, decode=model.decode)
"""
BARE = '''
import anywidget

class Bare(anywidget.AnyWidget):
    _esm = """export default { render({ model, el }) {
      const canvas = Object.assign(document.createElement("canvas"), { width: 28, height: 28 });
      const context = canvas.getContext("2d");
      const image = context.createImageData(28, 28);
      const pixels = new Uint32Array(image.data.buffer);
      const button = Object.assign(document.createElement("button"), { textContent: "further" });
      let at = 0;
      button.onclick = () => model.send({ latent: [(at += 0.37), 0.5] });
      el.append(button, canvas);
      model.on("msg:custom", (content, [bytes]) => {
        for (let at = 0; at < pixels.length; at++) pixels[at] = 0xff000000 | bytes.getUint8(at) * 0x010101;
        context.putImageData(image, 0, 0);
      });
    } };"""

def answer(widget, content, buffers):
    with torch.no_grad():
        picture = model.decode(torch.tensor([content["latent"]]))
    widget.send({}, [(picture * 255).round().to(torch.uint8).numpy().tobytes()])

bare = Bare()
bare.on_msg(answer)
bare
'''
INTERACT = """
import ipywidgets
import matplotlib.pyplot as plt

def show(x):
    with torch.no_grad():
        plt.imshow(model.decode(torch.tensor([[x, 0.5]]))[0, 0], cmap="gray")
    plt.show()

ipywidgets.interact(show, x=ipywidgets.FloatSlider(value=0, min=-9, max=9, step=0.3));
"""
WATCH_IMAGE = """
([cell]) => {
    let began = null;
    const before = cell.querySelector("img")?.src;
    const once = { capture: true, once: true };
    addEventListener("keydown", (event) => { began = event.timeStamp; }, once);
    globalThis.seen = new Promise((resolve) => {
        const look = () => {
            const image = cell.querySelector("img");
            if (began !== null && image && image.src !== before && image.complete && image.naturalWidth) {
                const { port1, port2 } = new MessageChannel();
                port1.onmessage = () => resolve((performance.now() - began) / 1000);
                port2.postMessage(null);
            } else requestAnimationFrame(look);
        };
        look();
    });
}
"""


def measure(workshop: Workshop) -> list[Row]:
    cells = (VAE, "nnw.LatentMap(session)", BARE, INTERACT)
    with workshop.notebook("latent", *cells) as notebook:
        taken = in_turn(notebook, TIMES)
    ours, bare = ([painted.total for painted in taken[name]] for name in ("ours", "bare"))
    interact: list[float] = taken["interact"]
    first = judged(
        "latent cursor moved → decoded picture painted",
        f"{milliseconds(ours)}, one decode and round trip {milliseconds(bare)}",
        statistics.median(ours) / statistics.median(bare),
        MOST,
        ours=_parts(taken["ours"]),
        bare=_parts(taken["bare"]),
    )
    second = judged(
        "the same, beside interact + matplotlib",
        f"{milliseconds(ours)}, interact {milliseconds(interact)}",
        statistics.median(ours) / statistics.median(interact),
        MOST_INTERACT,
    )
    return [first, second, manifold()]


def in_turn(notebook: Notebook, times: int) -> dict[str, Any]:
    """The times of each, a key in turn."""
    pad = notebook.view(1).get_by_role("application")
    picture = notebook.view(1).locator(".nnw-latent-side canvas").first
    pad.wait_for()
    button = notebook.cell(2).get_by_role("button", name="further")
    handle = notebook.cell(3).locator(".noUi-handle")
    handle.wait_for()
    notebook.page.wait_for_timeout(1500)
    taken: dict[str, Any] = {"ours": [], "bare": [], "interact": []}
    for turn in range(times + 2):
        # There and back on another height each time: no place twice, for the page keeps the pictures.
        key = "Shift+Arrow" + ("Up" if turn % 6 == 5 else "Left" if turn % 12 > 5 else "Right")
        pad.focus()
        ours = time_to_paint(notebook, picture, lambda key=key: pad.press(key, delay=PRESSED), event="keydown")
        bare_canvas = notebook.cell(2).locator("canvas")
        button.focus()
        bare = time_to_paint(notebook, bare_canvas, lambda: button.press("Enter", delay=PRESSED), event="keydown")
        interact = _interact(notebook, handle)
        if turn >= 2:  # the first ones load what later ones have
            for name, time_taken in (("ours", ours), ("bare", bare), ("interact", interact)):
                taken[name].append(time_taken)
    return taken


def _interact(notebook: Notebook, handle: Locator) -> float:
    handle.focus()
    notebook.page.evaluate(WATCH_IMAGE, [notebook.cell(3).element_handle()])
    handle.press("ArrowRight", delay=PRESSED)
    seconds: float = notebook.page.evaluate("() => globalThis.seen")
    return seconds


def manifold() -> Row:
    """20 × 20 as a page is answered, beside the user's own call on 400 latents."""
    import torch

    import nnwidgets as nnw

    names: dict[str, Any] = {}
    exec(VAE, names)
    model, session = names["model"], names["session"]
    widget = nnw.LatentMap(session)
    widget.answer("latent.overview", {})
    ours, plain = [], []
    for turn in range(MANIFOLDS + 2):
        spread = 2 + turn / 10  # a grid that was not decoded yet
        asked = {"axes": [0, 1], "grid": 20, "spread": spread, "at": None}
        latents = torch.from_numpy(widget._grid([0, 1], 20, spread, None).latents)
        began = time.perf_counter()
        with torch.no_grad():
            model.decode(latents)
        between = time.perf_counter()
        widget.answer("latent.manifold", asked)
        if turn >= 2:
            plain.append(between - began)
            ours.append(time.perf_counter() - between)
    session.close()
    ratio = statistics.median(ours) / statistics.median(plain)
    return judged(
        "20 × 20 manifold", f"{milliseconds(ours)}, 400 latents decoded {milliseconds(plain)}", ratio, MOST_MANIFOLD
    )


def _parts(taken: list[Painted]) -> dict[str, object]:
    """Where the time goes, milliseconds."""
    parts = {name: statistics.median(getattr(each, name) for each in taken) for name in ("before", "away", "after")}
    return {name: round(1000 * seconds, 1) for name, seconds in parts.items()} | {
        "repaints": max(each.changes for each in taken)
    }
