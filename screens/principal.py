"""Step "Principal": the IAM user that Remotion signs in as."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual.widget import Widget

from screens.form import FormScreen
from screens.step import PreviewScroll
from screens.widgets.words import Code, Rows, Words, text
from wizard.collect.fields import FIELDS
from wizard.remotion import names
from wizard.text import one_line


class PrincipalScreen(FormScreen):
    """The user, with a picture of how it goes together with the render role."""

    preview_title = "Who does what"

    def compose_preview(self) -> Iterable[Widget]:
        yield PreviewScroll(
            Rows(self._who(), column=3, id="who"),
            Words(text(("The same with the AWS CLI", "bold $primary")), classes="subtitle"),
            Code(self._command(), id="command"),
        )

    def _user_name(self) -> str:
        answers = self.session.answers
        wrong = FIELDS["principal.name"].problem(answers["principal.name"])
        return names.USER if wrong else answers.text("principal.name")

    def _who(self) -> list[tuple[Any, Any]]:
        return [
            (text(("●", "$primary")), text(("your code, or Remotion's CLI", "bold"))),
            (text(("│", "$quiet")), text(("signs in with the access key of", "$quiet"))),
            (text(("▼", "$quiet")), ""),
            (text(("●", "$primary")), text((self._user_name(), "bold"), ("  IAM user", "$quiet"))),
            (text(("│", "$quiet")), text(("may deploy, start and watch renders", "$quiet"))),
            (text(("▼", "$quiet")), ""),
            (text(("●", "$primary")), text(("remotion-render-…", "bold"), ("  Lambda function", "$quiet"))),
            (text(("│", "$quiet")), text(("works with", "$quiet"))),
            (text(("▼", "$quiet")), ""),
            (text(("●", "$primary")), text((names.RENDER_ROLE, "bold"), ("  IAM role", "$quiet"))),
            (text((" ", "$quiet")), text(("may write videos to Remotion's own buckets", "$quiet"))),
        ]

    def _command(self) -> str:
        answers = self.session.answers
        path = answers.text("principal.path")
        lines = ["aws iam create-user", f"  --user-name {self._user_name()}"]
        if path != "/" and not FIELDS["principal.path"].problem(path):
            lines.append(f"  --path {one_line(path, 80)}")
        tags = answers["principal.tags"]
        if isinstance(tags, dict):
            pairs = {names.CREATED_BY_TAG["Key"]: names.CREATED_BY_TAG["Value"], **tags}
            lines.append(
                "  --tags " + " ".join(f"Key={one_line(k, 60)},Value={one_line(v, 60)}" for k, v in pairs.items())
            )
        return " \\\n".join(lines)

    def answer_changed(self, _key: str, _value: Any) -> None:
        self.query_one("#who", Rows).show(self._who())
        self.query_one("#command", Code).show(self._command())
