"""Collecting answers: questions, steps, answers in layers, and the session that walks them."""
