"""Step "Project": the project's folder, its release of Remotion, and the regions."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import Any

from textual.containers import Vertical
from textual.widget import Widget

from screens.background import off_thread
from screens.form import FormScreen
from screens.step import PreviewScroll
from screens.widgets.notes import Busy, Note
from screens.widgets.words import Rows, Words, text
from wizard.collect.fields import FIELDS
from wizard.remotion.catalogue import is_newer_than_catalogue, latest_release
from wizard.remotion.from_project import can_read
from wizard.remotion.project import Project
from wizard.remotion.regions import OPT_IN, PLACES, partition_of
from wizard.remotion.releases import Release, parse_release
from wizard.text import one_line

_PAUSE = 0.3  # seconds without a key before the folder is looked at


class ProjectScreen(FormScreen):
    """The project. The folder is looked at while it is typed."""

    preview_title = "What the wizard sees"

    def compose_preview(self) -> Iterable[Widget]:
        yield PreviewScroll(
            Vertical(id="seen"), Words(text(("Regions", "bold $primary")), classes="subtitle"), Rows(id="places")
        )

    def compose_below(self) -> Iterable[Widget]:
        yield Vertical(id="detected")

    def entered(self) -> None:
        self._show_regions()
        self._look(0)

    def answer_changed(self, key: str, _value: Any) -> None:
        if key == "remotion.regions":
            self._show_regions()
        elif key == "remotion.project":
            self._look(_PAUSE)
        else:
            self._look(0)

    def _look(self, pause: float) -> None:
        self.work(partial(self._detect, pause), "detect")

    async def _detect(self, pause: float) -> None:
        if pause:
            await asyncio.sleep(pause)
        folder = self.session.answers.text("remotion.project")
        if FIELDS["remotion.project"].problem(folder):
            await self._show([Note("Name a folder first.", "info")])
            return
        if self.known.project_folder != folder:
            await self._show([Busy("Looking into the folder…")])
        try:
            project = await self.wizard.detect()
        except (OSError, ValueError) as error:
            await self._show([Note(f"This folder can't be read: {one_line(str(error))}", "warning")])
            return
        release = self._release(project)
        if release is not None and is_newer_than_catalogue(release):
            where = self.wizard.engine.project_folder(folder)
            self._obstacle = await off_thread(lambda: can_read(where))
        await self._show(self._notes(project))

    _obstacle = ""  # why the project's own Remotion can't print its policies, where that would help

    def _release(self, project: Project) -> Release | None:
        chosen = self.session.answers.text("remotion.version")
        return parse_release(project.release if chosen == "auto" else chosen)

    async def _show(self, notes: list[Widget]) -> None:
        area, seen = self.query_one("#detected", Vertical), self.query_one("#seen", Vertical)
        target, other = (seen, area) if self.has_class("-wide") else (area, seen)
        await other.remove_children()
        await target.remove_children()
        await target.mount(*notes)

    def _notes(self, project: Project) -> list[Widget]:
        chosen = self.session.answers.text("remotion.version")
        found: list[Widget] = []
        if project.release:
            found.append(
                Note(
                    text(
                        ("Remotion ", ""),
                        (one_line(project.release, 40), "bold"),
                        f", read from {one_line(project.source)}",
                    ),
                    "good",
                )
            )
        elif project.uses_remotion:
            found.append(
                Note(
                    "The project uses Remotion, but its release can't be told. Install it, or name the release.",
                    "warning",
                )
            )
        elif project.is_node_project:
            found.append(Note("There is a package.json here, but no Remotion in it.", "warning"))
        else:
            found.append(Note("There is no package.json in this folder.", "warning"))
        if chosen == "auto" and not project.release:
            found.append(
                Note(
                    f"With auto, the policies of {latest_release()} are used, the newest release this wizard knows.",
                    "info",
                )
            )
        release = self._release(project)
        if release is not None and is_newer_than_catalogue(release):
            found.append(self._newer(release))
        if chosen != "auto" and project.release and chosen != project.release:
            found.append(
                Note(f"You named {one_line(chosen, 40)}; the project has {one_line(project.release, 40)}.", "info")
            )
        found += [Note(one_line(note), "info") for note in project.notes]
        found.append(Rows([("Folder", one_line(str(project.folder), 300))]))
        return found

    def _newer(self, release: Release) -> Note:
        """Say what there is for a release that the catalogue does not know yet."""
        newer = f"Remotion {release} is newer than this wizard, which knows the policies up to {latest_release()}."
        from_project = self.session.answers.text("remotion.policies") == "project"
        if self._obstacle:
            why = f" The project's own Remotion can't print its policies here: {self._obstacle}"
            return Note(newer + why, "warning" if from_project else "info")
        if from_project:
            return Note(f"{newer} The project's own Remotion will print its policies.", "good")
        return Note(f"{newer} Under “More”, you can have the project's own Remotion print its policies.", "info")

    def _show_regions(self) -> None:
        regions = self.session.answers["remotion.regions"]
        rows: list[tuple[Any, Any]] = []
        for region in regions if isinstance(regions, list) else []:
            aside = "  you must enable it in the AWS console first" if region in OPT_IN else ""
            rows.append((text((region, "bold")), text(PLACES.get(region, ""), (aside, "$text-warning"))))
        wrong = FIELDS["remotion.regions"].problem(regions)
        if not wrong and len({partition_of(r) for r in regions}) == 1 and partition_of(regions[0]) != "aws":
            rows.append(("partition", partition_of(regions[0])))
        self.query_one("#places", Rows).show(rows or [("none", "")])
