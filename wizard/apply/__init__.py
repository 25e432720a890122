"""Applying a plan: the only place that writes to AWS. Journal first."""
