"""The wizard's own widgets. None of them renders markup from foreign text."""
