"""Tests of the Textual screens: a person at the keyboard, on a fake engine or on the sandbox."""
