"""What a finding offers: to have it mended by the wizard, or a message for whoever can mend it."""

from __future__ import annotations

from textual.binding import Binding

from screens.step import StepScreen
from screens.widgets.buttons import Push
from wizard.check.findings import Finding
from wizard.check.mend import answers_to_mend, for_others, mendable, message, to_mend


def offer(finding: Finding) -> Push | None:
    """Return the button that a finding's card has, if there is anything to offer."""
    if mendable(finding):
        tooltip = "Plan exactly what is missing, and look at it before anything is changed (f6)"
        return Push("Mend it", "screen.mend", id="offer", tooltip=tooltip)
    who = for_others(finding)
    if who:
        tooltip = f"A text for {who}: account, principal, action, resource, policy"
        return Push("Copy a message for them", f"screen.message({finding.id!r})", id="offer", tooltip=tooltip)
    return None


class MendingScreen(StepScreen):
    """A step that shows findings, and goes on to mending them."""

    BINDINGS = [  # noqa: RUF012 - Textual's own convention
        Binding("f6", "mend", "Mend it", show=False, id="mend.mend", tooltip="Have the wizard mend what it can"),
    ]

    @property
    def mends(self) -> bool:
        """Whether something fails that the wizard can mend."""
        report = self.known.report
        return report is not None and bool(to_mend(report.findings))

    def mend_button(self) -> Push:
        """Return the button for the row at the bottom."""
        tooltip = "Plan exactly what is missing; nothing is changed before you have seen it (f6)"
        return Push("Mend it", "screen.mend", id="mend", tooltip=tooltip)

    def action_mend(self) -> None:
        """Go to Review with what is missing: from here on an existing set-up is changed."""
        report = self.known.report
        if self.leaving or report is None or not any(mendable(f) for f in report.findings):
            return
        session = self.session
        session.set(answers_to_mend(f for f in report.findings if mendable(f)))
        session.locked = False
        ids = [step.id for step in session.steps]
        session.visited.update(ids[: ids.index("review") + 1])
        self.known.forget()
        self.wizard.go_to("review")

    def action_message(self, finding_id: str) -> None:
        """Copy a text for whoever can mend this finding."""
        from screens.clipboard import copy

        report = self.known.report
        found = next((f for f in report.findings if f.id == finding_id), None) if report else None
        if report is not None and found is not None:
            copy(self.wizard, message(report, found), "The message")
