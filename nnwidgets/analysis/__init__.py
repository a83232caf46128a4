"""Analyses: arrays in, frozen dataclasses of arrays out. Usable without a session, a widget or a model."""
