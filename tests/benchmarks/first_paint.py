"""AttentionHeads on 12 × 12 heads and 128 tokens: from running its cell to its first pixels. For information.

BertViz's head_view on the same weights needs a CDN to be seen, so only the making of its page is measured.
"""

from __future__ import annotations

import statistics

from tests.benchmarks.bertviz import WRITE, page
from tests.benchmarks.models import LARGE
from tests.benchmarks.row import Row, milliseconds
from tests.benchmarks.saved import CAPTURE
from tests.benchmarks.workshop import Workshop, picture

TIMES = 5
FIRST_PIXELS = """
(index) => new Promise((resolve, reject) => {
    const notebook = window.jupyterapp.shell.currentWidget.content;
    const find = () => notebook.widgets[index].node.querySelector(".nnw canvas[role=img]");
    const pixels = (canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    const before = find();
    notebook.activeCellIndex = index;
    notebook.deselectAll();
    const began = performance.now();
    void window.jupyterapp.commands.execute("notebook:run-cell");
    const look = () => {
        const canvas = find();
        const seconds = (performance.now() - began) / 1000;
        if (canvas && canvas !== before && pixels(canvas).some(Boolean)) resolve(seconds);
        else if (seconds > 30) reject(new Error("no picture in 30 s"));
        else requestAnimationFrame(look);
    };
    look();
})
"""


def measure(workshop: Workshop) -> list[Row]:
    weights = workshop.folder / "weights.npy"
    cells = (LARGE.format(count=128), CAPTURE, "nnw.AttentionHeads(session)", WRITE.format(path=str(weights)))
    with workshop.notebook("first_paint", *cells) as notebook:
        picture(notebook, 2)
        ours = []
        for _ in range(TIMES):  # the first run, above, also loaded the code
            ours.append(notebook.page.evaluate(FIRST_PIXELS, 2))
            notebook.wait_for_cells()
    size, seconds = page("head_view", weights, workshop.bertviz)
    measured = f"{milliseconds(ours)}; BertViz head_view: {seconds:.1f} s to make {size / 1e6:.0f} MB"
    return [Row("first paint of AttentionHeads, 128 tokens", measured, statistics.median(ours) / seconds)]
