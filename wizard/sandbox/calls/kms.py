"""KMS keys that can be kept: moto makes an RSA key pair for a symmetric key too, which is slow and can't be saved.

Rests on CreateKey (KMS): a key of the spec SYMMETRIC_DEFAULT has no private key. Nothing asks for it.
"""

from __future__ import annotations

from typing import Any

from moto.kms import models
from moto.kms.models import Key

from wizard.sandbox.calls.seams import SeamMovedError, take


def install() -> None:
    """Give symmetric keys no key pair. Raises SeamMovedError if moto makes it elsewhere."""
    take(Key, "__init__", "policy", "key_usage", "key_spec")
    original = getattr(models, "generate_private_key", None)
    if original is None:
        raise SeamMovedError("moto.kms.models.generate_private_key is gone: moto has changed")

    def generate_private_key(key_spec: str) -> Any:
        return None if key_spec in {"", "SYMMETRIC_DEFAULT"} else original(key_spec)

    setattr(models, "generate_private_key", generate_private_key)  # noqa: B010
