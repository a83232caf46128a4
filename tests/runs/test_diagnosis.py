"""Real trainings, provoked to go wrong or healthy: each fault is named, and nothing else is; healthy ones raise no
alarm."""

from collections.abc import Callable
from functools import cache, partial

import pytest

from nnwidgets.runs.diagnosis import Finding, diagnose
from tests.runs import provoked
from tests.runs.provoked import Logged, Run

SEEDS = (0, 1, 2)


@cache
def trained(train: Callable[[int], Run], seed: int) -> Run:
    return train(seed)


def found(run: Run) -> dict[str, Finding]:
    return {finding.kind: finding for finding in diagnose(run)}


def name_of(value: object) -> str | None:
    if isinstance(value, partial):
        return "-".join([value.func.__name__, *map(str, value.keywords.values())])
    return value.__name__ if callable(value) else None


# What must be found, and what may be beside it: other sides of the same fault.
PROVOKED: list[tuple[Callable[[int], Run], set[str], set[str]]] = [
    (partial(provoked.overfitting, per="epoch"), {"overfitting"}, set()),
    (partial(provoked.overfitting, per="step"), {"overfitting"}, set()),
    (provoked.overfitting_wrong_labels, {"overfitting"}, set()),
    (partial(provoked.underfitting, per="epoch"), {"underfitting"}, set()),
    (partial(provoked.underfitting, per="step"), {"underfitting"}, set()),
    (provoked.underfitting_line, {"underfitting"}, set()),
    (provoked.rate_too_high_adam, {"learning_rate_too_high"}, set()),
    (provoked.rate_too_high_sgd, {"learning_rate_too_high"}, {"dead_units", "instability"}),
    (partial(provoked.rate_too_low, per="step"), {"plateau"}, set()),
    (partial(provoked.rate_too_low, per="epoch"), {"plateau"}, set()),
    (provoked.vanishing, {"vanishing_gradients"}, set()),
    (provoked.exploding_depth, {"exploding_gradients"}, set()),
    (provoked.exploding_recurrent, {"exploding_gradients", "not_finite"}, {"learning_rate_too_high"}),
    (provoked.dead_bias, {"dead_units"}, set()),
    (provoked.dead_rate, {"dead_units"}, {"learning_rate_too_high"}),
    (provoked.nan_by_logarithm, {"not_finite"}, set()),
    (provoked.nan_from_the_start, {"not_finite"}, set()),
    (partial(provoked.diverging, per="step"), {"divergence"}, set()),
    (partial(provoked.diverging, per="epoch"), {"divergence"}, set()),
    (partial(provoked.degrading, per="step"), {"degradation"}, set()),
    (partial(provoked.degrading, per="epoch"), {"degradation"}, set()),
    (provoked.unstable, {"instability"}, set()),
    (provoked.unstable_edge, {"instability"}, {"learning_rate_too_high"}),
    (provoked.mode_collapse, {"mode_collapse"}, set()),
    (provoked.mode_collapse_from_the_start, {"mode_collapse"}, {"discriminator_win"}),
    (provoked.discriminator_win, {"discriminator_win"}, set()),
]

HEALTHY: list[Callable[[int], Run]] = [
    partial(provoked.healthy_sgd, per="step"),
    partial(provoked.healthy_sgd, per="epoch"),
    partial(provoked.healthy_adam, per="step"),
    partial(provoked.healthy_adam, per="epoch"),
    provoked.healthy_dropout,
    partial(provoked.healthy_cnn, per="step"),
    partial(provoked.healthy_cnn, per="epoch"),
    provoked.healthy_tiny_batches,
    provoked.healthy_full_batch,
    partial(provoked.healthy_restarts, per="step"),
    partial(provoked.healthy_restarts, per="epoch"),
    partial(provoked.healthy_restarts, logged=False),
    provoked.healthy_one_cycle,
    provoked.healthy_decay,
    provoked.healthy_small_validation,
    provoked.healthy_ten_epochs,
    provoked.healthy_loss_only,
    provoked.healthy_smoothed_labels,
    provoked.healthy_autoencoder,
    provoked.healthy_sine,
    provoked.healthy_recurrent,
    provoked.healthy_deep_residual,
    provoked.healthy_embedding,
    provoked.healthy_gan,
    provoked.healthy_gan_without_normalisation,
]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("train", "must", "may"), PROVOKED, ids=name_of)
def test_what_is_provoked_is_found_and_nothing_else(train, must, may, seed):
    kinds = set(found(trained(train, seed)))
    assert must <= kinds <= must | may


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("train", HEALTHY, ids=name_of)
def test_a_healthy_run_raises_no_alarm(train, seed):
    assert set(found(trained(train, seed))) == {"healthy"}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("train", HEALTHY, ids=name_of)
def test_nor_does_it_at_any_time_on_its_way(train, seed):
    run = trained(train, seed)
    end = max(series.steps[-1] for series in run.values())
    for tenth in range(1, 10):
        now = {name: until(series, end * tenth / 10) for name, series in run.items()}
        assert set(found(now)) <= {"healthy", "unremarkable", "too_short"}, f"after {tenth} tenths"


CONTINUED = [train for train in HEALTHY if not {"gan", "restarts"} & set(str(name_of(train)).split("_"))]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("train", CONTINUED, ids=name_of)
def test_nor_does_its_second_half_as_a_run_of_its_own(train, seed):
    """A run that goes on from a checkpoint: its loss is low, and hard batches stand out. Flat it may be called."""
    run = trained(train, seed)
    end = max(series.steps[-1] for series in run.values())
    for tenth in (4, 5, 6, 7):
        rest = {name: since(series, end * tenth / 10) for name, series in run.items()}
        assert set(found(rest)) <= {"healthy", "unremarkable", "too_short", "plateau"}, f"from {tenth} tenths on"


def since(series: Logged, step: float) -> Logged:
    left = series.steps >= step
    return Logged(series.steps[left], series.values[left])


def until(series: Logged, step: float) -> Logged:
    seen = series.steps <= step
    return Logged(series.steps[seen], series.values[seen])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_trained_model_that_is_trained_on_has_little_left_to_learn(seed):
    assert set(found(provoked.healthy_continued(seed))) == {"unremarkable"}


@pytest.mark.parametrize("seed", SEEDS)
def test_losses_alone_never_tell_a_mode_collapse(seed):
    run = dict(trained(provoked.mode_collapse, seed))
    del run["diversity"]
    (only,) = diagnose(run)
    assert only.kind == "healthy" and "no diversity was logged" in only.evidence


# Where each was seen, and how large.


def test_overfitting_names_the_best_step_and_both_curves():
    run = trained(PROVOKED[0][0], 0)
    finding = found(run)["overfitting"]
    steps, values = run["val_loss"]
    assert finding.steps is not None
    assert abs(finding.steps[0] - steps[values.argmin()]) <= 0.1 * steps[-1]
    assert finding.steps[1] == steps[-1]
    assert finding.metrics == ("loss", "val_loss")
    assert "early stopping" in finding.remedy


def test_layers_are_named():
    vanishing = found(trained(provoked.vanishing, 0))["vanishing_gradients"]
    assert vanishing.layers[:3] == ("0", "2", "4") and "18" not in vanishing.layers
    exploding = found(trained(provoked.exploding_depth, 0))["exploding_gradients"]
    assert exploding.layers[:3] == ("0", "2", "4") and "58" not in exploding.layers
    assert found(trained(provoked.dead_bias, 0))["dead_units"].layers == ("3",)


def test_nan_is_marked_from_its_first_step_on():
    run = trained(provoked.nan_by_logarithm, 0)
    steps, values = run["loss"]
    first = steps[values != values][0]
    assert found(run)["not_finite"].steps == (first, steps[-1])
    assert f"at step {first:,.0f}" in found(run)["not_finite"].sentence


def test_divergence_and_degradation_begin_where_the_training_was_changed():
    for train, kind, changed, every in (
        (PROVOKED[17][0], "divergence", 320, 32),
        (PROVOKED[19][0], "degradation", 384, 32),
    ):
        steps = found(trained(train, 0))[kind].steps
        assert steps is not None and abs(steps[0] - changed) <= 3 * every


def test_collapse_is_dated():
    steps = found(trained(provoked.mode_collapse, 0))["mode_collapse"].steps
    assert steps is not None and 500 < steps[0] < 850


def test_a_rate_that_is_too_low_is_told_by_the_size_of_the_updates():
    finding = found(trained(provoked.rate_too_low, 0))["plateau"]
    assert "an update changes the weights by" in finding.evidence and "learning rate is too low" in finding.cause
