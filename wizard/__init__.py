"""Remotion Lambda set-up on AWS: the engine, without any user interface."""

__version__ = "0.1.0"
