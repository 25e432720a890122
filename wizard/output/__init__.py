"""The output bucket: its name, what is found about it, the permissions it needs, and what the other side has to add."""
