"""The plan: changes from answers and snapshot, and its renderers. Pure."""
