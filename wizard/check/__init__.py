"""Proving the result: findings about permissions, trust, credentials and quotas. Reads only."""
