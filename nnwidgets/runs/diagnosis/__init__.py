"""Diagnosis: what a training run's curves show, in words, with the evidence, the likely cause and what to try."""

from nnwidgets.runs.diagnosis.diagnose import diagnose
from nnwidgets.runs.diagnosis.finding import Finding, Kind, Severity

__all__ = ["Finding", "Kind", "Severity", "diagnose"]
