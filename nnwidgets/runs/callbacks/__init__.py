"""Callbacks that record a run from other libraries' training loops, and one for a loop of your own.

    with store.run("digits") as run:
        lightning.Trainer(callbacks=[nnw.callbacks.Lightning(run)], …).fit(model)
        transformers.Trainer(callbacks=[nnw.callbacks.HuggingFace(run)], …).train()
        model.fit(…, callbacks=[nnw.callbacks.Keras(run)])
        skorch.NeuralNetClassifier(…, callbacks=[nnw.callbacks.Skorch(run)]).fit(…)

The block ends the run as its training ended, and so does `run.train`. Without either a run ends with its training too,
except by an exception in Hugging Face's Trainer, Keras or skorch, which callbacks are not told of: then it stays
"running". Names are loaded, and with them their library, when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nnwidgets.runs.callbacks.huggingface import HuggingFaceHooks as HuggingFace
    from nnwidgets.runs.callbacks.keras import KerasHooks as Keras
    from nnwidgets.runs.callbacks.lightning import LightningHooks as Lightning
    from nnwidgets.runs.callbacks.loop import Loop as Loop
    from nnwidgets.runs.callbacks.skorch import SkorchHooks as Skorch

_HOME = {"HuggingFace": "huggingface", "Keras": "keras", "Lightning": "lightning", "Loop": "loop", "Skorch": "skorch"}

__all__ = ["HuggingFace", "Keras", "Lightning", "Loop", "Skorch"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    module = import_module(f"{__name__}.{_HOME[name]}")
    found = globals()[name] = module.Loop if name == "Loop" else module.callback_class()
    return found


def __dir__() -> list[str]:
    return list(__all__)
