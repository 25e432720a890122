"""Step "Output bucket": picking one, what is to be known about it, what is granted and why, what its owner has to add."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final

from textual import on
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget

from screens.background import off_thread, problem_of
from screens.form import FormScreen
from screens.step import Keys, PreviewScroll
from screens.widgets.card import Card, Sign, headed
from screens.widgets.field import Control, FieldView
from screens.widgets.notes import Busy, Note, ProblemBox
from screens.widgets.picker import Picker, Row, Source
from screens.widgets.policy import Actions
from screens.widgets.section import Section
from screens.widgets.words import Code, Rows, Words, hanging, text
from wizard.account.roles import Listing
from wizard.check.findings import SYMBOLS, WORDS, Finding, Status, words
from wizard.collect.meaning import output_buckets
from wizard.collect.steps import Question
from wizard.output.facts import BucketFacts
from wizard.output.grant import Granted
from wizard.output.names import LONGEST, SHORTEST
from wizard.plan.output_preview import BucketPreview, bucket_preview
from wizard.plan.preview import release_of
from wizard.policy import documents
from wizard.problem import Problem
from wizard.remotion import names
from wizard.remotion.catalogue import StatementReason
from wizard.text import count, listing, one_line

STYLES: Final = {
    Status.PASS: "bold $text-success",
    Status.FAIL: "bold $text-error",
    Status.WARN: "bold $text-warning",
    Status.UNKNOWN: "bold $text-primary",
}
_COLUMN: Final = 17  # cells for sign and word, where the card is wide
_WORST_FIRST: Final = (Status.FAIL, Status.WARN, Status.UNKNOWN)
_READ_AGAIN: Final = {"output_bucket.name", "output_bucket.more", "output_bucket.kms_key"}
_EXAMPLES: Final = {
    "output_bucket.prefix": "the whole bucket",
    "output_bucket.more": "none",
    "output_bucket.kms_key": "none, or read from the bucket",
}


@dataclass(frozen=True, slots=True)
class BucketRow:
    """A bucket of the account, as a picker's entry."""

    name: str
    region: str
    partition: str
    locked: str = ""

    @property
    def arn(self) -> str:
        return f"arn:{self.partition}:s3:::{self.name}"

    @property
    def searched(self) -> str:
        """The text that is searched, in lower case."""
        return f"{self.name}\n{self.region}"

    @property
    def is_remotions(self) -> bool:
        """Whether Remotion itself made it."""
        return self.name.startswith(names.BUCKET_PREFIX)


class BucketPicker(Picker):
    """Picks a bucket of the account; another account's is typed. Nothing is read until somebody types or opens it."""

    nouns = ("bucket", "buckets")
    by_hand = "Type the name"
    free: ClassVar[bool] = True
    placeholder = "none   ↓ lists yours, or type a name"

    def __init__(self, value: str, source: Source, regions: tuple[str, ...]) -> None:
        super().__init__(value, source)
        self._regions = regions

    def suits(self, entry: BucketRow) -> bool:
        return not entry.is_remotions and entry.region in {"", *self._regions}

    def row(self, entry: BucketRow) -> Row:
        return entry.name, "Remotion's own" if entry.is_remotions else "", entry.region

    def about(self, entry: BucketRow) -> Content:
        if entry.region and entry.region not in self._regions:
            where = f"You render in {listing(list(self._regions))}, and uploads go to the function's own region only."
            return text(("! ", "bold $text-warning"), (f"It is in {entry.region}. {where}", "$text-warning"))
        if entry.is_remotions:
            return text(("It is one of Remotion's own, which need no output bucket.", "$quiet"))
        return text((f"in {entry.region}" if entry.region else "", "$quiet"))

    def wrong(self) -> str:
        """Nothing: a bucket that is not in the list may be another account's."""
        return ""


class BucketCard(Card):
    """A finding about a bucket: how bad it is, what it is, why, and what to do."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(classes=f"-{finding.status.value}")
        self.finding = finding

    def lines(self, width: int) -> list[Content]:
        finding = self.finding
        title = text((one_line(finding.title, 300), "bold"))
        found, column = headed(_sign(finding.status), title, _COLUMN, width)
        inside = " " * column
        if finding.detail:
            found += hanging(inside, text((one_line(finding.detail, 2000), "$quiet")), column, width)
        if finding.remedy:
            found += hanging(text(inside, ("→ ", "bold $primary")), one_line(finding.remedy, 2000), column + 2, width)
        return found


def _sign(status: Status) -> Sign:
    return SYMBOLS[status], WORDS[status], STYLES[status]


class OutputBucketScreen(FormScreen):
    """The output bucket. Without one, enter goes on and nothing is read."""

    preview_title = "What is granted, and why"
    BINDINGS = [  # noqa: RUF012 - Textual's own convention
        Binding("f5", "read_again", "Read again", show=False, id="bucket.again", tooltip="Read the buckets again"),
        Binding(
            "f7", "copy", "Copy", show=False, id="bucket.copy", tooltip="Copy what is to be handed on, or the policy"
        ),
        Binding("f8", "save", "Save", show=False, id="bucket.save", tooltip="Save what the bucket's owner has to add"),
    ]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._shown: tuple[Finding, ...] | None = None  # the findings that are on screen
        self._granted: list[BucketPreview] | None = None  # what the pane shows
        self._pointed_at: set[str] = set()  # findings that were pointed at on the way to the next step
        self._failed: Problem | None = None
        self._signing_in = asyncio.Lock()
        self._drawing = asyncio.Lock()

    def compose_body(self) -> Iterable[Widget]:
        for at, widget in enumerate(super().compose_body()):
            yield widget
            if not at:
                yield Vertical(id="bucket-state")

    def compose_below(self) -> Iterable[Widget]:
        yield Vertical(id="bucket-findings")

    def compose_preview(self) -> Iterable[Widget]:
        yield PreviewScroll(Vertical(id="bucket-grant"))

    def placeholder(self, question: Question) -> str:
        return _EXAMPLES.get(question.key, "")

    def own_keys(self) -> Keys:
        if not self._buckets():
            return []
        keys: Keys = [("f5", "read again", "screen.read_again")]
        if any(self._other_sides()):
            return [*keys, ("f7", "copy for its owner", "screen.copy"), ("f8", "save", "screen.save")]
        return [*keys, ("f7", "copy policy", "screen.copy")]

    # Picking

    def control_for(self, question: Question) -> Control:
        if question.dynamic != "buckets":
            return super().control_for(question)
        answers = self.session.answers
        return BucketPicker(answers.text(question.key), self._listing, answers.texts("remotion.regions"))

    async def _listing(self) -> Listing[Any]:
        """Return the account's buckets, which are listed once in a run."""
        identity = await self._sign_in()
        key = ("buckets", "", identity.account, self.known.profile)
        found = self.known.listings.get(key)
        if found is None or found.problem is not None:
            found = self.known.listings[key] = Listing(partial(self._pages, identity.partition))
        return found

    def _pages(self, partition: str) -> Iterator[tuple[BucketRow, ...]]:
        yield tuple(BucketRow(b.name, b.region, partition) for b in self.wizard.engine.output_buckets())

    async def _sign_in(self) -> Any:
        async with self._signing_in:
            return await self.wizard.connect()

    @on(Picker.Listed)
    def _listed(self) -> None:
        self._read_what_was_picked()

    # Reading

    def _buckets(self) -> tuple[str, ...]:
        """The buckets that can be read: those whose names are right."""
        answers = self.session.answers
        asked = () if answers.problem("output_bucket.name") else output_buckets(answers)
        return asked if not answers.problem("output_bucket.more") else asked[:1]

    def _key(self, bucket: str) -> tuple[str, ...]:
        answers = self.session.answers
        return bucket, answers.text("identity.profile"), answers.text("output_bucket.kms_key")

    def _facts(self, bucket: str) -> BucketFacts | None:
        return self.known.buckets.get(self._key(bucket))

    def entered(self) -> None:
        self._read()

    def action_read_again(self) -> None:
        self.known.buckets.clear()
        self.known.listings.clear()
        for picker in self.query(BucketPicker):
            if picker.opened:
                picker.start(anew=True)
        self._read()

    @on(FieldView.Left)
    @on(FieldView.Confirmed)
    def _settled(self, event: FieldView.Left | FieldView.Confirmed) -> None:
        """What was typed stands: only now is it read."""
        if event.view.key in _READ_AGAIN and any(self._facts(b) is None for b in self._buckets()):
            self._read()

    def _read_what_was_picked(self) -> None:
        for picker in self.query(BucketPicker):
            if picker.answer and not picker.opened and picker.entry is not None:
                self._read()

    def _read(self) -> None:
        self.work(self._look, "look")

    async def _look(self) -> None:
        """Read what is not known yet of the buckets, one after the other."""
        self._failed = None
        if self.known.project is None:
            await self.wizard.detect()
        missing = [b for b in self._buckets() if self._facts(b) is None]
        if missing:
            await self.fill("#bucket-state", busy := Busy("Signing in…"))
            await self._show_findings(())
        try:
            for bucket in missing:
                await self._sign_in()
                busy.say(f"Reading {one_line(bucket, LONGEST)}…")
                key, answers = self._key(bucket), self.session.answers
                self.known.buckets[key] = await off_thread(partial(self.wizard.engine.bucket_facts, answers, bucket))
        except Exception as error:
            self._failed = problem_of(error)
        if missing:
            await self.renew_frame()
        await self._renew()

    # What was found

    def answer_changed(self, key: str, _value: Any) -> None:
        self._failed = None
        if key == "output_bucket.name":
            self._say_at_once()
            self._read_what_was_picked()
        self.work(self._renew, "renew")

    def _say_at_once(self) -> None:
        """Mark a name that no further letter can make right, while it is being typed."""
        view = self.field("output_bucket.name")
        if view is None:
            return
        typed = self.session.answers.text(view.key)
        longer = typed.ljust(SHORTEST, "0") if typed[-1:] not in {"-", "."} else f"{typed}00"
        wrong = self.problem(view) if len(typed) >= LONGEST else view.question.field.problem(longer)
        if typed and wrong:
            view.show_error(wrong)
            self._count_wrong()

    def _previews(self) -> list[BucketPreview]:
        answers = self.session.answers
        release, _ = release_of(answers, self.known.release)
        snapshot = self.known.snapshot_for(answers)
        return [
            bucket_preview(answers, bucket, release, self.known.identity, self._facts(bucket), snapshot)
            for bucket in self._buckets()
        ]

    def _other_sides(self) -> list[str]:
        return [preview.other.text for preview in self._granted or () if preview.other]

    async def _renew(self) -> None:
        """Bring state, findings, pane and keys up to date with the answers and with what is known."""
        async with self._drawing:
            await self._draw()

    async def _draw(self) -> None:
        previews = self._previews()
        if not self.query("#bucket-state Busy") or all(self._facts(p.bucket) for p in previews) or self._failed:
            await self.fill("#bucket-state", *self._state(previews))
        await self._show_findings(tuple(finding for p in previews for finding in p.findings))
        if previews != self._granted:
            self._granted = previews
            async with self.batch():
                await self.fill("#bucket-grant", *_pane(previews))
            await self.renew_frame()

    def _state(self, previews: list[BucketPreview]) -> list[Widget]:
        if self._failed is not None:
            again = "f5 tries again. You can go on without: it is read once more at the review."
            return [ProblemBox(self._failed), Note(again, "info")]
        if not previews:
            return []
        if any(self._facts(p.bucket) is None for p in previews):
            return [Note(text(("Enter reads what is to be known about it.", "$quiet")), "info")]
        counts = Counter(f.status for p in previews for f in p.findings)
        parts: list[Any] = []
        for status in (*_WORST_FIRST, Status.PASS):
            if counts[status]:
                parts += [
                    (f"{SYMBOLS[status]} ", STYLES[status]),
                    f"{counts[status]} {words(status, counts[status])}   ",
                ]
        if any(counts[status] for status in _WORST_FIRST):
            parts.append(("↓ read them below", "$quiet"))
        return [Words(text(*parts).rstrip())]

    async def _show_findings(self, findings: tuple[Finding, ...]) -> None:
        if findings != self._shown:
            self._shown = findings
            await self.fill("#bucket-findings", *_cards(findings))

    # Going on

    def action_next(self) -> None:
        """Go on; what will fail is pointed at once, so that nobody overlooks it."""
        failing = [c for c in self.query(BucketCard) if c.finding.status is Status.FAIL]
        new = [card for card in failing if card.finding.id not in self._pointed_at]
        if new and not self.wrong_fields():
            self._pointed_at |= {card.finding.id for card in failing}
            self.set_focus(new[0])
            self._count_wrong()
        else:
            super().action_next()

    def _count_wrong(self) -> None:
        """Beside the buttons stands what has to be mended; at what will fail, that it stops nobody."""
        super()._count_wrong()
        pointed_at = isinstance(self.focused, BucketCard) and self.focused.finding.id in self._pointed_at
        if pointed_at and not any(view.error for view in self.fields()):
            self.hint("✗ Uploads will fail. enter goes on all the same.", "$text-error")

    def action_copy(self) -> None:
        from screens.clipboard import copy

        asked = self._other_sides()
        if asked:
            copy(self.wizard, "\n\n".join(asked), "What the bucket's owner has to add")
        elif self._granted:
            copy(self.wizard, documents.pretty(self._granted[0].upload.document), "The policy")

    def action_save(self) -> None:
        from screens.dialogs.save import SaveDialog, Saving

        asked = self._other_sides()
        if asked:
            saving = Saving(
                "Save what the bucket's owner has to add",
                "A text with the statements for the bucket policy, and for its key's where there is one:",
                "hand it to whoever manages the bucket",
                "remotion-bucket-owner.txt",
                lambda: "\n\n".join(asked) + "\n",
            )
            self.app.push_screen(SaveDialog(saving))


# What was found


def _cards(findings: tuple[Finding, ...]) -> Iterator[Widget]:
    """Yield a card for each finding that is worth reading, the worst first; below them what is well."""
    subjects = list(dict.fromkeys(f.subject for f in findings))
    for subject in subjects:
        about = [f for f in findings if f.subject == subject]
        yield Words(text((one_line(subject[:1].upper() + subject[1:], 90), "bold $primary")), classes="group")
        worse = [f for status in _WORST_FIRST for f in about if f.status is status]
        yield from (BucketCard(finding) for finding in worse)
        well = [f for f in about if f.status is Status.PASS]
        if well:
            title = text(("✓ ", STYLES[Status.PASS]), (f"{len(well)} {words(Status.PASS, len(well))}", "bold"))
            yield Section(title, partial(_well, well), opened=not worse)


def _well(findings: list[Finding]) -> list[Widget]:
    rows = [
        (text(("✓", STYLES[Status.PASS])), text(f"{one_line(f.title, 200)}  ", (one_line(f.detail, 400), "$quiet")))
        for f in findings
    ]
    return [Rows(rows, column=2)]


# The pane


def _pane(previews: list[BucketPreview]) -> Iterator[Widget]:
    if not previews:
        yield Note(text(("No output bucket.", "bold"), " Nothing is granted."), "good")
        yield Words(
            "Videos stay in Remotion's own bucket, where Remotion's policies allow everything already. That is what most "
            "projects do.",
            classes="reason",
        )
        yield Words(
            text("You need one only if you render with ", ("outName: {bucketName: …}", "$text-accent"), "."),
            classes="reason",
        )
        return
    preview = previews[0]
    for one in previews:
        if one.other is not None:
            yield from _other_side(one)
    yield from _grant(f"{preview.role} uploads", preview.upload)
    if preview.read is not None:
        yield from _grant(f"{one_line(preview.caller, 64) or 'The caller'} reads", preview.read)
    if preview.notes:
        yield Words(text(("Worth knowing", "bold $primary")), classes="group")
        yield from (Note(note, "warning") for note in preview.notes)
    if len(previews) > 1:
        further = listing([one_line(p.bucket, LONGEST) for p in previews[1:]])
        yield Note(text("The same for ", (further, "$text-accent"), "."), "info")


def _grant(title: str, granted: Granted) -> Iterator[Widget]:
    yield Words(text((title, "bold $primary")), classes="group")
    for reason in granted.reasons:
        aside = count(len(reason.actions), "action")
        yield Section(text((reason.title, "bold")), partial(_statement, reason), aside=aside, opened=True)
    document = documents.pretty(granted.document)
    yield Section(text(("The whole policy", "bold")), lambda: [Code(document, "json")])


def _statement(reason: StatementReason) -> list[Widget]:
    """On what, and for each action what it is for and what does not work without it."""
    rows = [
        (text((action, "bold")), text(why, f"\nIf it is missing: {cost}." if cost else ""))
        for action, why, cost in reason.actions
    ]
    on_what = text(("on ", "$quiet"), ("\n   ".join(one_line(r) for r in reason.resources), "$text-accent"))
    return [Words(on_what, classes="on-what"), Actions(rows)]


def _other_side(preview: BucketPreview) -> Iterator[Widget]:
    """What the bucket's owner has to add."""
    if preview.other is None:
        return
    yield Words(text(("For the bucket's owner", "bold $primary")), classes="group")
    yield Words(
        text(
            "The other account has to add this; nobody can from here. ",
            ("f7", "bold $primary"),
            " copies it, ",
            ("f8", "bold $primary"),
            " saves it.",
        ),
        classes="reason",
    )
    policy = documents.pretty({"Statement": list(preview.other.bucket_policy)})
    title = f"Bucket policy of {one_line(preview.bucket, LONGEST)}"
    yield Section(text((title, "bold")), lambda: [Code(policy, "json")], opened=True)
    if preview.other.key_policy:
        key = documents.pretty({"Statement": list(preview.other.key_policy)})
        yield Section(text(("Key policy of its KMS key", "bold")), lambda: [Code(key, "json")], opened=True)
