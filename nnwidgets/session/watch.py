"""`watch(model, optimizer, run)`: gradients, updates, learning rate, dead units and histograms, without a line in the
loop."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

import torch
from torch import nn
from torch.optim import optimizer as torch_optimizer

from nnwidgets.capture.modules import find_modules
from nnwidgets.runs import NotRecording, Run
from nnwidgets.runs.control import recording_controls
from nnwidgets.session.activity import Activity
from nnwidgets.session.measures import (
    Layer,
    dense,
    histogram_of,
    largest,
    layers_of,
    sizes,
    total_norm,
    update_ratios,
    weights_of,
)
from nnwidgets.session.pacing import Pacing, Values

_log = logging.getLogger(__name__)
_open: list[Watch] = []


def watch(
    model: nn.Module,
    optimizer: Any = None,
    run: Run | None = None,
    *,
    every: int | None = 10,
    histograms: int | None = 100,
    activations: bool = True,
    layers: Collection[str] | None = None,
    name: str = "",
) -> Watch:
    """Have a run log what an optimizer sees and does at its steps; nothing is added to the loop.

        with store.run("lenet") as run, nnw.watch(model, optimizer, run):
            train()

    At every step: `gradient_norm`, the norm of all gradients as the optimizer gets them (so after clipping, and
    unscaled under a `GradScaler`), and `learning_rate`. At every `every`-th, for each layer: `gradient_mean/<path>`
    (mean of the absolute values), `gradient_max/<path>`, and `update_ratio/<path>`, the norm of the step over that of
    the weights. After five such steps `dead/<path>` of each activation layer that puts out zeros (ReLU and the like):
    the share of its units or channels that were 0 for every sample of those five steps. At every `histograms`-th step
    histograms of `weights/<path>`, `gradients/<path>` and, from the step after it, `activations/<path>`, each of at
    most 16,384 values, evenly taken.

    The step of a measurement is the one that the loop logs next; a loop that logs nothing is counted from 0. Each step
    of the optimizer is a step boundary: `run.control` can pause and stop the training there, and set the learning rate.

    Training is not changed, to the bit. A layer is looked at with the gradients that it has: frozen layers have none.
    Layer outputs are looked at with hooks that come for one step and go again; not where torch.compile is at work, for
    they would be compiled in (`notes` says so), nor where activations are functions and no layers.

    Args:
        model: what is trained; also a part of it.
        optimizer: of torch, or several: a list, or a dict by name (`gradient_norm/<name>`). Without it every optimizer
            that steps parameters of the model is found at its first step.
        run: that logs; without it the one run that this process records now.
        every: optimizer steps between two looks at each layer; None for none.
        histograms: optimizer steps between two sets of histograms; None for none.
        activations: whether to look at what layers put out.
        layers: paths of the layers to look at; without it all that have parameters, and activation layers.
        name: stands in the names of what is logged, as in `gradient_norm/<name>`, where a run watches several models.

    Raises:
        TypeError, ValueError: an argument that cannot be used.
        KeyError: a path that the model does not have.
        NotRecording: the run does not record, or it is not clear which one is meant.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model is of type {type(model).__name__}, but it must be a torch.nn.Module")
    for field, count in {"every": every, "histograms": histograms}.items():
        if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 1):
            raise ValueError(f"{field}={count!r}, but it is a number of steps, 1 or more, or None")
    chosen = None if layers is None else frozenset(find_modules(model, layers))
    optimizers = _named(optimizer)
    run = _run(run)
    for other in [each for each in _open if each.run is run]:
        if other.model is model:
            other.close()  # its cell runs again
        elif other.name == name:
            raise ValueError(f"{run.name!r} watches a model already under the name {name!r}: give this one a name=")
    return Watch(model, optimizers, run, every, histograms, activations, chosen, name)


class Watch:
    """A model that is watched in training; made by `watch`. `close` takes all hooks away again.

    Attributes:
        notes: what is not measured, and why.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizers: Mapping[str, Any],
        run: Run,
        every: int | None,
        histograms: int | None,
        activations: bool,
        layers: frozenset[str] | None,
        name: str,
    ) -> None:
        self.model, self.run, self.name = model, run, name
        self.notes: list[str] = []
        self._every, self._histograms, self._layers = every, histograms, layers
        self._activity = Activity(model, layers) if activations and (every or histograms) else None
        self._stepping: dict[int, _Stepping] = {}
        self._takes_back: list[Callable[[], object]] = []
        self._closed = False
        self._telling = False
        _open.append(self)
        registers = [
            (torch_optimizer.register_optimizer_step_pre_hook, torch_optimizer.register_optimizer_step_post_hook)
        ]
        if optimizers:
            registers = [(each.register_step_pre_hook, each.register_step_post_hook) for each in optimizers.values()]
        for key, optimizer in optimizers.items():
            self._follow(optimizer, key)
        for register_before, register_after in registers:
            self._takes_back += [register_before(self._before).remove, register_after(self._after).remove]
        control = run.control
        control.models.add(model)
        self._takes_back += [
            lambda: control.models.discard(model),
            run.at_step(self._logged),
            control.on_change(lambda control: self.close() if control.ended else None),
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Watch({type(self.model).__name__}, {self.run.name!r}{', closed' if self._closed else ''})"

    def close(self) -> None:
        """Take all hooks away, and log what waits for its step."""
        if self._closed:
            return
        self._closed = True
        if self._activity is not None:
            self._activity.look_away()
        for take_back in self._takes_back:
            take_back()
        for stepping in self._stepping.values():
            stepping.forget()
            if self.run.recording:
                self._record(stepping.pacing.rest())
        self._takes_back, self._stepping = [], {}
        if self in _open:
            _open.remove(self)

    # What hooks call. An error in here must not end the training.

    def _before(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        try:
            stepping = self._stepping_of(optimizer)
            if stepping is not None:
                with torch.no_grad():
                    stepping.before(has_closure=len(args) > 1 or kwargs.get("closure") is not None)
        except Exception as error:
            self._give_up(error)

    def _after(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        stepping = self._stepping_of(optimizer)
        if stepping is None:
            return
        try:
            with torch.no_grad():
                values = stepping.after()
                if self._activity is not None and stepping is self._first:
                    values |= self._labelled(self._activity.take())
                    self._look_ahead(stepping.count + 1)
            self._record(stepping.pacing.add(values))
        except Exception as error:
            self._give_up(error)
            return
        step = stepping.pacing.step
        if stepping.pacing.logs:
            self.run.control.boundary(step)
            return
        self._telling = True  # the loop says nothing, so we say to those who listen that a step is over
        try:
            self.run.boundary(step)
        finally:
            self._telling = False

    def _logged(self, step: int) -> None:
        if self._telling:
            return
        try:
            for stepping in self._stepping.values():
                self._record(stepping.pacing.logged(step))
        except Exception as error:
            self._give_up(error)

    @property
    def _first(self) -> _Stepping | None:
        return next(iter(self._stepping.values()), None)

    def _look_ahead(self, step: int) -> None:
        """See whether layer outputs are to be looked at in the optimizer's step `step`, which begins now."""
        assert self._activity is not None
        dead, histograms = _is_due(step, self._every), step == 2 or _is_due(step - 1, self._histograms)
        histograms = histograms and self._histograms is not None
        if not dead and not histograms:
            self._activity.look_away()
        elif self._activity.is_compiled:
            self._activity.look_away()
            self._activity = None
            self.notes.append(
                "What layers put out is not looked at (dead units, histograms of activations): torch.compile is at"
                " work, and would compile the hooks in."
            )
        else:
            self._activity.look(dead=dead, histograms=histograms)

    def _record(self, placed: Iterable[tuple[int, Values]]) -> None:
        for step, values in placed:
            self.run.record(max(step, 0), dict(values))

    def _labelled(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {self._label(*name.split("/", 1)): value for name, value in values.items()}

    def _label(self, metric: str, path: str) -> str:
        return "/".join(part for part in (metric, self.name, path) if part)

    def _follow(self, optimizer: Any, key: str) -> _Stepping:
        stepping = _Stepping(self.model, optimizer, self._layers, self._every, self._histograms, self._label, key)
        stepping.forget = self.run.control.add_optimizer(optimizer)
        self._stepping[id(optimizer)] = stepping
        return stepping

    def _stepping_of(self, optimizer: Any) -> _Stepping | None:
        """What is known of an optimizer; None where it steps nothing of the model."""
        stepping = self._stepping.get(id(optimizer))
        if stepping is not None or self._closed:
            return stepping
        ours = {id(parameter) for parameter in self.model.parameters()}
        if any(id(parameter) in ours for group in optimizer.param_groups for parameter in group["params"]):
            return self._follow(optimizer, str(len(self._stepping) or ""))
        return None

    def _give_up(self, error: Exception) -> None:
        if not isinstance(error, NotRecording):  # the run has ended: nothing more is to be measured
            _log.error("the model is watched no more, for measuring it raised", exc_info=error)
            self.notes.append(f"Nothing is measured any more: {type(error).__name__}: {error}.")
        self.close()


class _Stepping:
    """One optimizer that is watched."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: Any,
        chosen: frozenset[str] | None,
        every: int | None,
        histograms: int | None,
        label: Callable[[str, str], str],
        key: str,
    ) -> None:
        self.optimizer, self.count, self.pacing = optimizer, 0, Pacing()
        self.forget: Callable[[], object] = _nothing
        self._model, self._chosen = model, chosen
        self._every, self._histograms, self._label = every, histograms, label
        self._norm, self._rate = label("gradient_norm", key), label("learning_rate", key)
        self._layers: list[Layer] | None = None
        self._weights: list[torch.Tensor] = []
        self._values: dict[str, Any] | None = None

    def before(self, *, has_closure: bool) -> None:
        """A step begins. With a closure (LBFGS) the gradients come inside it."""
        self.count += 1
        self._values = None if has_closure else self._gradients()
        self._weights = weights_of(self._known()) if _is_due(self.count, self._every) else []

    def after(self) -> dict[str, Any]:
        """The step is done: what it was like, by name."""
        values = self._gradients() if self._values is None else self._values
        self._values = None
        for path, ratio in update_ratios(self._known(), self._weights).items() if self._weights else ():
            values[self._label("update_ratio", path)] = ratio
        self._weights = []
        if _is_due(self.count, self._histograms):
            for layer in self._known():
                weights = [dense(parameter) for parameter in layer.parameters]
                values[self._label("weights", layer.path)] = histogram_of(weights)
        return values

    def _gradients(self) -> dict[str, Any]:
        # A fused optimizer under a GradScaler divides the gradients itself.
        scale = getattr(self.optimizer, "grad_scale", None)
        factor = 1.0 if scale is None else 1.0 / float(scale)
        groups = self.optimizer.param_groups
        gradients = [each.grad for group in groups for each in group["params"] if each.grad is not None]
        rate = groups[0]["lr"] if groups else float("nan")
        values: dict[str, Any] = {
            self._norm: total_norm([dense(each) for each in gradients]) * factor,
            self._rate: float(rate),
        }
        looks, counts = _is_due(self.count, self._every), _is_due(self.count, self._histograms)
        if looks:
            self._layers = None  # parameters may have come and gone
        if not looks and not counts:
            return values
        own = [
            [held for each in layer.parameters if each.grad is not None and (held := dense(each.grad)).numel()]
            for layer in self._known()
        ]
        flat = [gradient for gradients in own for gradient in gradients]
        found = iter(zip(flat, sizes(flat) if looks else [(0.0, 0.0)] * len(flat), strict=True))
        for layer, gradients in zip(self._known(), own, strict=True):
            of_layer = [next(found) for _ in gradients]
            if of_layer and looks:
                total = sum(mean * gradient.numel() for gradient, (mean, _) in of_layer)
                count = sum(gradient.numel() for gradient, _ in of_layer)
                values[self._label("gradient_mean", layer.path)] = total / count * factor
                values[self._label("gradient_max", layer.path)] = largest(size for _, (_, size) in of_layer) * factor
            if of_layer and counts:
                spread = histogram_of([gradient * factor if factor != 1.0 else gradient for gradient, _ in of_layer])
                values[self._label("gradients", layer.path)] = spread
        return values

    def _known(self) -> list[Layer]:
        if self._layers is None:
            stepped = {id(each) for group in self.optimizer.param_groups for each in group["params"]}
            self._layers = layers_of(self._model, stepped, self._chosen)
        return self._layers


def _nothing() -> None:
    pass


def _is_due(step: int, every: int | None) -> bool:
    return every is not None and (step - 1) % every == 0


def _named(optimizer: Any) -> dict[str, Any]:
    """The optimizers by the name that stands behind the metrics' names."""
    if optimizer is None:
        return {}
    if isinstance(optimizer, Mapping):
        named = {str(key): each for key, each in optimizer.items()}
    elif isinstance(optimizer, list | tuple):
        named = {str(number or ""): each for number, each in enumerate(optimizer)}
    else:
        named = {"": optimizer}
    for each in named.values():
        if not isinstance(each, torch.optim.Optimizer):
            raise TypeError(f"optimizer is of type {type(each).__name__}, but it must be a torch.optim.Optimizer")
    return named


def _run(run: Run | None) -> Run:
    if run is None:
        living: list[Run] = [each for each in (control.run for control in recording_controls()) if each is not None]
        if len(living) != 1:
            names = ", ".join(repr(each.name) for each in living) or "none"
            raise NotRecording(f"it is not clear which run is meant, for {names} record here: give run=")
        return living[0]
    if not isinstance(run, Run):
        raise TypeError(f"run is of type {type(run).__name__}, but it must be a Run: store.run(…) begins one")
    if not run.recording:
        raise NotRecording(f"the run {run.name!r} does not record: store.run(…) begins one that does")
    return run
