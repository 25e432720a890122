"""The commands that come after the set-up.

Source: remotion.dev/docs/lambda/setup, steps 8 to 11 (Remotion 4.0.527).
"""

from __future__ import annotations

from typing import Final

COMMANDS: Final = (
    "npx remotion lambda functions deploy",
    "npx remotion lambda sites create src/index.ts --site-name=my-video",
    "npx remotion lambda render my-video <composition-id>",
)
