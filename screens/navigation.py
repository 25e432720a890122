"""Which module holds a step's screen. Screens are imported when they are first needed."""

from __future__ import annotations

from importlib import import_module

from screens.step import StepScreen
from wizard.collect.steps import Step

_SCREENS = {
    "start": "screens.start:StartScreen",
    "identity": "screens.identity:IdentityScreen",
    "undo": "screens.undo:UndoScreen",
    "project": "screens.project:ProjectScreen",
    "principal": "screens.principal:PrincipalScreen",
    "found": "screens.found:FoundScreen",
    "policies": "screens.policies:PoliciesScreen",
    "extras": "screens.extras:ExtrasScreen",
    "output-bucket": "screens.output_bucket:OutputBucketScreen",
    "quotas": "screens.quotas:QuotasScreen",
    "credentials": "screens.credentials:CredentialsScreen",
    "rotate": "screens.rotate:RotateScreen",
    "review": "screens.review:ReviewScreen",
    "apply": "screens.apply:ApplyScreen",
    "check": "screens.check:CheckScreen",
    "done": "screens.done:DoneScreen",
}
_PLAIN_FORM = "screens.form:FormScreen"  # for a step that needs no screen of its own


def screen_for(step: Step) -> StepScreen:
    """Make the screen of a step."""
    module, name = _SCREENS.get(step.id, _PLAIN_FORM).split(":")
    made: StepScreen = getattr(import_module(module), name)(step)
    return made
