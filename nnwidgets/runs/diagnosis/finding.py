"""`Finding`: one thing that a run's curves show."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal[
    "overfitting",
    "underfitting",
    "instability",
    "divergence",
    "degradation",
    "plateau",
    "learning_rate_too_high",
    "vanishing_gradients",
    "exploding_gradients",
    "dead_units",
    "mode_collapse",
    "discriminator_win",
    "not_finite",
    "healthy",
    "unremarkable",
    "too_short",
]
Severity = Literal["note", "warning", "serious"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What is seen, how surely it is meant, why it may be so, and what to try. Sentences for a learner; print it.

    Attributes:
        kind: what it is.
        severity: "serious": the run is lost or will be; "warning": it could go better; "note": good to know.
        sentence: what is seen.
        evidence: the numbers behind it.
        steps: the first and the last step where it is seen, to be marked on a chart; None where it is in no place.
        metrics: names of the series that show it, as logged.
        layers: module paths, where it is seen in single layers.
        cause: what it likely comes from.
        remedy: what to try.
    """

    kind: Kind
    severity: Severity
    sentence: str
    evidence: str
    steps: tuple[float, float] | None = None
    metrics: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    cause: str = ""
    remedy: str = ""

    def __post_init__(self) -> None:
        if self.steps is not None:  # backwards where steps are counted anew in each epoch
            object.__setattr__(self, "steps", (min(self.steps), max(self.steps)))

    def __str__(self) -> str:
        said = [self.sentence]
        for name, words in (("Seen", self.evidence), ("Cause", self.cause), ("Try", self.remedy)):
            if words:
                said.append(f"  {name}: {words}")
        return "\n".join(said)

    def to_json(self) -> dict[str, Any]:
        """The same as JSON holds it."""
        return asdict(self) | {
            "steps": None if self.steps is None else list(self.steps),
            "metrics": list(self.metrics),
            "layers": list(self.layers),
        }
