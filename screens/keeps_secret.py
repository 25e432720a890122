"""What a screen that shows a secret must be able to do. Apart, so that the app needn't load the screen."""

from __future__ import annotations


class KeepsSecret:
    """A screen that holds a secret in what it shows."""

    def mask(self) -> None:
        """Take the secret off the screen, at once and for good."""
        raise NotImplementedError
