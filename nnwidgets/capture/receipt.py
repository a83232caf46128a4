"""The receipt of a rebuilt attention: do the weights, times the values, give what the model itself computed?"""

from __future__ import annotations

import torch

from nnwidgets.capture.record import Step

SAMPLED_ROWS = 8
SAMPLED_ITEMS = 4


def receipt(step: Step, output: torch.Tensor, all_rows: bool = False) -> tuple[float, ...]:
    """Per head max |weights @ V - output| / max |output|, relative, for small values would pass any absolute bound.

    Args:
        step: the arguments of the attention.
        output: `[batch, heads, queries, value size]`, what the kernel returned.
        all_rows: every row of every sample, instead of 8 rows of 4 samples spread evenly.

    Where the model's own row is NaN and the rebuilt one too, they agree. It proves nothing unique when there are more
    keys than head dimensions: other weights can then give the same output.
    """
    batch, heads, queries = output.shape[:3]
    largest = torch.zeros(heads, dtype=torch.float64)
    error = torch.zeros(heads, dtype=torch.float64)
    rows = _spread(queries, queries if all_rows else SAMPLED_ROWS)
    # All rows come head by head: the weights of all heads of 4,096 tokens would take gigabytes.
    groups = [slice(head, head + 1) for head in range(heads)] if all_rows else [slice(None)]
    for sample in _spread(batch, batch if all_rows else SAMPLED_ITEMS).tolist():
        one = slice(sample, sample + 1)
        for group in groups:
            expected = output[one, group][:, :, rows].double()
            rebuilt = step.products(one, group, rows.to(output.device)).double()
            agree = (expected == rebuilt) | (expected.isnan() & rebuilt.isnan())
            difference = torch.where(agree, 0.0, (rebuilt - expected).abs()).nan_to_num(nan=torch.inf, posinf=torch.inf)
            error[group] = torch.maximum(error[group], difference.amax(dim=(0, 2, 3)).cpu())
            largest[group] = torch.maximum(largest[group], expected.abs().nan_to_num(nan=0.0).amax(dim=(0, 2, 3)).cpu())
    return tuple((torch.where(error == 0, 0.0, error / largest)).tolist())


def _spread(count: int, most: int) -> torch.Tensor:
    """At most `most` of the indices 0 to count - 1, evenly spread, the first and the last among them."""
    return torch.linspace(0, count - 1, min(count, most)).round().long()
