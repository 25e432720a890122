"""Step "Principal": who calls Remotion, an IAM user with an access key or the role of a compute service."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from textual import on
from textual.binding import Binding
from textual.widget import Widget

from screens.background import off_thread
from screens.form import FormScreen
from screens.step import Keys, PreviewScroll
from screens.widgets.field import Control, FieldView
from screens.widgets.picker import FunctionPicker, Picker, RolePicker
from screens.widgets.words import Code, Rows, Words, text
from wizard.account.roles import SERVICES, Listing, left_over
from wizard.collect.fields import FIELDS, role_problem
from wizard.collect.meaning import is_made, is_role, render_role, role_reference
from wizard.collect.steps import Question
from wizard.remotion import names
from wizard.text import one_line


class PrincipalScreen(FormScreen):
    """The user or role, with a picture of how it goes together with the render role."""

    preview_title = "Who does what"
    BINDINGS = [  # noqa: RUF012 - Textual's own convention
        Binding(
            "f5", "retry", "Read again", show=False, id="principal.retry", tooltip="Read roles and functions again"
        ),
    ]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._set_aside: dict[str, str] = {}  # answers that another one made void, in case that one is taken back
        self._signing_in = asyncio.Lock()

    # Picking

    def control_for(self, question: Question) -> Control:
        value = self.session.answers.text(question.key)
        if question.dynamic == "roles":
            return RolePicker(value, self._roles, partial(self._service_of, question.key))
        if question.dynamic == "functions":
            return FunctionPicker(value, self._functions, self._region)
        return super().control_for(question)

    def _service_of(self, key: str) -> str:
        """In which service the code runs that has a role: with EC2 and STS the instance's role is taken by EC2."""
        answers = self.session.answers
        if key == "principal.assumed_by":
            return "ec2"
        return "any" if answers.text("principal.assumed_by") else answers.text("principal.service")

    def _region(self) -> str:
        return next(iter(self.session.answers.texts("remotion.regions")), "")

    async def _roles(self) -> Listing[Any]:
        return await self._listing("roles", "", self.wizard.engine.role_pages)

    async def _functions(self) -> Listing[Any]:
        region = self._region()
        return await self._listing("functions", region, partial(self.wizard.engine.function_pages, region))

    async def _listing(self, what: str, region: str, pages: Callable[[], Iterator[Any]]) -> Listing[Any]:
        """Return what was read of a list in this run, to be read on; of the account that is signed in to."""
        async with self._signing_in:
            identity = await self.wizard.connect()
        key = (what, region, identity.account, self.known.profile)
        found = self.known.listings.get(key)
        if found is None or found.problem is not None:
            found = self.known.listings[key] = Listing(pages)
        return found

    def _pickers(self) -> Iterator[Picker]:
        return (view.control for view in self.fields() if isinstance(view.control, Picker))

    def on_mount(self) -> None:
        """Begin to read what can be picked while the first frame is made, the first page also where a user is chosen."""
        super().on_mount()
        for picker in self._pickers():
            picker.start()
        if self.known.identity is not None and not is_role(self.session.answers):
            self.work(self._look_ahead, "ahead")

    async def _look_ahead(self) -> None:
        roles = await self._roles()
        await off_thread(partial(roles.more, 0))

    def own_keys(self) -> Keys:
        return [("f5", "read again", "screen.retry")] if is_role(self.session.answers) else []

    def action_retry(self) -> None:
        self.known.listings.clear()
        for picker in self._pickers():
            picker.start(anew=True)

    def problem(self, view: FieldView) -> str:
        wrong = super().problem(view)
        if wrong or not isinstance(view.control, Picker):
            return wrong
        is_to_be_made = view.key == "principal.name" and is_made(self.session.answers) and view.control.entry is None
        return "" if is_to_be_made else view.control.wrong()

    def show_asked(self, changed: str) -> None:
        """Take back what became void, and bring back what is wanted again, before the questions are shown."""
        void = left_over(self.session.answers)
        self._set_aside |= {key: self.session.answers.text(key) for key in void}
        self.session.set(void)
        if is_role(self.session.answers) and changed in {"principal.kind", "principal.service", "principal.function"}:
            for key, value in list(self._set_aside.items()):
                with_it = self.session.answers.with_values({key: value}, "you")
                if key != changed and not self.session.answers[key] and not left_over(with_it):
                    self.session.set({key: self._set_aside.pop(key)})
        super().show_asked(changed)

    def answer_changed(self, key: str, _value: Any) -> None:
        self._renew_preview()
        if key == "principal.kind":
            self.work(self.renew_frame, "frame")
        if key in {"principal.kind", "principal.service", "principal.assumed_by", "principal.function"}:
            for picker in self._pickers():
                picker.start()
                picker.renew()

    @on(Picker.Listed)
    def _listed(self) -> None:
        self._renew_preview()

    # The picture

    def compose_preview(self) -> Iterable[Widget]:
        yield PreviewScroll(
            Rows(self._who(), column=3, id="who"),
            Words(text(("The same with the AWS CLI", "bold $primary")), classes="subtitle"),
            Code(self._command(), id="command"),
        )

    def _renew_preview(self) -> None:
        self.query_one("#who", Rows).show(self._who())
        self.query_one("#command", Code).show(self._command())

    def _who(self) -> list[tuple[Any, Any]]:
        chain = self._role_chain() if is_role(self.session.answers) else self._user_chain()
        chain += [
            ("remotion-render-…", "  Lambda function", "works with"),
            (render_role(self.session.answers).name, "  IAM role", "may write videos to Remotion's own buckets"),
        ]
        rows: list[tuple[Any, Any]] = []
        for who, what, does in chain:
            last = len(rows) == 3 * (len(chain) - 1)
            rows.append((text(("●", "$primary")), text((who, "bold"), (what, "$quiet"))))
            rows.append((text((" " if last else "│", "$quiet")), text((does, "$quiet"))))
            if not last:
                rows.append((text(("▼", "$quiet")), ""))
        return rows

    def _user_chain(self) -> list[tuple[str, str, str]]:
        return [
            ("your code, or Remotion's CLI", "", "signs in with the access key of"),
            (self._user_name(), "  IAM user", "may deploy, start and watch renders"),
        ]

    def _role_chain(self) -> list[tuple[str, str, str]]:
        answers = self.session.answers
        service, function, taker = (answers.text(f"principal.{key}") for key in ("service", "function", "assumed_by"))
        may = "may then deploy, start and watch renders"
        if function:
            first = (
                one_line(function.rpartition(":function:")[2], 70),
                "  your Lambda function",
                "runs, without an access key, with",
            )
            return [first, (self._role_of(function) or "its execution role", "  IAM role", may)]
        label = SERVICES[service][1] if service in SERVICES else "an AWS service"
        where = (f"your code in {label}", "", "runs, without an access key, with")
        role = (_shown(answers.text("principal.name")) or "the role you pick", "  IAM role", may)
        if taker:
            return [where, (_shown(taker), "  the instance's IAM role", "takes, for its calls to Remotion,"), role]
        return [where, role]

    def _role_of(self, function: str) -> str:
        """The role of the function that was picked; "" while it is not known."""
        for picker in self._pickers():
            if isinstance(picker, FunctionPicker) and picker.entry is not None and picker.answer == function:
                return one_line(picker.entry.role_name, 70)
        return ""

    def _user_name(self) -> str:
        answers = self.session.answers
        wrong = FIELDS["principal.name"].problem(answers["principal.name"])
        return names.USER if wrong else answers.text("principal.name")

    def _command(self) -> str:
        if is_role(self.session.answers):
            return self._role_command()
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

    def _role_command(self) -> str:
        """The role's permissions are written at the end; here it is looked at."""
        answers = self.session.answers
        function = answers.text("principal.function")
        if function and not FIELDS["principal.function"].problem(function):
            lines = ["aws lambda get-function-configuration", f"  --function-name {function}", "  --query Role"]
            return " \\\n".join(lines if function.startswith("arn:") else [*lines, f"  --region {self._region()}"])
        return f"aws iam get-role \\\n  --role-name {_shown(answers.text('principal.name')) or '…'}"


def _shown(role: str) -> str:
    """The name of a role; "" while words are typed to search for one."""
    return "" if role_problem(role) else one_line(role_reference(role).name, 70)
