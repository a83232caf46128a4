"""`ModelSession`: a model, its input, what was captured, and where people look. Every widget is a window onto one."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Hashable, Sequence
from os import PathLike
from typing import Any, Literal, TypeVar

import traitlets
from torch import nn

from nnwidgets.capture import module_paths, modules_table
from nnwidgets.capture.modules import find_modules
from nnwidgets.session.attention import Attention, Seen
from nnwidgets.session.bounds import Bounds, out_of
from nnwidgets.session.captures import Captures
from nnwidgets.session.errors import ModelError, NoInputs
from nnwidgets.session.inputs import check_texts, prepare
from nnwidgets.session.latent import Latent, LatentSpace
from nnwidgets.session.layers import LayerTable, layer_table
from nnwidgets.session.targets import resolve_target
from nnwidgets.session.tokens import sides
from nnwidgets.source.base import Source
from nnwidgets.source.errors import NotStored
from nnwidgets.source.jobs import Job
from nnwidgets.source.selection import Selection, State
from nnwidgets.source.sizes import parse_size

Result = TypeVar("Result")


class ModelSession(Source):
    """Looks inside a model on one input. Nothing runs before something is asked, and the model is never changed.

    What is asked is captured, kept in a bounded store, and captured again where it was dropped or the weights changed.
    Safe to use from several threads; the model runs once at a time. What it returns is its own: copy before writing.
    Inputs changed in place are not noticed: call `refresh` then.

    Args:
        model: a `torch.nn.Module`.
        inputs: what the model is called with. A tensor is its one argument, a tuple its arguments, a mapping (a Hugging
            Face `BatchEncoding` too) its keyword arguments; a text or a list of texts where there is a `tokenizer`.
        targets: the right answers for the inputs, as an explanation may need them.
        tokens: names of the positions: a list of texts, a list of such lists (one for each sample), or a dict of these
            under "source" and "target".
        tokenizer: of Hugging Face; names the input's ids and reads texts.
        class_names: names of the classes that the model tells apart.
        forward: `forward(model, inputs)`, for a model that is called in some other way.
        encode: the way into a latent space: `encode(inputs)` or `encode(model, inputs)`, which gives latents `[n, d]`,
            or a tuple whose first they are (mean, log variance).
        decode: the way back: `decode(latents)` or `decode(model, latents)`, with latents `[n, d]`, gives images in any
            layout, vectors or texts, n of them. A method of the model, a part of it, or the model itself will do.
        latent_size: how many dimensions a latent has, where neither `encode` nor the layers of `decode` tell.
        draw: `draw(item)` makes an image, a curve or a text of what `decode` gives for one latent.
        name: the session's name; widgets follow a later session of that name.
        selection: that of another session, to look at the same place in both.
        memory_limit: of the store: bytes, or text such as "64 MiB".
        mode: "eval", or "as is" for the training flags as they are.
        save_dir: folder in which the session's widgets save what has a relative path; made when it is needed.

    Raises:
        TypeError, ValueError: an argument that cannot be used; nothing was made then.
    """

    def __init__(
        self,
        model: nn.Module,
        inputs: Any = None,
        *,
        targets: Any = None,
        tokens: Any = None,
        tokenizer: Any = None,
        class_names: Sequence[str] | None = None,
        forward: Callable[[nn.Module, Any], Any] | None = None,
        encode: Callable[..., Any] | None = None,
        decode: Callable[..., Any] | None = None,
        latent_size: int | None = None,
        draw: Callable[[Any], Any] | None = None,
        name: str | None = None,
        selection: Selection | None = None,
        memory_limit: int | str = "1 GiB",
        mode: Literal["eval", "as is"] = "eval",
        save_dir: str | PathLike[str] | None = None,
    ) -> None:
        if not isinstance(model, nn.Module):
            raise TypeError(f"model is of type {type(model).__name__}, but it must be a torch.nn.Module")
        if mode not in ("eval", "as is"):
            raise ValueError(f'mode={mode!r}, but it is "eval" or "as is"')
        if isinstance(class_names, str):
            raise TypeError(f"class_names={class_names!r}, but it is a list of names")
        if forward is not None and not callable(forward):
            raise TypeError(f"forward={forward!r}, but it must be a function")
        limit = parse_size(memory_limit)
        prepared = prepare(inputs, tokenizer, forward)
        named = sides(tokens, tokenizer, prepared)
        label = name if isinstance(name, str) and name else type(model).__name__
        captures = Captures(model, prepared, forward, mode, limit, label, self._changed)
        space = LatentSpace(captures, encode, decode, latent_size, draw)
        super().__init__(name=name, selection=selection, save_dir=save_dir)
        self.targets = targets
        self.tokenizer = tokenizer
        self.class_names = tuple(class_names) if class_names is not None else None
        self.encode, self.decode = encode, decode
        self._modules = module_paths(model)
        self._captures, self._space = captures, space
        self._seen = Seen(self._captures, self.selection, named)
        self._settle()
        self.selection.add_validator(self._validate)
        self._opened()

    def __repr__(self) -> str:
        state = ", closed" if self.closed else ""
        return f"ModelSession({self.label}, {len(self._modules):,} modules{state})"

    # What it looks at

    @property
    def label(self) -> str:
        """What people call it: its name, or the model's class."""
        return self._captures.label

    @property
    def model(self) -> nn.Module:
        """The user's model."""
        return self._captures.model

    @property
    def inputs(self) -> Any:
        """What the model is called with."""
        return self._captures.inputs.value

    @property
    def version(self) -> int:
        """Rises whenever what was captured is no longer true: other weights, another input, a refresh."""
        return self._captures.version

    @property
    def at_step(self) -> int | None:
        """The training's step that is shown, while a run trains the model in another thread; else None.

        Until that training ends the session looks at a private copy of the model, taken at a step boundary.
        """
        return self._captures.subject.step

    @property
    def needs_idle_kernel(self) -> bool:
        """Whether it must wait for a running cell, which may use the model; not where it looks at a private copy."""
        return self._captures.subject.trained_by is None

    @property
    def samples(self) -> int:
        """How many samples the input has; a guess from its first tensor until the model's attention has run."""
        inputs, known = self._captures.inputs, self._seen.known
        if inputs.samples is not None or known is None or not known.entries:
            return inputs.likely_samples
        return known.entries[0].batch

    # What was captured

    @property
    def layers(self) -> LayerTable:
        """Every layer: name, kind, output shape, parameters, what can be looked at there and why not."""
        note, shapes = "", None
        try:
            shapes = self._captures.shapes()
        except (ModelError, NoInputs, NotStored) as error:
            note = f"Output shapes are not known: {error}"
        known = self._seen.known
        if known is None:
            note = note or "Attention was not looked at yet: see session.attention.layers."
        paths: dict[str, list[int]] = {}
        for entry in known.entries if known is not None else ():
            paths.setdefault(entry.path, []).append(entry.index)
        unseen = {item.path: item.reason for item in known.unseen} if known is not None else {}
        return layer_table(modules_table(self.model), self._modules, shapes, paths, unseen, note)

    @property
    def outputs(self) -> Any:
        """What the model returns, bit-equal to the user's own call in this mode under `torch.no_grad()`."""
        return self._captures.outputs()

    def activation(self, path: str, *, call: int = -1) -> Any:
        """What the layer at `path` returned: a tensor, or what else it returns; of its last call unless told otherwise.

        A layer that `nn.TransformerEncoder` skips in its fused path comes from a run with that path off. Raises
        `KeyError` for a path that does not exist, `LookupError` for a layer that is not called, `IndexError` for such a
        call.
        """
        self._check_path(path)
        calls = self._captures.activation(path)
        if not -len(calls) <= call < len(calls):
            raise IndexError(out_of("call", call, f"layer {path!r}", len(calls), "calls"))
        return calls[call]

    def gradient(self, path: str, target: Any = None) -> Any:
        """The gradient of a class's logit with respect to what the layer at `path` returned, of the same shape.

        `target` is a class, one for each sample, or a function of the model's output that returns one number; without
        it `selection.target`, else for each sample the class that the model predicts. Raises `ValueError` for a target
        that does not fit the output, and as `activation` does.
        """
        self._check_path(path)
        target = self.selection.target if target is None else target
        return self._captures.gradient(path, resolve_target(target, self._captures.outputs, self.label))

    @property
    def attention(self) -> Attention:
        """The attention of the model."""
        return Attention(self._seen, self._settle, self._changed_kind)

    @property
    def latent(self) -> Latent:
        """The latent space of the model: needs `decode`, and `encode` to place the inputs in it."""
        return Latent(self._space, self.targets)

    def remember(self, key: Hashable, compute: Callable[[], Result], nbytes: int | None = None) -> Result:
        """`compute()`, kept in the store under `key` until the weights or the input change; the memory limit counts it.

        `nbytes` says how large the value is; without it, its tensors and arrays are counted.
        """
        return self._captures.remember(key, compute, nbytes)

    # When the model runs

    @property
    def lock(self) -> threading.RLock:
        """Held while the model runs; hold it to keep the session from running the model."""
        return self._captures.lock

    def stored_only(self) -> contextlib.AbstractContextManager[None]:
        """Inside, and in this thread, what is not stored raises `NotStored` instead of running the model."""
        return self._captures.stored_only()

    def estimated_seconds(self) -> float:
        """How long one run of the model takes: as measured last, before that by its size."""
        return self._captures.seconds()

    def check(self) -> None:
        """Look whether the weights changed, and drop what is stale. Every request does so by itself."""
        self._captures.check()

    def refresh(self) -> None:
        """Drop everything that was captured, whether or not a change of the weights was noticed."""
        with self._captures.alone("a refresh"):
            self._captures.drop()
        self._changed("refreshed")

    def set_inputs(self, inputs: Any, *, tokens: Any = None) -> None:
        """Look at another input from now on. The selection stays where it is still valid.

        Raises as the constructor does, and nothing has changed then.
        """
        self._captures.check_open()
        prepared = prepare(inputs, self.tokenizer, self._captures.forward)
        named = sides(tokens, self.tokenizer, prepared)
        with self._captures.alone("another input"):
            self._captures.drop()
            self._captures.inputs, self._seen.sides, self._seen.notes = prepared, named, []
            self._captures.forget_seconds()
        self._settle()
        self._tell("now on another input")

    def read(self, text: str | list[str]) -> None:
        """Look at another text, or at several as one batch; needs a `tokenizer`. Raises as `set_inputs` does."""
        self._captures.check_open()
        check_texts("text", text)
        self.set_inputs(text)

    def submit(self, function: Callable[[Job], Any], *, label: str = "") -> Job:
        """Run `function(job)` in the background and return the job at once."""
        self._captures.check_open()
        return super().submit(function, label=label)

    def _let_go(self) -> None:
        self._captures.close()

    # How a selection stays within bounds

    def _bounds(self) -> Bounds:
        known = self._seen.known
        return Bounds(
            self.label,
            self._modules,
            self.samples if known is not None and known.entries else self._captures.inputs.most_samples,
            None if self.class_names is None else len(self.class_names),
            None if known is None else known.entries,
        )

    def _validate(self, asked: frozenset[str], state: State) -> State:
        if self.closed:
            return state
        wrong = self._space.check_latent(state["latent"]) if "latent" in asked else None
        if wrong is not None:
            raise traitlets.TraitError(wrong)
        return self._bounds().resolve(asked, state)

    def _settle(self) -> None:
        """Bring the selection within bounds that have just become known, and say what had to move."""
        state = self.selection.fields()
        bounds = self._bounds()
        moved = bounds.clipped(state)
        # Setting the attention layer again brings its path along.
        follow = {"attention": state["attention"]} if bounds.entries and state["layer"] is None else {}
        try:
            self.selection.update(**(follow | moved))
        except traitlets.TraitError as error:  # another session that shares the selection has the last word
            self._seen.notes.append(f"The selection does not fit {self.label}: {error}.")
            return
        if moved:
            changes = ", ".join(f"{name} {state[name]} → {value}" for name, value in moved.items())
            self._seen.notes.append(f"The selection was out of bounds and was moved: {changes}.")

    def _changed(self, reason: str) -> None:
        """The captures were dropped because of `reason`."""
        reason = f"recomputed: {reason}"
        self._seen.notes = [f"{reason[0].upper()}{reason[1:]}."]
        self._tell(reason)

    def _changed_kind(self, reason: str) -> None:
        self._captures.outdate()
        self._tell(reason)

    def _check_path(self, path: str) -> None:
        if not isinstance(path, str):
            raise TypeError(f"path={path!r}, but it is the path of a module, a text: see session.layers")
        if path not in self._modules:
            find_modules(self.model, [path])  # raises, with the nearest paths
