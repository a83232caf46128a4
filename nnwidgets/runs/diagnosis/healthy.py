"""What is said of a run in which nothing was found wrong."""

from nnwidgets.runs.diagnosis import words
from nnwidgets.runs.diagnosis.curve import Curve
from nnwidgets.runs.diagnosis.curves import ENOUGH, Curves
from nnwidgets.runs.diagnosis.finding import Finding

LEARNT = 0.1
"""It has clearly improved (`Curve.has_learnt`), by this share of where it began."""
LEVEL = 0.05
"""Levelled off: the last quarter brought no more than this share of the whole."""


def find(curves: Curves) -> Finding:
    """Healthy where the loss (accuracy) clearly improved, and where two players of a GAN hold each other in balance.

    To be asked only when nothing was found wrong. Rule: `LEARNT`, and at least as many points as the other rules
    need. "unremarkable" where it did not improve so clearly, "too_short" where there are fewer points.
    """
    main = curves.main
    if main is None:
        return _of_a_gan(curves)
    curve = main.train if main.train is not None and len(main.train) >= ENOUGH else main.validation
    if curve is None or len(curve) < ENOUGH:
        return too_short(max(len(each) for each in (main.train, main.validation) if each is not None), main.names)
    # Of the very first point, too: a loss that shot up and came back has not learnt.
    fell = min(curve.drop, float(curve.costs[0]) - curve.tail)
    if not curve.has_learnt or fell < LEARNT * abs(curve.start) or curve.start - curve.tail < 3 * curve.noise:
        return _unremarkable(curve)
    quarter = float(curve.levels[3 * len(curve.levels) // 4])
    level = quarter - curve.tail <= LEVEL * curve.drop
    validation = main.validation if main.validation is not curve else None
    follows = "" if validation is None else f"; {validation.name} {words.number(validation.value(validation.tail))}"
    rises = "rises" if curve.upside_down else "falls"
    return Finding(
        kind="healthy",
        severity="note",
        sentence=f"A healthy run: {curve.name} {rises} steadily and has levelled off."
        if level
        else f"A healthy run so far: {curve.name} still {rises}.",
        evidence=f"{curve.name} from {words.number(curve.value(curve.start))} to "
        f"{words.number(curve.value(curve.tail))} over {words.count(len(curve.all_steps), 'point')}{follows}.",
        steps=curve.extent,
        metrics=main.names,
        cause="Nothing that would be wrong was found.",
        remedy="More training will bring little: stop here, or lower the learning rate once more."
        if level
        else "Train on.",
    )


def too_short(points: int, names: tuple[str, ...] = ()) -> Finding:
    return Finding(
        kind="too_short",
        severity="note",
        sentence="Too few points to tell how the run goes.",
        evidence=f"{words.count(points, 'point')} of a loss or an accuracy; {ENOUGH} are needed.",
        metrics=names,
        cause="The run has just begun, or logs neither a loss nor an accuracy by a known name.",
        remedy="Wait, or log `loss` and `val_loss`.",
    )


def _unremarkable(curve: Curve) -> Finding:
    return Finding(
        kind="unremarkable",
        severity="note",
        sentence=f"Nothing that would be wrong was found, and no clear improvement of {curve.name} either.",
        evidence=f"{curve.name} from {words.number(curve.value(curve.start))} to "
        f"{words.number(curve.value(curve.tail))} over {words.count(len(curve.all_steps), 'point')}, each within "
        f"±{words.number(curve.noise)}.",
        steps=curve.extent,
        metrics=(curve.name,),
        cause="A model that was trained before, noise that hides the trend, or a run that has just begun.",
        remedy="Train on, or average the loss over more batches.",
    )


def _of_a_gan(curves: Curves) -> Finding:
    generator, discriminator = curves.generator, curves.discriminator
    if generator is None or discriminator is None:
        return too_short(0)
    points = min(len(generator), len(discriminator))
    names = (generator.name, discriminator.name)
    if points < ENOUGH:
        return too_short(points, names)
    diversity = curves.one("diversity")
    said = (
        "; no diversity was logged, without which a mode collapse cannot be seen"
        if diversity is None
        else f"; {diversity.name} {words.number(diversity.tail)}"
    )
    return Finding(
        kind="healthy",
        severity="note",
        sentence="Generator and discriminator hold each other in balance."
        if diversity is not None
        else "Neither of generator and discriminator has won.",
        evidence=f"{generator.name} {words.number(generator.tail)}, {discriminator.name} "
        f"{words.number(discriminator.tail)}{said}.",
        steps=generator.extent,
        metrics=names,
        cause="Nothing that would be wrong was found. Losses of a GAN need not fall.",
        remedy="Look at samples: they tell more than losses.",
    )
