"""Step "Credentials": where the access key goes, with a picture of the file as it will be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual.widget import Widget

from screens.form import FormScreen
from screens.step import PreviewScroll
from screens.widgets.words import Code, Rows, Words, text
from wizard.remotion import names
from wizard.secret import MASK
from wizard.text import one_line


class CredentialsScreen(FormScreen):
    """Where the access key goes."""

    preview_title = "What will be written"

    def compose_preview(self) -> Iterable[Widget]:
        yield PreviewScroll(
            Words(id="file-one", classes="file"),
            Code(id="lines-one", classes="file-lines"),
            Words(id="file-two", classes="file"),
            Code(id="lines-two", classes="file-lines"),
            Rows(id="promises"),
        )

    def entered(self) -> None:
        self._renew()

    def answer_changed(self, _key: str, _value: Any) -> None:
        self._renew()

    def _renew(self) -> None:
        answers = self.session.answers
        write, env = answers["credentials.write"], one_line(answers.text("credentials.path"), 60)
        profile = one_line(answers.text("credentials.profile"), 60)
        key = f"{names.ACCESS_KEY_ID}=AKIA…\n{names.SECRET_ACCESS_KEY}={MASK}"
        files: list[tuple[str, str]] = []
        if write == "env-file":
            files = [(env, key)]
        elif write == "aws-profile":
            section = f"[{profile}]\naws_access_key_id = AKIA…\naws_secret_access_key = {MASK}"
            files = [("~/.aws/credentials", section), (env, f"{names.PROFILE}={profile}")]
        for place, (title, lines) in zip(("one", "two"), [*files, ("", ""), ("", "")], strict=False):
            self.query_one(f"#file-{place}", Words).update(text((title, "bold")))
            self.query_one(f"#lines-{place}", Code).show(lines)
            self.query_one(f"#file-{place}").display = bool(title)
            self.query_one(f"#lines-{place}").display = bool(title)
        self.query_one("#promises", Rows).show(self._promises(str(write), bool(answers["credentials.gitignore"]), env))

    def _promises(self, write: str, ignore: bool, env: str) -> list[tuple[Any, Any]]:
        tick = text(("✓", "bold $text-success"))
        if write == "none":
            return [
                (tick, "No access key is made, no file is written."),
                (text(("i", "bold $text-primary")), "Your code then needs credentials of its own, such as a role."),
            ]
        rows: list[tuple[Any, Any]] = [
            (tick, "Readable by you only (mode 0600)."),
            (tick, "Other lines and comments of the file stay as they are."),
            (tick, "A key that is there and works is kept; no second one is made."),
        ]
        if ignore:
            rows.append((tick, f"git will not see {env}: .gitignore is extended where it must be."))
        else:
            rows.append((text(("!", "bold $text-warning")), f"Make sure that {env} never gets into git."))
        return rows
