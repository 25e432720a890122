"""Dialogs on top of a step."""
