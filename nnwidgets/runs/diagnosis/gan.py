"""What goes wrong between a generator and a discriminator."""

import numpy as np

from nnwidgets.runs.diagnosis import words
from nnwidgets.runs.diagnosis.curves import ENOUGH, Curves
from nnwidgets.runs.diagnosis.finding import Finding

COLLAPSED = 0.3
"""Diversity below this share of its best, or of the data's, has collapsed."""
DATA = ("data_diversity", "real_diversity")
"""The data's own diversity by the same measure, if it was logged."""

POINTS = 20
BEATEN = 0.1
"""The discriminator wins where its loss has come down to this share of where it began,"""
RISEN = 1.5
"""and the generator's has risen by so many times that."""


def find_mode_collapse(curves: Curves) -> Finding | None:
    """The generator makes the same few samples, whatever noise it is given: by a logged measure of diversity.

    Rule, of `diversity` (how far samples spread, 0 = all are one): over the last fifth of its points it stays, in the
    median, below `COLLAPSED` of its best earlier level; if the data's own is logged too (`data_diversity`), below
    `COLLAPSED` of that, whether or not it was ever higher. What recovered is not reported. Losses never tell: a
    generator that has collapsed may sit at the same losses as one that has learnt everything (Goodfellow 2016, NIPS
    tutorial, 5.1.1; diversity as the measure: Salimans et al. 2016, minibatch discrimination; Odena et al. 2017,
    MS-SSIM).
    """
    curve = curves.one("diversity")
    if curve is None or len(curve) < ENOUGH:
        return None
    recent = curve.costs[-max(3, len(curve) // 5) :]
    now = float(np.median(recent))
    data = next((found for name in DATA if (found := curves.one(name)) is not None), None)
    best = float(curve.levels.max())
    goal = min(best, data.tail) if data is not None and best >= data.tail else best
    if data is not None and best < COLLAPSED * data.tail:
        goal, where = data.tail, f"that of the data is {words.number(data.tail)}"
    else:
        at = float(curve.level_steps[int(np.argmax(curve.levels))])
        where = f"at best it was {words.number(best)}, around step {words.step(at)}"
    if goal <= 0 or now >= COLLAPSED * goal or float(curve.costs.min()) < 0:
        return None
    high = np.flatnonzero(curve.levels >= COLLAPSED * goal)
    since = float(curve.level_steps[min(int(high[-1]) + 1, len(curve.levels) - 1)]) if len(high) else curve.extent[0]
    return Finding(
        kind="mode_collapse",
        severity="serious",
        sentence="The generator has collapsed: its samples hardly differ from one another.",
        evidence=f"{curve.name} is {words.number(now)} over the last {len(recent)} points; {where}.",
        steps=(since, curve.extent[1]),
        metrics=(curve.name,),
        cause="The generator has found few samples that fool the discriminator as it is, and makes nothing else: it "
        "learns too fast for the discriminator, which sees samples one by one and cannot tell that they are all alike.",
        remedy="Lower the generator's learning rate, or take more discriminator steps for each of its own; let the "
        "discriminator see whole batches (minibatch standard deviation); a Wasserstein loss with gradient penalty; go "
        "back to a checkpoint from before.",
    )


def find_discriminator_win(curves: Curves) -> Finding | None:
    """The discriminator tells every sample from the data, and the generator no longer learns from it.

    Rule, of `discriminator_loss` and `generator_loss` (both never negative: a Wasserstein critic's loss is no such
    thing): over the last quarter, in the median, the first is below `BEATEN` of where it began, and the second above
    its beginning by `RISEN` of that, also in its lower quartile; at least `POINTS` points. It begins near 2 log 2 =
    1.39 (or half of it) for an untrained discriminator, so that is a loss of 0.14 or less. What the two losses came
    back from is not reported. Sources: Arjovsky & Bottou (2017): with a perfect discriminator the generator's gradient
    vanishes; Goodfellow et al. (2014), 3.
    """
    generator, discriminator = curves.generator, curves.discriminator
    if generator is None or discriminator is None or min(len(generator), len(discriminator)) < POINTS:
        return None
    if float(discriminator.costs.min()) < 0 or float(generator.costs.min()) < 0:
        return None
    began, began_generator = (float(np.median(each.costs[:3])) for each in (discriminator, generator))
    last, last_generator = (each.costs[-(len(each) // 4) :] for each in (discriminator, generator))
    if began <= 0 or float(np.median(last)) >= BEATEN * began or float(np.quantile(last, 0.75)) >= 2 * BEATEN * began:
        return None
    if float(np.quantile(last_generator, 0.25)) < began_generator + RISEN * began:
        return None
    high = np.flatnonzero(discriminator.levels >= BEATEN * began)
    since = (
        float(discriminator.level_steps[min(int(high[-1]) + 1, len(discriminator.levels) - 1)]) if len(high) else 0.0
    )
    return Finding(
        kind="discriminator_win",
        severity="serious",
        sentence="The discriminator wins: it tells every sample from the data, and the generator learns hardly "
        "anything from it.",
        evidence=f"{discriminator.name} from {words.number(began)} down to {words.number(float(np.median(last)))}, "
        f"{generator.name} from {words.number(began_generator)} up to {words.number(float(np.median(last_generator)))} "
        "(medians over the last quarter).",
        steps=(max(since, discriminator.extent[0]), discriminator.extent[1]),
        metrics=(generator.name, discriminator.name),
        cause="The discriminator learns faster than the generator: it is larger, has the higher learning rate or "
        "takes more steps. Where it is perfectly sure, its gradient says nothing about how to become better.",
        remedy="Lower the discriminator's learning rate or make it smaller; smooth its labels (0.9 for real); add "
        "noise to what it sees; give the generator more steps; use the non-saturating or a Wasserstein loss.",
    )
