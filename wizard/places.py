"""Where things are: the data the program ships, and the folder that keeps its own state."""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def asset(*parts: str) -> Path:
    """Return the path of a file or folder under assets/, in a wheel (wizard/_assets) as well as in a checkout (assets/)."""
    shipped = PACKAGE / "_assets"
    root = shipped if shipped.is_dir() else PACKAGE.parent / "assets"
    return root.joinpath(*parts)


def state_folder() -> Path:
    """Return the folder for journals and other state: $REMOTION_LAMBDA_WIZARD_STATE, else the platform's state folder."""
    chosen = os.environ.get("REMOTION_LAMBDA_WIZARD_STATE")
    if chosen:
        return Path(chosen)
    from platformdirs import user_state_path

    return user_state_path("remotion-lambda-wizard", appauthor=False)


def expanded(path: str) -> Path:
    """Return a path that a person wrote, with ~ for their home. An unknown user's ~name stays as it is."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def private_folder(path: Path) -> Path:
    """Create `path` with mode 0700 (its parents too, where they are missing) and return it."""
    for folder in [*reversed(path.parents), path]:
        folder.mkdir(exist_ok=True, mode=0o700)
    return path
