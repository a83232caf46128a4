"""The rules on made-up curves, on both sides of each threshold: what is missing or slightly less is not told."""

from collections.abc import Callable

import numpy as np
import pytest

from nnwidgets.runs.diagnosis import Finding, diagnose
from tests.runs.provoked import Logged, Run


def series(values: object, every: int = 1) -> Logged:
    numbers = np.asarray(values, float)
    return Logged(np.arange(len(numbers)) * float(every), numbers)


def kinds(**histories: Logged) -> set[str]:
    return {finding.kind for finding in diagnose(histories)}


def only(**histories: Logged) -> Finding:
    (finding,) = diagnose(histories)
    return finding


def falling(points: int = 400, to: float = 0.1, noise: float = 0.02, seed: int = 0, start: float = 2.3) -> np.ndarray:
    x = np.linspace(0, 1, points)
    curve = to + (start - to) * np.exp(-8 * x)
    return curve + noise * np.random.default_rng(seed).standard_normal(points)


def then(first: np.ndarray, *levels: float, points: int = 100, noise: float = 0.02) -> np.ndarray:
    """Stays at each of these levels for a while after."""
    rng = np.random.default_rng(1)
    return np.concatenate([first, *(level + noise * rng.standard_normal(points) for level in levels)])


# Not finite.


def test_two_lasting_nans_are_a_lost_run_and_one_may_be_a_line_being_written():
    good = falling(100)
    assert "not_finite" not in kinds(loss=series([*good, np.nan]))
    finding = only(loss=series([*good, np.nan, np.nan]))
    assert (finding.kind, finding.severity, finding.steps) == ("not_finite", "serious", (100.0, 101.0))


def test_gaps_are_no_nans():
    """A table that has NaN wherever nothing was measured, up to its end."""
    values = np.full(400, np.nan)
    values[::10] = falling(40)
    assert kinds(loss=series(values)) == {"healthy"}
    values[-30:] = np.nan
    assert "not_finite" in kinds(loss=series(values))


def test_infinity_is_never_a_gap():
    values = np.full(400, np.nan)
    values[::10] = falling(40)
    values[-2:] = np.inf
    assert "not_finite" in kinds(loss=series(values))


def test_nan_that_was_come_back_from_is_a_warning():
    values = falling(200)
    values[[50, 51, 90]] = np.nan
    finding = only(loss=series(values))
    assert (finding.kind, finding.severity, finding.steps) == ("not_finite", "warning", (50.0, 90.0))
    values[20:180] = np.nan
    assert "not_finite" not in kinds(loss=series(values))


def test_validation_may_be_nan_where_it_was_not_measured():
    assert kinds(loss=series(falling()), val_loss=series([*falling(30), *[np.nan] * 20], 10)) == {"healthy"}


def test_each_loss_counts():
    assert "not_finite" in kinds(loss=series(falling()), kl_loss=series([0.1] * 50 + [np.nan] * 50))


# Divergence and degradation.


@pytest.mark.parametrize(
    ("level", "expected"),
    [(0.3, "healthy"), (0.7, "degradation"), (1.8, "degradation"), (2.3, "divergence"), (9, "divergence")],
)
def test_how_much_is_lost_makes_the_difference(level, expected):
    assert kinds(loss=series(then(falling(), level))) == {expected}


@pytest.mark.parametrize("level", [0.7, 2.3])
def test_what_was_come_back_from_is_not_told(level):
    assert kinds(loss=series(then(falling(), level, 0.1))) == {"healthy"}


def test_a_loss_that_only_grows_diverges():
    assert kinds(loss=series(np.linspace(2.3, 4, 200))) == {"divergence"}
    assert kinds(loss=series(np.exp(np.linspace(0, 200, 100)))) >= {"divergence"}


def test_a_loss_that_leaves_its_first_point_for_good_diverges():
    rng = np.random.default_rng(0)
    assert "divergence" in kinds(loss=series([2.3, *(9 + 0.5 * rng.standard_normal(200))]))
    assert kinds(loss=series([0.02, *(0.1 + 0.04 * rng.standard_normal(200)).clip(0.01)])) == {"unremarkable"}
    assert "divergence" not in kinds(loss=series([2.3, *(3.5 + 0.5 * rng.standard_normal(200))]))


def test_a_rise_that_single_points_hide_is_none():
    noise = np.random.default_rng(0).standard_normal(400)
    assert kinds(loss=series(5 + 2 * noise + np.linspace(0, 4, 400))) == {"unremarkable"}


def test_a_warm_restart_explains_a_rise_and_a_rate_that_was_never_so_high_does_not():
    loss = series(then(falling(), 0.7))
    restart = series([*np.linspace(0.1, 0, 400), *[0.1] * 100])
    raised = series([*[0.1] * 400, *[1.0] * 100])
    assert kinds(loss=loss, learning_rate=restart) == {"healthy"}
    assert kinds(loss=loss, learning_rate=raised) == {"degradation"}


def test_a_rise_that_happens_again_and_again_is_no_degradation():
    assert "degradation" not in kinds(loss=series(then(falling(), 0.7, 0.1, 0.7)))


def test_a_rise_within_the_noise_is_none():
    noisy = falling(400, noise=0.6)
    noisy[300:] += 0.5
    assert kinds(loss=series(noisy)) == {"healthy"}


def test_a_rise_that_has_just_begun_may_be_a_spike():
    assert kinds(loss=series(then(falling(), 0.9, points=40))) == {"healthy"}
    assert kinds(loss=series(then(falling(), 0.9, points=60))) == {"degradation"}


def test_a_little_above_the_start_is_no_divergence():
    assert kinds(loss=series(np.linspace(2.3, 2.6, 200))) == {"unremarkable"}


def test_a_rate_that_stays_explains_nothing():
    assert kinds(loss=series(then(falling(), 0.7)), learning_rate=series([0.1] * 500)) == {"degradation"}


@pytest.mark.parametrize(("level", "expected"), [(0.25, "healthy"), (0.8, "degradation"), (3.0, "degradation")])
def test_validation_alone_can_get_worse_but_not_say_why(level, expected):
    assert kinds(val_loss=series(then(falling(), level))) == {expected}


def test_accuracy_is_read_upside_down():
    good = 1 - falling(start=0.9, to=0.05, noise=0.005)
    assert kinds(accuracy=series(good)) == {"healthy"}
    assert kinds(acc=series(100 * good)) == {"healthy"}
    assert kinds(accuracy=series(then(good, 0.1))) == {"divergence"}
    assert kinds(accuracy=series(then(good, 0.7, noise=0.005))) == {"degradation"}


# Learning rate.


@pytest.mark.parametrize(("peak", "expected"), [(6.0, False), (12.0, True)])
def test_an_early_overshoot_must_be_high(peak, expected):
    values = falling()
    values[3:6] = peak
    assert ("learning_rate_too_high" in kinds(loss=series(values))) is expected


def test_a_late_peak_is_no_sign_of_a_wrong_rate():
    values = falling()
    values[200:203] = 12
    assert "learning_rate_too_high" not in kinds(loss=series(values))


def test_peaks_all_along_are_single_batches():
    values = falling()
    values[[4, 90, 200, 350]] = 14, 12, 9, 11
    assert "learning_rate_too_high" not in kinds(loss=series(values))


def test_a_loss_that_climbs_on_its_way_to_nan_had_too_high_a_rate():
    climbing = [2.3, 2.4, 9.0, 80.0, 5e3, np.nan, np.nan]
    assert kinds(loss=series(climbing)) == {"learning_rate_too_high", "not_finite"}
    assert kinds(loss=series([*falling(50), np.nan, np.nan])) == {"not_finite"}


# Instability.


def spiky(times: int, height: float, lasting: int, first: int = 100) -> np.ndarray:
    values = falling(400)
    for spike in range(times):
        at = first + spike * (390 - first) // times
        values[at : at + lasting] += height
    return values


@pytest.mark.parametrize(
    ("times", "height", "lasting", "expected"),
    [(4, 1.0, 5, True), (2, 1.0, 5, False), (4, 0.4, 5, False), (4, 1.0, 2, False), (20, 3.0, 1, False)],
)
def test_spikes_are_many_high_and_last(times, height, lasting, expected):
    assert ("instability" in kinds(loss=series(spiky(times, height, lasting)))) is expected


def test_a_run_that_has_calmed_down_is_not_unstable():
    values = falling(400)
    for at in (40, 70, 100, 130):
        values[at : at + 5] += 1
    assert "instability" not in kinds(loss=series(values))


def test_the_first_steps_do_not_count():
    values = falling(400)
    for at in (4, 200, 300):
        values[at : at + 5] += 1
    assert "instability" not in kinds(loss=series(values))
    values[100:105] += 1
    assert "instability" in kinds(loss=series(values))


def test_spikes_with_a_rate_that_rises_are_restarts():
    values, rate = spiky(4, 1.0, 30), np.full(400, 0.01)
    for at in (100, 172, 245, 317):
        rate[at : at + 30] = 0.1
    assert "instability" in kinds(loss=series(values))
    assert "instability" not in kinds(loss=series(values), learning_rate=series(rate))


def test_of_epochs_validation_must_show_it_too():
    values = falling(40, noise=0.005)
    values[[12, 20, 28, 36]] += 1
    assert "instability" in kinds(loss=series(values), val_loss=series(values + 0.05))
    assert "instability" not in kinds(loss=series(values), val_loss=series(falling(40)))


def test_noise_is_no_instability():
    for seed in range(20):
        assert kinds(loss=series(falling(2000, noise=0.6, seed=seed))) <= {"healthy", "unremarkable"}


# Plateau.


@pytest.mark.parametrize(("end", "expected"), [(2.28, "plateau"), (2.2, "unremarkable"), (1.5, "healthy")])
def test_flat_is_less_than_two_percent(end, expected):
    rng = np.random.default_rng(0)
    assert kinds(loss=series(np.linspace(2.3, end, 300) + 0.01 * rng.standard_normal(300))) == {expected}


def test_a_steady_fall_is_told_from_none():
    noise = 0.003 * np.random.default_rng(0).standard_normal(300)
    assert "falls, but so slowly" in only(loss=series(np.linspace(2.3, 2.27, 300) + noise)).sentence
    assert "is flat" in only(loss=series(2.3 + noise)).sentence
    assert "is flat" in only(loss=series([2.3] * 300)).sentence


@pytest.mark.parametrize(("ratio", "too_low"), [(1e-6, True), (1e-4, False), (0.0, False)])
def test_tiny_updates_are_too_low_a_rate_and_none_at_all_are_a_broken_link(ratio, too_low):
    finding = only(loss=series([2.3] * 100), **layers("update_ratio", [ratio] * 3))
    assert finding.kind == "plateau" and (finding.cause == "The learning rate is too low.") is too_low


def test_no_plateau_while_the_rate_warms_up_or_accuracy_rises_or_is_high():
    loss = series(2.3 + 0.01 * np.random.default_rng(0).standard_normal(300))
    assert kinds(loss=loss) == {"plateau"}
    assert kinds(loss=loss, learning_rate=series(np.linspace(0, 0.1, 300))) == {"unremarkable"}
    assert kinds(loss=loss, accuracy=series(np.linspace(0.1, 0.3, 20), 15)) == {"unremarkable"}
    assert kinds(loss=loss, accuracy=series([0.95] * 20, 15)) == {"unremarkable"}
    assert kinds(loss=loss, accuracy=series([0.1] * 20, 15)) == {"plateau"}


def test_a_small_loss_that_scatters_is_that_of_a_trained_model():
    noise = np.abs(np.random.default_rng(0).standard_normal(300))
    assert kinds(loss=series(0.05 + 0.02 * noise)) == {"unremarkable"}


def test_a_loss_below_zero_has_no_scale_to_be_flat_by():
    assert kinds(loss=series([-3.0] * 300)) == {"unremarkable"}


def test_a_few_batches_show_no_plateau():
    assert kinds(loss=series([2.3] * 40)) == {"unremarkable"}


# Underfitting and overfitting.


@pytest.mark.parametrize(
    ("to", "accuracy", "expected"),
    [(1.6, 0.3, "underfitting"), (0.8, 0.3, "healthy"), (1.6, 0.8, "healthy")],
)
def test_underfitting_is_a_high_loss_and_a_low_accuracy(to, accuracy, expected):
    curve = falling(60, to=to)
    right = 0.1 + (accuracy - 0.1) * (1 - np.exp(-np.linspace(0, 8, 60)))
    assert kinds(loss=series(curve), val_loss=series(curve + 0.02), accuracy=series(right)) == {expected}


def test_without_accuracy_underfitting_is_a_note():
    curve = falling(60, to=1.6)
    assert only(loss=series(curve), val_loss=series(curve)).severity == "note"
    assert kinds(loss=series(curve)) == {"healthy"}


def test_a_loss_that_still_falls_does_not_underfit_yet():
    curve = np.linspace(2.3, 1.5, 60) + 0.005 * np.random.default_rng(0).standard_normal(60)
    assert kinds(loss=series(curve), val_loss=series(curve)) == {"healthy"}


def test_low_accuracy_alone_is_enough():
    curve = 0.1 + 0.3 * (1 - np.exp(-np.linspace(0, 12, 60)))
    assert kinds(accuracy=series(curve), val_accuracy=series(curve - 0.01)) == {"underfitting"}
    assert kinds(accuracy=series(2 * curve), val_accuracy=series(2 * curve - 0.01)) == {"healthy"}


def over(rise: float, gap: float = 0.6, points: int = 60, noise: float = 0.005) -> tuple[np.ndarray, np.ndarray]:
    train = falling(points, to=0.02, noise=0.002)
    validation = falling(points, to=0.02 + gap, noise=noise, seed=3)
    validation += np.clip(np.linspace(-0.5, 1, points), 0, None) * rise
    return train, validation


@pytest.mark.parametrize(
    ("rise", "gap", "noise", "expected"),
    [
        (0.3, 0.6, 0.005, "overfitting"),
        (0.02, 0.6, 0.005, "healthy"),
        (0.1, 0.05, 0.005, "healthy"),
        (0.1, 0.6, 0.1, "healthy"),
    ],
)
def test_overfitting_is_a_rise_and_a_gap_beyond_the_noise(rise, gap, noise, expected):
    train, validation = over(rise, gap, noise=noise)
    assert kinds(loss=series(train), val_loss=series(validation)) == {expected}


def test_validation_that_came_back_does_not_overfit():
    """Double descent."""
    train, validation = over(0)
    validation[20:40] += 0.5
    assert kinds(loss=series(train), val_loss=series(validation)) == {"healthy"}


def test_where_training_gets_worse_too_it_is_not_overfitting():
    train = then(falling(60, noise=0.005), 0.9, points=20)
    assert kinds(loss=series(train), val_loss=series(train + 0.5)) == {"degradation"}


def test_an_accuracy_that_holds_makes_it_a_note():
    train, validation = over(0.2)
    loss, val = series(train), series(validation)
    assert only(loss=loss, val_loss=val).severity == "warning"
    holds = series(1 - falling(60, start=0.9, to=0.2, noise=0.002))
    finding = only(loss=loss, val_loss=val, val_accuracy=holds)
    assert finding.severity == "note" and "over-confident" in finding.sentence
    falls = series(holds.values - np.clip(np.linspace(-0.1, 0.1, 60), 0, None))
    assert only(loss=loss, val_loss=val, val_accuracy=falls).severity == "warning"


def test_test_curves_stand_in_for_validation():
    train, validation = over(0.5)
    assert kinds(train_loss=series(train), test_loss=series(validation)) == {"overfitting"}


# Layers.


def layers(what: str, values: list[float], points: int = 40, before: list[float] | None = None) -> Run:
    return {
        f"{what}/{at}": series([*[(before or values)[at]] * (points // 2), *[value] * (points - points // 2)])
        for at, value in enumerate(values)
    }


def geometric(decades: float, count: int = 8) -> list[float]:
    return list(10 ** np.linspace(-decades, 0, count))


@pytest.mark.parametrize(("decades", "expected"), [(8, True), (3.3, False)])
def test_vanishing_is_three_decades_between_the_thirds(decades, expected):
    flat = {"loss": series([2.3] * 100)}
    assert ("vanishing_gradients" in kinds(**flat, **layers("gradient_mean", geometric(decades)))) is expected
    assert ("exploding_gradients" in kinds(**flat, **layers("gradient_mean", geometric(decades)[::-1]))) is expected


def test_gradients_that_recovered_are_not_told():
    recovered = layers("gradient_mean", [1.0] * 8, before=geometric(8))
    assert kinds(loss=series([2.3] * 100), **recovered) == {"plateau"}


def test_one_small_layer_is_an_embedding_and_none_without_gradient_is_frozen():
    flat = {"loss": series([2.3] * 100)}
    assert kinds(**flat, **layers("gradient_mean", [1e-6, 1, 1, 1, 1, 1, 1, 1])) == {"plateau"}
    assert kinds(**flat, **layers("gradient_mean", [0.0] * 5 + [1.0] * 3)) == {"plateau"}
    assert kinds(**flat, **layers("gradient_mean", [1e-9, 1e-7, 1e-3, 1])) == {"plateau"}


def test_layers_in_no_order_show_no_vanishing():
    sizes = [1e-5, 2e-5, 3e-5, 100, 50, 20, 1, 0.5, 1e-6]
    assert kinds(loss=series([2.3] * 100), **layers("gradient_mean", sizes)) == {"plateau"}


def test_a_net_that_learns_all_the_same_has_no_vanishing_gradients():
    assert kinds(loss=series(falling()), **layers("gradient_mean", geometric(8))) == {"healthy"}
    assert kinds(loss=series(falling()), **layers("gradient_mean", geometric(8)[::-1])) == {"healthy"}


def norms(peak: float, points: list[int], usual: float = 1.0) -> Logged:
    values = usual * np.exp(0.3 * np.random.default_rng(0).standard_normal(400))
    values[points] = peak
    return series(values)


@pytest.mark.parametrize(
    ("peak", "points", "severity"),
    [(1e3, [200, 250, 300], "serious"), (1e3, [200], "warning"), (50, [200, 250, 300], None), (1e3, [0, 1, 2], None)],
)
def test_a_norm_explodes_at_a_hundred_times_its_usual_size(peak, points, severity):
    findings = {each.kind: each for each in diagnose({"loss": series(falling()), "grad_norm": norms(peak, points)})}
    assert (findings["exploding_gradients"].severity if "exploding_gradients" in findings else None) == severity


def test_hard_batches_late_in_a_good_run_are_compared_to_its_beginning():
    values = np.geomspace(1, 1e-4, 400)
    values[[250, 300, 350]] = 0.5
    assert kinds(loss=series(falling()), gradient_norm=series(values)) == {"healthy"}


def test_a_norm_that_stays_a_hundred_times_higher_has_exploded():
    values = np.concatenate([np.ones(100), np.full(300, 500.0)])
    assert kinds(loss=series(falling()), gradient_norm=series(values)) == {"exploding_gradients"}


def test_single_infinite_gradients_are_mixed_precision_and_lasting_ones_are_not():
    values = np.ones(100)
    values[[0, 1, 2, 50]] = np.inf
    assert kinds(loss=series(falling()), gradient_norm=series(values)) == {"healthy"}
    values[-4:] = np.nan
    assert kinds(loss=series(falling()), gradient_norm=series(values)) == {"exploding_gradients"}


def test_two_gradients_that_are_not_finite_may_be_skipped_steps():
    values = np.ones(100)
    values[-2:] = np.nan
    assert kinds(loss=series(falling()), gradient_norm=series(values)) == {"healthy"}


@pytest.mark.parametrize(("share", "severity"), [(0.45, None), (0.6, "warning"), (0.95, "serious")])
def test_dead_is_more_than_half(share, severity):
    findings = {each.kind: each for each in diagnose({"loss": series(falling()), **layers("dead", [0.1, share])})}
    assert (findings["dead_units"].severity if "dead_units" in findings else None) == severity


def test_units_that_came_back_to_life_are_not_dead():
    assert kinds(loss=series(falling()), **layers("dead", [0.0, 0.1], before=[0.9, 0.9])) == {"healthy"}


def test_two_points_do_not_make_dead_units():
    assert kinds(loss=series(falling()), **layers("dead", [0.95], points=2)) == {"healthy"}


def test_dead_units_are_dated():
    assert only(loss=series(falling()), **layers("dead", [0.9], before=[0.1])).steps == (20.0, 39.0)


# GANs.


def players(d_end: float, g_end: float, **more: Logged) -> Run:
    rng = np.random.default_rng(0)

    def player(start: float, end: float) -> Logged:
        return series(np.linspace(start, end, 200).clip(min(start, end)) * np.exp(0.05 * rng.standard_normal(200)))

    return {"d_loss": player(1.4, d_end), "g_loss": player(0.7, g_end), **more}


@pytest.mark.parametrize(("d_end", "g_end", "expected"), [(0.001, 9, False), (1.2, 9, False), (0.001, 1, False)])
def test_a_player_that_is_still_on_its_way_has_not_won(d_end, g_end, expected):
    assert ("discriminator_win" in kinds(**players(d_end, g_end))) is expected


def won(d: float, g: float) -> Run:
    start, rest = np.linspace(1, 0, 50), np.ones(150)
    return {
        "d_loss": series([*(d + (1.4 - d) * start), *(d * rest)]),
        "g_loss": series([*(g + (0.7 - g) * start), *(g * rest)]),
    }


@pytest.mark.parametrize(
    ("d", "g", "expected"), [(0.05, 6, True), (0.3, 6, False), (0.05, 1.5, False), (-5.0, 6, False)]
)
def test_a_discriminator_wins_by_both_losses(d, g, expected):
    assert kinds(**won(d, g)) == ({"discriminator_win"} if expected else {"healthy"})


def test_a_discriminator_that_won_only_for_a_while_has_not():
    run = won(0.05, 6)
    back = {name: series([*values, *[1.0] * 100]) for name, (_, values) in run.items()}
    assert kinds(**back) == {"healthy"}


def test_nineteen_steps_are_too_few_to_have_won():
    assert kinds(**{name: series(values[::11][:19]) for name, (_, values) in won(0.05, 6).items()}) == {"healthy"}
    assert kinds(**{name: series(values[::10][:20]) for name, (_, values) in won(0.05, 6).items()}) == {
        "discriminator_win"
    }


@pytest.mark.parametrize(("end", "expected"), [(0.1, True), (0.5, False)])
def test_a_collapse_is_measured_by_the_best_diversity(end, expected):
    diversity = series([*np.linspace(0.3, 0.9, 30), *np.linspace(0.9, end, 20), *[end] * 20], 10)
    assert ("mode_collapse" in kinds(**players(1.3, 0.8, diversity=diversity))) is expected


def test_diversity_that_never_was_high_is_judged_by_the_datas_own():
    diversity = series([0.05] * 40, 5)
    assert kinds(**players(1.3, 0.8, diversity=diversity)) == {"healthy"}
    assert kinds(**players(1.3, 0.8, diversity=diversity, data_diversity=series([1.0] * 40))) == {"mode_collapse"}
    wild = series([*[5.0] * 10, *[1.0] * 40], 5)
    assert kinds(**players(1.3, 0.8, diversity=wild, data_diversity=series([1.0] * 40))) == {"healthy"}


def test_diversity_that_recovered_is_none():
    diversity = series([*[0.9] * 20, *[0.05] * 20, *[0.8] * 20], 5)
    assert kinds(**players(1.3, 0.8, diversity=diversity)) == {"healthy"}


def test_the_losses_of_a_gan_need_not_fall():
    run = {**players(1.3, 5.0), "loss": series([2.3] * 300)}
    assert kinds(**run) == {"healthy"}


# Nothing to tell, and what explains what.


@pytest.mark.parametrize(
    "histories", [{}, {"loss": series([])}, {"loss": series([1.0])}, {"other": series([1.0] * 50)}]
)
def test_too_few_points_to_tell(histories):
    assert only(**histories).kind == "too_short"


def test_seven_points_are_too_few_and_eight_are_not():
    assert kinds(loss=series(np.geomspace(2, 0.1, 7))) == {"too_short"}
    assert kinds(loss=series(np.geomspace(2, 0.1, 8))) == {"healthy"}


def test_healthy_says_whether_there_is_more_to_come():
    assert "levelled off" in only(loss=series(falling())).sentence
    assert "still falls" in only(loss=series(np.linspace(2.3, 1, 300))).sentence
    assert "still rises" in only(accuracy=series(np.linspace(0.1, 0.8, 300))).sentence


@pytest.mark.parametrize("make", [lambda: layers("dead", [0.99]), lambda: layers("gradient_mean", geometric(9))])
def test_a_plateau_is_not_told_beside_what_it_comes_from(make: Callable[[], Run]):
    flat = {"loss": series([2.3] * 100)}
    assert kinds(**flat) == {"plateau"}
    assert "plateau" not in kinds(**flat, **make())


def test_the_gravest_comes_first():
    run = {"loss": series(falling()), "grad_norm": norms(1e3, [200]), **layers("dead", [0.95])}
    assert [finding.severity for finding in diagnose(run)] == ["serious", "warning"]
