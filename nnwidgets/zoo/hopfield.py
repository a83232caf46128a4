"""The Hopfield network: an associative memory whose states roll down an energy to what it has stored."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

Rule = Literal["hebbian", "pseudo-inverse"]


class Hopfield(nn.Module):
    """Binary units of ±1, each joined to every other one, none to itself.

    After Hopfield (1982), "Neural networks and physical systems with emergent collective computational abilities"; the
    pseudo-inverse rule after Personnaz, Guyon and Dreyfus (1985), "Information storage and retrieval in spin-glass like
    neural networks".

    Args:
        units: how many, N.

    Shapes: states `[…, units]` of ±1 → states `[…, units]`; weights `[units, units]`, symmetric, with a zero diagonal.
    """

    weights: Tensor

    def __init__(self, units: int) -> None:
        super().__init__()
        self.register_buffer("weights", torch.zeros(units, units))

    def store(self, patterns: Tensor, rule: Rule = "hebbian") -> None:
        """Store `patterns` `[patterns, units]` of ±1 in place of all earlier ones.

        "hebbian": units that agree in many patterns pull each other, `XᵀX / N`; recalls about 0.138 N random patterns.
        "pseudo-inverse": the projection onto the patterns, `X⁺X`; correlated ones do not disturb each other.

        Raises:
            ValueError: the patterns have another length or other values than the network's, or there is no such rule.
        """
        units = len(self.weights)
        if patterns.ndim != 2 or patterns.shape[1] != units:
            raise ValueError(f"patterns of shape {tuple(patterns.shape)}, but this network stores [patterns, {units}]")
        if not bool((patterns.abs() == 1).all()):
            raise ValueError(
                "patterns have other values than −1 and 1: threshold them first, for example at their mean"
            )
        if rule not in get_args(Rule):
            raise ValueError(f"rule={rule!r}, but it is one of {', '.join(map(repr, get_args(Rule)))}")
        memories = patterns.to(self.weights)
        if rule == "hebbian":
            weights = memories.T @ memories / units
        else:
            projection = torch.linalg.pinv(memories.double()) @ memories.double()
            weights = ((projection + projection.T) / 2).to(self.weights)  # symmetric to the last bit
        self.weights.copy_(weights.fill_diagonal_(0))

    def energy(self, states: Tensor) -> Tensor:
        """`−½ sᵀWs` of each state: `[…, units]` → `[…]`. No update of a single unit raises it."""
        states = states.to(self.weights)
        return -0.5 * (states @ self.weights * states).sum(-1)

    def forward(self, states: Tensor) -> Tensor:
        """One synchronous update: every unit takes the sign of its field; where that is 0 it stays as it is."""
        states = states.to(self.weights)
        field = states @ self.weights
        return torch.where(field == 0, states, field.sign())
