"""Runs a model and records what happens inside: layer outputs, gradients, attention. It leaves no trace."""

from nnwidgets.capture.attention import AttentionCapture, record_attention
from nnwidgets.capture.call import Call
from nnwidgets.capture.difference import OutputDifference, output_difference
from nnwidgets.capture.fingerprint import Fingerprint, fingerprint
from nnwidgets.capture.gradients import record_gradients
from nnwidgets.capture.modules import ModuleRow, model_device, module_paths, modules_table
from nnwidgets.capture.outputs import LayerOutputs, record_outputs
from nnwidgets.capture.record import AttentionRecord
from nnwidgets.capture.structures import logits_of, map_tensors, tensors
from nnwidgets.capture.unseen import Unseen

__all__ = [
    "AttentionCapture",
    "AttentionRecord",
    "Call",
    "Fingerprint",
    "LayerOutputs",
    "ModuleRow",
    "OutputDifference",
    "Unseen",
    "fingerprint",
    "logits_of",
    "map_tensors",
    "model_device",
    "module_paths",
    "modules_table",
    "output_difference",
    "record_attention",
    "record_gradients",
    "record_outputs",
    "tensors",
]
