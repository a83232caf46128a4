"""The latent space of a session's model: where its inputs lie in it, and what is decoded from any point of it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from nnwidgets.analysis.latent import Importance, importance
from nnwidgets.analysis.pictures import PictureStyle, picture_style, to_pixels
from nnwidgets.capture.structures import tensors
from nnwidgets.session.captures import Captures
from nnwidgets.session.errors import ModelError, NoInputs, NoLatent
from nnwidgets.session.rebinding import ModelFunction
from nnwidgets.session.store import MISSING
from nnwidgets.source.errors import NotStored
from nnwidgets.source.jobs import current_job

Floats = NDArray[np.float32]
Kind = Literal["images", "curves", "texts"]

BATCH = 256
"""Latents that are decoded, or inputs that are encoded, at once."""
_PROBES = 32  # pictures from which layout and range are read
_MOST_TRIED = 48  # sizes that are tried where nobody says how many dimensions a latent has
_SIZE_NAMES = ("latent_size", "latent_dim", "latent_dims", "z_dim", "z_size", "nz", "latent_channels")


@dataclass(frozen=True, eq=False)
class Drawn:
    """What is looked at: pictures, curves or texts; one for each latent.

    `pixels` is uint8 [n, h, w, 1 or 3], `curves` float32 [n, points], `texts` n texts; of the three the one that
    `kind` names. `broken` counts pictures and curves with values that are not numbers; those are magenta in pictures.
    """

    kind: Kind
    pixels: NDArray[np.uint8] | None = None
    curves: Floats | None = None
    texts: tuple[str, ...] | None = None
    broken: int = 0

    @property
    def items(self) -> Any:
        """The one of the three that `kind` names."""
        return {"images": self.pixels, "curves": self.curves, "texts": self.texts}[self.kind]


class LatentSpace:
    """What a session holds of its latent space; `Latent` is the user's view of it.

    Raises `TypeError` and `ValueError` for arguments that cannot be used.
    """

    def __init__(self, captures: Captures, encode: Any, decode: Any, size: Any, draw: Any) -> None:
        if size is not None and (isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1):
            raise ValueError(f"latent_size={size!r}, but it is how many dimensions a latent has: 1 or more")
        if draw is not None and not callable(draw):
            raise TypeError(f"draw={draw!r}, but it must be a function of what decode gives for one latent")
        self.captures = captures
        self.encode = None if encode is None else ModelFunction("encode", encode, captures.model)
        self.decode = None if decode is None else ModelFunction("decode", decode, captures.model)
        self.draw: Callable[[Any], Any] | None = draw
        self.given_size = None if size is None else int(size)
        self.known_size = self.given_size
        self.seconds_each: float | None = None  # that one latent took when several were decoded last
        self.as_images = False  # whether decode wants latents [n, d, 1, 1], as a generator of convolutions does

    def check_latent(self, latent: Sequence[float] | None) -> str | None:
        """Why a latent is none of this space, in words; None where it may be one."""
        if latent is None or self.decode is None or self.known_size in (None, len(latent)):
            return None
        return f"latent has {len(latent)} numbers, but the latents of {self.captures.label} have {self.known_size}"


class Latent:
    """The latent space of a session: `session.latent`.

    What it computes is kept in the session's bounded store until the weights or the inputs change. It runs the model as
    the session does: one run at a time, without a trace, on a private copy while a run trains the model.

    `session.targets`, a class for each input, name the points' classes.
    """

    def __init__(self, space: LatentSpace, targets: Any) -> None:
        self._space = space
        self._targets = targets

    def __repr__(self) -> str:
        size = "size not yet known" if self._space.known_size is None else f"{self._space.known_size} dimensions"
        return f"Latent({self._space.captures.label}, {size})"

    def check(self) -> None:
        """Raise `NoLatent` where the session has no decode."""
        self._decoder()

    def estimated_seconds(self, count: int) -> float:
        """How long `count` latents take to decode: as measured last, before that by the model's size."""
        each = self._space.seconds_each
        return count * (sum(p.numel() for p in self._space.captures.model.parameters()) / 1e9 if each is None else each)

    @property
    def encodes(self) -> bool:
        """Whether the session has an encode, and inputs for it."""
        return self._space.encode is not None and self._space.captures.inputs.given

    @property
    def size(self) -> int:
        """How many dimensions a latent has: as given, as encode gives, or the one size that decode takes.

        Raises `NoLatent` where that cannot be found, `NotStored` where it would need a run that must not be now.
        """
        space = self._space
        if space.known_size is None:
            self._decoder()
            space.known_size = int(self.points.shape[1]) if self.encodes else self._tried_size()
        return space.known_size

    @property
    def points(self) -> Floats:
        """Where the inputs lie: float32 [n, d]. Raises `NoLatent` without an encode, `NoInputs` without inputs."""
        points: Floats = self._remember("points", self._encoded)
        return points

    @property
    def labels(self) -> NDArray[np.int32] | None:
        """The class of each point, by `session.targets`; None where those are not one whole number for each."""
        if self._targets is None or not self.encodes:
            return None
        try:
            labels = np.asarray(
                self._targets.detach().cpu() if isinstance(self._targets, torch.Tensor) else self._targets
            )
        except (TypeError, ValueError):
            return None
        whole = labels.dtype.kind in "iub" and labels.shape == (len(self.points),)
        return labels.astype(np.int32) if whole and (labels >= 0).all() else None

    @property
    def spread(self) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the points, each [d]; 0 and 1, those of the usual prior, without points.

        A dimension in which all points are the same has the deviation 1.
        """
        if not self.encodes:
            return np.zeros(self.size, np.float32), np.ones(self.size, np.float32)
        points = self.points.astype(np.float64)
        points = points[np.isfinite(points).all(axis=1)]
        if len(points) < 2:
            mean = points.mean(axis=0) if len(points) else np.zeros(self.size)
            return mean.astype(np.float32), np.ones(self.size, np.float32)
        std = points.std(axis=0)
        return points.mean(axis=0).astype(np.float32), np.where(std > 0, std, 1.0).astype(np.float32)

    def decode(self, latents: ArrayLike) -> Any:
        """What decode gives for latents [n, d] or [d]: an array [n, …] or a list of n texts.

        Many are decoded in batches of 256, with a job's progress. Raises `ValueError` for latents of another shape or
        that are not finite, `ModelError` where decode raises or gives another number of outputs, naming both sizes.
        """
        checked = self._checked(latents)
        return self._remember(("decoded", _digest(checked)), lambda: self._decoded(checked))[0]

    def drawn(self, latents: ArrayLike) -> Drawn:
        """What latents [n, d] or [d] look like: by `draw`, else images as such, vectors as curves, texts as texts."""
        checked = self._checked(latents)
        key = ("drawn", _digest(checked))
        drawn: Drawn = self._remember(key, lambda: self._drawn(self._decoded(checked), self._style()))
        return drawn

    def pictures(self, latents: ArrayLike) -> NDArray[np.uint8]:
        """The decoded images as pixels: uint8 [n, h, w, 1 or 3].

        Raises `ValueError` where decode gives no images.
        """
        drawn = self.drawn(latents)
        if drawn.pixels is None:
            raise ValueError(f"decode gives {drawn.kind}, no images: session.latent.drawn(latents) has them")
        return drawn.pixels

    def importance(self) -> Importance:
        """How much each dimension changes the output, from one standard deviation below to one above the mean.

        Decodes twice as many latents as there are dimensions, and keeps only the result. Texts change or do not.
        """
        found: Importance = self._remember("importance", self._measured_importance)
        return found

    def _measured_importance(self) -> Importance:
        mean, std = self.spread
        parts = [range(self.size)[start : start + BATCH // 2] for start in range(0, self.size, BATCH // 2)]
        changes = []
        for part in _counted(parts, "measuring the dimensions"):
            rows = np.arange(len(part))
            latents = np.tile(mean, (2, len(part), 1))
            for side, sign in enumerate((-1, 1)):
                latents[side, rows, list(part)] += sign * std[list(part)]
            output, _ = self._decode_batch(latents.reshape(-1, self.size))
            low, high = output[: len(part)], output[len(part) :]
            if isinstance(output, list):
                low, high = np.zeros(len(part)), np.array([a != b for a, b in zip(low, high, strict=True)])
            changes.append(importance(low, high).change)
        change = np.concatenate(changes)
        return Importance(change, np.argsort(-change, kind="stable"))

    def inputs_drawn(self, start: int, stop: int) -> Drawn | None:
        """What some of the inputs look like; None where they are no images and nothing draws them."""
        drawn: Drawn | None = self._remember(("inputs", start, stop), lambda: self._drawn_inputs(start, stop))
        return drawn

    # How it is computed

    def _remember(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        return self._space.captures.remember(("latent", key), compute, looks=True)

    def _decoder(self) -> ModelFunction:
        if self._space.decode is None:
            raise NoLatent(
                f"the session of {self._space.captures.label} has no decode: make it with decode=, a function of "
                "latents [n, d], such as ModelSession(model, inputs, encode=model.encode, decode=model.decode)"
            )
        return self._space.decode

    def _run(self, what: str, function: Callable[[nn.Module, Any], Any], value: Any) -> Any:
        return self._space.captures.call(what, function, value)

    def _encoded(self) -> Floats:
        space, inputs = self._space, self._space.captures.inputs
        if space.encode is None:
            raise NoLatent(f"the session of {space.captures.label} has no encode: make it with encode= to place inputs")
        if not inputs.given:
            raise NoInputs("the session has no inputs: pass inputs= or call session.set_inputs(…)")
        value, encode = inputs.value, space.encode

        def run(model: nn.Module, part: Any) -> Any:
            function = encode.on(model)
            try:
                return function(part)
            except NotStored:
                raise
            except Exception as error:
                raise ModelError(f"encode raised {type(error).__name__}: {error}, on {inputs.described}") from error

        parts = _batches(value) if isinstance(value, torch.Tensor) and value.ndim else [value]
        found = [
            _latents_of(self._run("the encoded inputs", run, part)) for part in _counted(parts, "encoding the inputs")
        ]
        points = np.concatenate(found)
        if space.given_size not in (None, points.shape[1]):
            raise ValueError(
                f"encode gives latents of {points.shape[1]} dimensions, but latent_size={space.given_size}"
            )
        return points

    def _checked(self, latents: ArrayLike) -> Floats:
        values = latents.detach().cpu().numpy() if isinstance(latents, torch.Tensor) else latents
        array = np.asarray(values, dtype=np.float32)
        array = array[None] if array.ndim == 1 else array
        if array.ndim != 2 or not len(array):
            raise ValueError(f"latents have shape {list(array.shape)}, but they are [n, d] or one latent [d]")
        if array.shape[1] != self.size:
            raise ValueError(
                f"latents have shape {list(array.shape)}, but the latents of {self._space.captures.label} have "
                f"{self.size} dimensions"
            )
        if not np.isfinite(array).all():
            raise ValueError("latents hold values that are not finite, and nothing is decoded from those")
        return array

    def _decoded(self, latents: Floats) -> tuple[Any, bool]:
        """What decode gives, and whether that were tensors: an array [n, …] or a list of texts."""
        self._decoder()
        parts = [self._decode_batch(part) for part in _counted(list(_batches(latents)), "decoding")]
        first, tensor = parts[0]
        if len(parts) == 1:
            return first, tensor
        if isinstance(first, list):
            return [text for part, _ in parts for text in part], False
        return np.concatenate([part for part, _ in parts]), tensor

    def _decode_batch(self, latents: Floats) -> tuple[Any, bool]:
        decode, space = self._decoder(), self._space

        def run(model: nn.Module, part: torch.Tensor) -> Any:
            function = decode.on(model)
            try:
                return function(part[..., None, None] if space.as_images else part)
            except NotStored:
                raise
            except Exception as error:
                raise ModelError(self._wrong(latents, f"raised {type(error).__name__}: {error}")) from error

        latent = torch.from_numpy(latents).to(_precision(space.captures.model))
        began = time.perf_counter()
        output = self._run("what is decoded there", run, latent)
        space.seconds_each = (time.perf_counter() - began) / len(latents)
        try:
            found, tensor = _outputs_of(output)
        except ValueError as error:
            raise ModelError(self._wrong(latents, f"gave {error}")) from error
        if len(found) != len(latents):
            what = "texts" if isinstance(found, list) else f"an array of shape {list(found.shape)}"
            raise ModelError(self._wrong(latents, f"gave {len(found)} outputs ({what}), not {len(latents)}"))
        return found, tensor

    def _wrong(self, latents: Floats, what: str) -> str:
        size = latents.shape[1]
        where = f"latent_size={size}" if self._space.given_size else "as encode gives" if self.encodes else "as found"
        got = f"decode got latents {list(latents.shape)}, and {what}"
        return f"{got}: this session's latents have {size} dimensions, {where}"

    def _tried_size(self) -> int:
        """The first size that decode takes, of those that the model's own layers and attributes name."""
        captures = self._space.captures
        for size in self._likely_sizes():
            for as_images in (False, True) if self._decoder().module is not None else (False,):
                self._space.as_images = as_images
                try:
                    self._decode_batch(np.zeros((2, size), np.float32))
                except ModelError:
                    continue
                return size
        self._space.as_images = False
        raise NoLatent(
            f"how many dimensions the latents of {captures.label} have cannot be told: make the session with "
            "latent_size=, and see that decode takes latents [n, latent_size]"
        )

    def _likely_sizes(self) -> list[int]:
        modules = [module for module in (self._decoder().module, self._space.captures.model) if module is not None]
        named = (getattr(module, name, None) for module in modules for name in _SIZE_NAMES)
        layers = (layer for module in modules for layer in module.modules())
        taken = (getattr(layer, "in_features", getattr(layer, "in_channels", None)) for layer in layers)
        sizes = [size for size in (*named, *taken) if isinstance(size, int) and size > 0]
        return list(dict.fromkeys(sizes))[:_MOST_TRIED]

    # How it is drawn

    def _style(self) -> PictureStyle | None:
        """Layout and range of the decoded images, from a probe of them; None where there are none."""
        captures, key = self._space.captures, ("derived", ("latent", "style"))
        known: PictureStyle | None = captures.store.get(key)  # not looked at anew: what is drawn was just decoded
        return self._remember("style", self._probed_style) if known is MISSING else known

    def _probed_style(self) -> PictureStyle | None:
        mean, std = self.spread
        if self.encodes and np.isfinite(self.points).all():
            probes = self.points[np.linspace(0, len(self.points) - 1, min(_PROBES, len(self.points))).astype(int)]
        else:
            noise = np.random.default_rng(0).standard_normal((_PROBES, self.size), np.float32)
            probes = mean + std * noise
        output, tensor = self._decoded(probes)
        batch = self._batch(output)
        if not isinstance(batch, np.ndarray) or batch.ndim < 3:
            return None
        style = picture_style(torch.from_numpy(batch) if tensor else batch)
        inputs = self._input_batch(0, _PROBES)
        if inputs is not None and inputs.shape[1:] == batch.shape[1:]:
            # What a decoder gives early in training fills a small part of the range that its inputs have.
            other = picture_style(torch.from_numpy(inputs))
            if (other.low, other.high) == (-1.0, 1.0) and np.nanmin(batch) >= -1 and np.nanmax(batch) <= 1:
                return other
        return style

    def _drawn(self, decoded: tuple[Any, bool], style: PictureStyle | None) -> Drawn:
        batch = self._batch(decoded[0])
        if isinstance(batch, list):
            return Drawn("texts", texts=tuple(batch))
        broken = int(np.isnan(batch.reshape(len(batch), -1)).any(axis=1).sum()) if batch.dtype.kind == "f" else 0
        if batch.ndim < 3:
            curves = batch.reshape(len(batch), -1).astype(np.float32)
            return Drawn("curves", curves=curves, broken=broken)
        return Drawn("images", pixels=to_pixels(batch, style or picture_style(batch)), broken=broken)

    def _batch(self, output: Any) -> Any:
        """What is to be drawn, for each latent: images [n, …], curves [n, points] or a list of texts."""
        draw = self._space.draw
        if draw is not None:
            return _drawn_by(draw, output)
        if isinstance(output, np.ndarray) and output.ndim == 2:
            value = self._first_input()
            item = None if value is None else value.shape[1:]
            if item is not None and len(item) >= 2 and int(np.prod(item)) == output.shape[1]:
                return output.reshape(len(output), *item)  # images that the decoder gives flat
        return output

    def _first_input(self) -> torch.Tensor | None:
        return next((tensor for _, tensor in tensors(self._space.captures.inputs.value)), None)

    def _input_batch(self, start: int, stop: int) -> NDArray[Any] | None:
        """Some of the inputs, as images; None where they are none."""
        value = self._first_input()
        if value is None or value.ndim < 3:
            return None
        batch = value[start:stop].detach().cpu()
        array: NDArray[Any] = (batch.float() if batch.is_floating_point() else batch).numpy()
        return array

    def _drawn_inputs(self, start: int, stop: int) -> Drawn | None:
        value, draw = self._first_input(), self._space.draw
        if draw is not None and value is not None:
            try:
                return self._drawn((_drawn_by(draw, list(value[start:stop].detach().cpu())), True), None)
            except (ModelError, ValueError):  # it draws what decode gives, and inputs may be something else
                return None
        probe, batch = self._input_batch(0, _PROBES), self._input_batch(start, stop)
        if probe is None or batch is None or not len(batch):
            return None
        try:
            style = picture_style(torch.from_numpy(probe))
        except ValueError:
            return None
        return Drawn("images", pixels=to_pixels(batch, style))


def _drawn_by(draw: Callable[[Any], Any], output: Any) -> Any:
    """`draw` of each: an array of images [n, …] or of curves [n, points], or a list of texts."""
    try:
        found = [draw(item) for item in output]
    except Exception as error:
        raise ModelError(f"draw raised {type(error).__name__}: {error}") from error
    if all(isinstance(item, str) for item in found):
        return found
    try:
        arrays = [np.asarray(item.detach().cpu() if isinstance(item, torch.Tensor) else item) for item in found]
        batch = np.stack(arrays)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"draw gave what cannot be shown together: {error}; it is an image, a curve or a text"
        ) from error
    if batch.dtype.kind not in "biuf" or batch.ndim < 2:
        raise ValueError(
            f"draw gave {type(found[0]).__name__} of shape {list(batch.shape[1:])}, but it is an image [h, w] or "
            "[h, w, 3], a curve [points] or a text"
        )
    return batch


def _outputs_of(output: Any) -> tuple[Any, bool]:
    """What decode gave as an array or a list of texts, and whether it was a tensor. Raises `ValueError` for others."""
    if isinstance(output, tuple) and output and not isinstance(output[0], str):
        output = output[0]
    if isinstance(output, torch.Tensor):
        value = output.detach().cpu()
        return (value.float() if value.is_floating_point() else value).numpy(), True
    if isinstance(output, list | tuple) and output and all(isinstance(item, str) for item in output):
        return list(output), False
    try:
        items = list(output) if isinstance(output, list) else output
        tensor = isinstance(items, list) and bool(items) and isinstance(items[0], torch.Tensor)
        array = torch.stack(items).detach().cpu().numpy() if tensor else np.asarray(items)
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(f"a {type(output).__name__}, but it gives an array [n, …] or a list of texts") from None
    if array.dtype.kind not in "biuf" or array.ndim < 1:
        raise ValueError(f"a {type(output).__name__}, but it gives an array [n, …] or a list of texts")
    return array, tensor


def _latents_of(encoded: Any) -> Floats:
    """Latents [n, d] out of what encode gave. Raises `ValueError` for another shape."""
    mean = encoded[0] if isinstance(encoded, tuple | list) and encoded else encoded
    if isinstance(mean, torch.Tensor):
        mean = mean.detach().cpu().float().numpy()
    try:
        array = np.asarray(mean, dtype=np.float32)
    except (TypeError, ValueError):
        raise ValueError(f"encode gave a {type(encoded).__name__}, but it gives latents [n, d], or (mean, …)") from None
    while array.ndim > 2 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim != 2:
        raise ValueError(f"encode gave latents of shape {list(array.shape)}, but they are [n, d]: flatten them")
    return array


def _precision(model: nn.Module) -> torch.dtype:
    """What the model computes with: a model in half precision takes no float32."""
    return next((each.dtype for each in model.parameters() if each.is_floating_point()), torch.float32)


def _batches(values: Any) -> Iterator[Any]:
    return (values[start : start + BATCH] for start in range(0, len(values), BATCH))


def _counted(parts: Any, stage: str) -> Iterator[Any]:
    """The parts, one after the other; the job that works on them is told how far it is, where there are several."""
    parts, job = list(parts), current_job()
    for index, part in enumerate(parts):
        if job is not None and len(parts) > 1:
            job.report(index, len(parts), stage)
        yield part


def _digest(latents: Floats) -> tuple[int, bytes]:
    return len(latents), hashlib.blake2b(latents.tobytes(), digest_size=16).digest()
