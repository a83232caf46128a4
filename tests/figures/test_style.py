"""The style and the files: colours of the maps, of the heads in both halves, formats, sizes, what is imported when."""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image

from nnwidgets.figures import attention_map
from nnwidgets.figures.labels import display_token, thinned
from nnwidgets.figures.palettes import COLOR_MAPS, color_table, head_color
from nnwidgets.figures.scales import Scale
from nnwidgets.figures.style import check_folder, save_figure
from tests.figures.samples import HOSTILE, one_head, softmax

PALETTE = Path(__file__).parents[2] / "js" / "src" / "draw" / "palette.ts"


@pytest.mark.parametrize("name", COLOR_MAPS)
def test_colour_maps_are_matplotlibs(name):
    theirs = matplotlib.colormaps[name](np.arange(256))[:, :3] * 255
    assert np.abs(color_table(name) - theirs).max() <= 1


def test_an_unknown_colour_map_is_named():
    with pytest.raises(ValueError, match='colors="jet", but the colour maps are viridis, magma, cividis, gray'):
        color_table("jet")


def test_heads_have_the_same_colours_in_the_browser():
    source = PALETTE.read_text()
    okabe_ito = re.search(r"OKABE_ITO.*?\n\];", source, re.DOTALL)
    assert okabe_ito is not None
    colors = [tuple(map(int, triple)) for triple in re.findall(r"\[(\d+), (\d+), (\d+)\]", okabe_ito[0])]
    assert [head_color(head) for head in range(8)] == colors
    cycles = re.search(r"CYCLES.*?\n\];", source, re.DOTALL)
    assert cycles is not None
    for cycle, (toward, amount) in enumerate(re.findall(r"\[(\d+), ([\d.]+)\]", cycles[0])):
        expected = [part + float(amount) * (int(toward) - part) for part in colors[3]]
        assert head_color(8 * cycle + 3) == pytest.approx(expected, abs=0.5)


def test_png_has_the_size_that_the_dpi_says(tmp_path):
    figure = attention_map.figure(one_head(softmax(5, 5)))
    sizes = []
    for dpi in (100, 300):
        with Image.open(save_figure(figure, tmp_path / f"{dpi}.png", dpi=dpi)) as picture:
            sizes.append(picture.width)
            assert picture.info["dpi"] == pytest.approx((dpi, dpi), rel=0.01)
    assert sizes[1] / sizes[0] == pytest.approx(3, rel=0.04)  # letters are fitted to whole pixels


def test_svg_is_a_vector_picture_with_every_label(tmp_path):
    figure = attention_map.figure(one_head(softmax(5, 5)), label='<script>alert("x")</script>')
    root = ElementTree.parse(save_figure(figure, tmp_path / "map.SVG")).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    tags = [element.tag.rsplit("}")[-1] for element in root.iter()]
    assert "path" in tags
    assert "script" not in tags


def test_pdf_is_a_pdf_with_embedded_fonts(tmp_path):
    content = save_figure(attention_map.figure(one_head(softmax(5, 5))), tmp_path / "map.pdf").read_bytes()
    assert content.startswith(b"%PDF-1.")
    assert b"/FontFile2" in content
    assert b"/Image" in content


@pytest.mark.parametrize("ending", ["svg", "pdf", "png"])
def test_the_same_figure_gives_the_same_file(tmp_path, ending):
    first, second = (
        save_figure(attention_map.figure(one_head(softmax(4, 4))), tmp_path / f"{name}.{ending}").read_bytes()
        for name in "ab"
    )
    assert first == second


@pytest.mark.parametrize("name", ["map.jpg", "map", "map.png.txt"])
def test_other_endings_are_refused(tmp_path, name):
    figure = attention_map.figure(one_head(softmax(2, 2)))
    with pytest.raises(ValueError, match=r"figures are saved as \.png, \.svg or \.pdf"):
        save_figure(figure, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist_is_told_before_anything_is_drawn(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="^folder 'nodir' does not exist: make it first$"):
        save_figure(attention_map.figure(one_head(softmax(2, 2))), "nodir/map.png")
    check_folder("map.png")
    check_folder(tmp_path / "map.png")


def in_a_fresh_interpreter(code: str) -> None:
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root, env=os.environ | {"PYTHONPATH": str(root)})


def test_stills_import_no_matplotlib_and_figures_no_pyplot():
    in_a_fresh_interpreter(
        """
import sys
import numpy as np
from nnwidgets.analysis.attention import AttentionLinks, AttentionWeights
from nnwidgets.analysis.tokens import TokenColumn
from nnwidgets.figures import attention_heads, attention_map
place = dict(query_tokens=TokenColumn(["a"]), key_tokens=TokenColumn(["b"]), layer=0, path="x")
one = AttentionWeights(weights=np.ones((1, 1)), head=0, **place)
several = AttentionLinks(weights=np.ones((1, 1, 1)), heads=(0,), **place)
attention_map.still(one), attention_heads.still(several)
assert "matplotlib" not in sys.modules
attention_map.figure(one)._repr_png_(), attention_heads.figure(several)._repr_png_()
assert "matplotlib.pyplot" not in sys.modules
"""
    )


def test_tokens_are_shown_on_one_line_without_what_no_file_takes():
    for token in HOSTILE:
        shown = display_token(token)
        assert 0 < len(shown) <= 25
        assert "\n" not in shown
        shown.encode()  # no lone surrogate is left
    assert display_token("a\u0301" * 20, 5) == "a\u0301a\u0301…"  # an accent stays with its letter
    assert display_token("👨\u200d👩\u200d👧", 4) == "👨\u200d👩…"


def test_labels_are_thinned_in_round_steps():
    assert thinned(5, 10, 10) == range(5)
    assert thinned(100, 4, 10) == range(0, 100, 5)
    assert thinned(100, 1, 10) == range(0, 100, 10)
    assert thinned(5000, 0.1, 11) == range(0, 5000, 200)


def test_scales_have_round_ticks():
    linear, log = Scale.of("linear", 0.83), Scale.of("log", 1.0)
    assert linear.ticks(5) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8])
    assert log.ticks(5) == pytest.approx([1e-4, 1e-3, 1e-2, 0.1, 1])
    assert [log.tick_text(tick) for tick in log.ticks(5)] == ["≤ 1e−4", "0.001", "0.01", "0.1", "1"]
    assert Scale.of("linear", 0).high == Scale.of("linear", float("nan")).high == 1
    assert np.isnan(log.places(np.array([np.nan], np.float32)))[0]
    with pytest.raises(ValueError, match='scale="sqrt", but it is "linear" or "log"'):
        Scale.of("sqrt", 1)
