"""Runs out of a store and into it: CSV, JSON, TensorBoard's event files, offline runs of Weights & Biases."""
