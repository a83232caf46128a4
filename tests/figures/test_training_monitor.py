"""The training figure and its still: the run's numbers, what is marked on them, whatever was logged."""

import io

import numpy as np
import pytest
from PIL import Image

from nnwidgets.figures import training_monitor
from nnwidgets.figures.palettes import head_color
from nnwidgets.figures.style import save_figure
from nnwidgets.runs import RunStore
from nnwidgets.runs.curves import TrainingCurves, read_curves
from tests.figures.samples import HOSTILE

STEPS = 400
TRAIN = [2.0 * 0.98**step + 0.05 for step in range(STEPS)]
VALIDATION = {step: 2.0 * 0.98**step + 0.2 + max(0, step - 200) / 400 for step in range(0, STEPS, 20)}


def overfits(**further: float) -> TrainingCurves:
    store = RunStore(":memory:")
    with store.run("lenet", config={"epochs": 20}) as run:
        for step in range(STEPS):
            run.log(step, loss=TRAIN[step], gradient_norm=3.0, lr=0.1 if step < 200 else 0.01, **further)
            if step in VALIDATION:
                accuracy = 0.9 - 0.5 * 0.98**step
                run.log(
                    step, val_loss=VALIDATION[step], accuracy=accuracy, val_accuracy=accuracy - 0.1, epoch=step / 20
                )
    return read_curves(run)


def one_curve(**logged: list[float]) -> TrainingCurves:
    with RunStore(":memory:").run("odd") as run:
        for name, values in logged.items():
            for step, value in enumerate(values):
                run.log(step, **{name: value})
    return read_curves(run)


def chart(figure, title: str):
    return next(axes for axes in figure.axes if axes.get_title(loc="left") == title)


def names(axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def line(axes, name: str):
    handles = axes.get_legend().legend_handles
    color = handles[names(axes).index(name)].get_color()
    drawn = [line for line in axes.lines if line.get_color() == color and len(line.get_xdata()) > 2]
    return max(drawn, key=lambda line: line.get_linewidth())


def said(figure) -> str:
    return "\n".join(text.get_text() for text in figure.texts)


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def count(picture: np.ndarray, color: tuple[int, int, int]) -> int:
    return int((picture == color).all(axis=-1).sum())


def test_the_figure_shows_the_runs_numbers_and_names_everything():
    figure = training_monitor.figure(overfits(), label="LeNet")
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "Loss",
        "Accuracy",
        "Learning rate",
        "Gradient norm",
    ]
    loss = chart(figure, "Loss")
    assert names(loss) == ["training", "validation", "gap"]
    assert line(loss, "training").get_ydata() == pytest.approx(TRAIN)
    assert line(loss, "validation").get_xdata() == pytest.approx(list(VALIDATION))
    assert line(loss, "validation").get_ydata() == pytest.approx(list(VALIDATION.values()))
    assert all(axes.get_xlabel() == "step" for axes in figure.axes)
    assert "LeNet" in said(figure).split("\n")


def test_the_best_validation_is_marked_with_its_value_and_the_gap_is_shaded():
    loss = chart(training_monitor.figure(overfits()), "Loss")
    best = min(VALIDATION, key=VALIDATION.__getitem__)
    (mark,) = [line for line in loss.lines if len(line.get_xdata()) == 1]
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (best, pytest.approx(VALIDATION[best]))
    assert f"best {VALIDATION[best]:.4g} at {best}" in [text.get_text() for text in loss.texts]
    (gap,) = loss.collections
    outline = np.concatenate([path.vertices for path in gap.get_paths()])
    at_the_end = outline[np.isclose(outline[:, 0], 380)]
    assert at_the_end[:, 1].min() == pytest.approx(TRAIN[380])
    assert at_the_end[:, 1].max() == pytest.approx(VALIDATION[380])


def test_accuracy_is_best_where_it_is_highest():
    accuracy = chart(training_monitor.figure(overfits()), "Accuracy")
    (mark,) = [line for line in accuracy.lines if len(line.get_xdata()) == 1]
    assert mark.get_xdata()[0] == 380


def test_learning_rate_and_gradient_norm_are_logarithmic_with_the_threshold():
    figure = training_monitor.figure(overfits(), gradient_threshold=7.5)
    assert chart(figure, "Learning rate").get_yscale() == "log"
    norm = chart(figure, "Gradient norm")
    assert norm.get_yscale() == "log"
    assert "explosion threshold 7.5" in names(norm)
    low, high = norm.get_ylim()
    assert low < 3 < 7.5 < high
    assert chart(figure, "Loss").get_yscale() == "linear"
    assert chart(training_monitor.figure(overfits(), log_y=True), "Loss").get_yscale() == "log"


def test_without_a_threshold_of_ones_own_the_line_is_where_the_diagnosis_has_it():
    assert "explosion threshold 300" in names(chart(training_monitor.figure(overfits()), "Gradient norm"))
    few = one_curve(gradient_norm=[1.0, 2.0, 1.5])
    assert few.gradient_threshold is None
    assert names(chart(training_monitor.figure(few), "Gradient norm")) == ["gradient_norm"]


def test_findings_are_listed_and_their_steps_are_shaded():
    result = overfits()
    (finding,) = [finding for finding in result.findings if finding.kind == "overfitting"]
    figure = training_monitor.figure(result)
    words = said(figure).replace("\n    ", " ").replace("\n", " ")
    for text in (finding.sentence, finding.evidence, finding.remedy):
        assert " ".join(text.split()) in " ".join(words.split())
    loss = chart(figure, "Loss")
    (span,) = loss.patches
    corners = span.get_corners()[:, 0]
    assert (corners.min(), corners.max()) == finding.steps
    assert not chart(figure, "Learning rate").patches


def test_the_summary_is_a_table():
    words = said(training_monitor.figure(overfits()))
    for text in ("Best", "At step", "Final", "val_loss", f"{TRAIN[-1]:.4g}", "Mean gradient norm", "399", "19 of 20"):
        assert text in words.split("\n"), text


@pytest.mark.parametrize(("x", "last"), [("epoch", 19.95), ("time", None)])
def test_x_may_be_epochs_or_time(x, last):
    result = overfits()
    axes = chart(training_monitor.figure(result, x=x), "Loss")
    shown = line(axes, "training").get_xdata()
    if x == "epoch":
        assert axes.get_xlabel() == "epoch"
        assert shown[-1] == pytest.approx(last)
    else:
        assert axes.get_xlabel() == "time since the start (s)"
        assert shown == pytest.approx(result.histories["loss"].times)


def test_epochs_that_were_not_logged_are_said_to_be_missing():
    axes = chart(training_monitor.figure(one_curve(loss=[2.0, 1.0]), x="epoch"), "Loss")
    assert axes.get_xlabel() == "step (the run did not log its epochs)"


def test_metrics_are_chosen_by_name_or_by_metric():
    result = overfits()
    assert [axes.get_title(loc="left") for axes in training_monitor.figure(result, metrics=["accuracy"]).axes] == [
        "Accuracy"
    ]
    assert names(training_monitor.figure(result, metrics=["val_loss"]).axes[0]) == ["val_loss"]
    nothing = training_monitor.figure(result, metrics=["f1"])
    assert not nothing.axes
    assert "None of f1 was logged; the run has loss, gradient_norm" in said(nothing)


def test_smoothed_lines_stand_before_the_logged_ones():
    noise = np.random.default_rng(0).normal(1, 0.2, 300).tolist()
    axes = chart(training_monitor.figure(one_curve(loss=noise), smoothing=0.95), "Loss")
    faint, smooth = [line for line in axes.lines if len(line.get_xdata()) == 300]
    assert faint.get_ydata() == pytest.approx(noise)
    assert faint.get_alpha() < 1
    expected, weight = 0.0, 0.0
    for value in noise:
        weight = 0.95 * weight + 1
        expected += (value - expected) / weight
    assert smooth.get_ydata()[-1] == pytest.approx(expected)
    assert smooth.get_ydata()[0] == noise[0]


def test_generator_and_discriminator_share_a_chart():
    figure = training_monitor.figure(one_curve(g_loss=[1.0, 2.0], d_loss=[0.7, 0.1], diversity=[1.0, 0.2]))
    assert names(chart(figure, "Generator and discriminator loss")) == ["g_loss", "d_loss"]
    assert not chart(figure, "Generator and discriminator loss").texts  # neither has a best value


def test_what_is_not_finite_is_marked_and_leaves_a_gap():
    axes = chart(training_monitor.figure(one_curve(loss=[3.0, float("nan"), 2.0, float("inf"), 1.0, 1.5])), "Loss")
    marks = {line.get_marker(): line.get_xdata().tolist() for line in axes.lines if line.get_marker() in "x^v"}
    assert marks == {"x": [1.0], "^": [3.0]}
    assert np.isfinite(axes.get_ylim()).all()
    (dots,) = [line for line in axes.lines if line.get_marker() == "o" and len(line.get_xdata()) == 2]
    assert dots.get_xdata().tolist() == [0.0, 2.0]  # alone between two gaps


@pytest.mark.parametrize(
    "values",
    [[1.0], [0.0] * 5, [float("nan")] * 4, [1e308, -1e308], [1e-320, 2e-320], [-5.0, 5.0], [1e9, 1e9 + 1]],
)
@pytest.mark.parametrize("log_y", [False, True])
def test_every_range_is_drawn(values, log_y):
    result = one_curve(loss=values, gradient_norm=values, lr=values)
    assert training_monitor.figure(result, log_y=log_y)._repr_png_().startswith(b"\x89PNG")
    assert pixels(training_monitor.still(result, log_y=log_y)).shape[1] < 800


def test_many_metrics_leave_some_out_and_say_so():
    figure = training_monitor.figure(one_curve(**{f"metric {number}": [1.0, 2.0] for number in range(15)}))
    assert len(figure.axes) == 12
    assert "Not drawn: metric 12, metric 13, metric 14" in said(figure)


def test_layers_curves_are_not_the_monitors():
    logged = {
        "loss": [1.0, 0.5],
        "gradient_mean/conv1": [1.0, 1.0],
        "update_ratio/conv1": [1.0, 1.0],
        "dead/relu": [0.0, 0.1],
    }
    assert len(training_monitor.figure(one_curve(**logged)).axes) == 1


def test_nothing_logged_is_said():
    empty = one_curve()
    figure = training_monitor.figure(empty)
    assert not figure.axes
    assert "Nothing was logged yet." in said(figure)
    assert training_monitor.still(empty).startswith(b"\x89PNG")


def test_hostile_names_are_text(tmp_path):
    logged = {name: [1.0, 2.0] for name in HOSTILE if name}
    result = one_curve(**logged)
    figure = training_monitor.figure(result, label="$\\alpha$ <script>\x00")
    shown = [name for axes in figure.axes for name in names(axes)]
    assert "$\\frac{1}{2}$" in shown
    assert "_^{}%\\&amp;-->" in shown
    with pytest.warns(UserWarning, match="missing from font"):
        for ending in ("png", "svg", "pdf"):
            save_figure(figure, tmp_path / f"hostile.{ending}", dpi=50)
    assert training_monitor.still(result, label="\x00").startswith(b"\x89PNG")


def test_the_still_shows_both_curves_the_gap_the_finding_and_the_best_value():
    picture = pixels(training_monitor.still(overfits(), label="LeNet"))
    height, width, _ = picture.shape
    assert 300 < height < 700
    assert width == 692
    train, validation = head_color(0), head_color(1)
    assert count(picture, train) > 800
    assert count(picture, validation) > 500
    # The chart's box is known: where a value lies is where its colour is.
    result = overfits()
    left, top, wide, tall = 58, 68, 620, 170
    ys = np.array([*TRAIN, *VALIDATION.values()])
    margin = 0.06 * (ys.max() - ys.min())
    for step in (40, 200, 360):
        column = left + round((step + 0.02 * 399) / (399 * 1.04) * (wide - 1))
        for value, color in ((TRAIN[step], train), (VALIDATION[step], validation)):
            row = top + round((1 - (value - ys.min() + margin) / (ys.max() - ys.min() + 2 * margin)) * (tall - 1))
            assert (picture[row - 1 : row + 3, column - 1 : column + 3] == color).all(axis=-1).any(), (step, color)
    below = pixels(training_monitor.still(result, metrics=["lr"]))
    assert not count(below, validation)


def test_a_hundred_thousand_points_are_few_pixels_for_the_still():
    from nnwidgets.figures.curves_still import line_pixels

    random = np.random.default_rng(0)
    x = np.linspace(0, 600, 100_000)
    y = random.normal(80, 20, 100_000).clip(0, 160)
    y[50_000] = 0.0
    columns, rows, _ = line_pixels(x, y)
    assert len(columns) < 400_000
    assert (columns[rows == 0] == 300).any()  # a spike is never lost
    assert set(range(601)) == set(columns.tolist())
