"""Widgets as files that live without a kernel: one self-contained page of any widgets of any sources."""
