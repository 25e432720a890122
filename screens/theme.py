"""The wizard's own themes: one dark, one light. Everything else takes its colours from the theme's variables."""

from __future__ import annotations

from typing import Final

from textual.theme import Theme

NIGHT: Final = Theme(
    name="remotion-night",
    primary="#5aa9ff",
    secondary="#8b9cf7",
    accent="#41d6c3",
    success="#5fd38d",
    warning="#f7c35f",
    error="#ff7b86",
    foreground="#e3e9f2",
    background="#0e131b",
    surface="#161d28",
    panel="#1f2937",
    dark=True,
    variables={
        "quiet": "#93a1b5",
        "line": "#2b3748",
        "field": "#1b2431",
        "field-focus": "#22304a",
        "pick": "#1d3557",
        "pick-blurred": "#1b2533",
        "badge-text": "#10151d",
        "block-cursor-background": "#1d3557",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#1b2533",
        "block-cursor-blurred-text-style": "none",
        "input-cursor-background": "#5aa9ff",
        "input-cursor-foreground": "#0e131b",
        "input-selection-background": "#5aa9ff 35%",
        "scrollbar": "#33425a",
        "scrollbar-hover": "#46597a",
        "scrollbar-active": "#5aa9ff",
        "scrollbar-background": "#131a24",
        "scrollbar-background-hover": "#131a24",
        "scrollbar-background-active": "#131a24",
        "scrollbar-corner-color": "#131a24",
    },
)

DAY: Final = Theme(
    name="remotion-day",
    primary="#0b5cc4",
    secondary="#4b4fc4",
    accent="#00746a",
    success="#13713f",
    warning="#8a5300",
    error="#b91c2e",
    foreground="#1a2332",
    background="#fbfcfe",
    surface="#f1f4f9",
    panel="#e4e9f2",
    dark=False,
    variables={
        "quiet": "#55627a",
        "line": "#cbd4e1",
        "field": "#eaeff6",
        "field-focus": "#dbe8fb",
        "pick": "#cfe2fb",
        "pick-blurred": "#e6edf7",
        "badge-text": "#ffffff",
        "block-cursor-background": "#cfe2fb",
        "block-cursor-foreground": "#0b1424",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#e6edf7",
        "block-cursor-blurred-text-style": "none",
        "input-cursor-background": "#0b5cc4",
        "input-cursor-foreground": "#ffffff",
        "input-selection-background": "#0b5cc4 25%",
        "scrollbar": "#bac6d8",
        "scrollbar-hover": "#98a9c3",
        "scrollbar-active": "#0b5cc4",
        "scrollbar-background": "#eef2f8",
        "scrollbar-background-hover": "#eef2f8",
        "scrollbar-background-active": "#eef2f8",
        "scrollbar-corner-color": "#eef2f8",
    },
)

THEMES: Final = (NIGHT, DAY)
# What Textual's own themes lack of the variables above, in their terms.
FALLBACKS: Final = {
    "line": "border-blurred",
    "field": "surface",
    "field-focus": "panel",
    "pick": "primary-muted",
    "pick-blurred": "surface",
    "badge-text": "background",
}
