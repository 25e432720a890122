"""Handing over: the access key to .env or an AWS profile."""
