"""Whether a reader's function wants the step too: `advance(state)` or `advance(state, step)`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

_PLACES = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def with_step(function: Callable[..., Any], what: str) -> Callable[[Any, int], Any]:
    """`function` as one of (state, step).

    The step is given to a second argument that has no default, or whose name is `step`. Raises TypeError where
    `function` cannot be called, naming it as `what`.
    """
    if not callable(function):
        raise TypeError(f"{what} is {function!r:.80}, but it is a function of the state, or of the state and the step")
    try:
        places = [each for each in inspect.signature(function).parameters.values() if each.kind in _PLACES]
    except (TypeError, ValueError):  # some built-in functions do not say what they take
        places = []
    if len(places) > 1 and (places[1].default is inspect.Parameter.empty or places[1].name == "step"):
        return function
    return lambda state, step: function(state)
