"""Why AWS refuses something: the cause's word, a sentence, and who can mend it. From the simulator's answer and what is held."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from wizard.account.snapshot import Principal
from wizard.check.simulate import Verdict
from wizard.check.standing import Bearing, bearings, waits_for
from wizard.policy import documents
from wizard.policy.documents import Document, Statement
from wizard.policy.evaluate import Request, matches_action
from wizard.policy.fingerprint import Fingerprint, fingerprint
from wizard.remotion import names
from wizard.remotion.catalogue import PolicyKind, epochs, policy
from wizard.remotion.releases import Release
from wizard.text import listing, one_line

_ORGANISATION = "Only the administrator of your AWS organisation can change this."
_MEND = "Let the wizard add what is missing: remotion-lambda-wizard setup"
_LATER = "Wait a minute, then look again: remotion-lambda-wizard check"
_MOST_NAMED = 3
NOT_PROPAGATED = "not-propagated"


@dataclass(frozen=True)
class Cause:
    """A cause: its word in the JSON shape (scp, explicit-deny, …), a sentence, and who can mend it."""

    word: str
    sentence: str
    remedy: str


@dataclass(frozen=True)
class Reasoning:
    """What is known of a principal when AWS refuses it something. `kind` says which of Remotion's policies it should have.

    `read` reads the principal with all its policies; it is called for the first refusal, and not where there is none.
    """

    name: str
    read: Callable[[], Principal | None]
    kind: PolicyKind
    wanted: Document

    def cause(self, verdict: Verdict) -> Cause:
        """Return why the simulator answered with a refusal. What else is in the way is told behind the first cause."""
        first, *others = self._causes(verdict)
        more = "".join(f" Besides: {other.sentence}" for other in others)
        return replace(first, sentence=f"{first.sentence}{more}")

    def _causes(self, verdict: Verdict) -> Iterator[Cause]:
        """Yield everything that is in the way, what binds most first."""
        found = self._bearings(verdict)
        denies = [bearing for bearing in found if bearing.effect == "Deny" and bearing.holds]
        told = verdict.by_organization is False
        if told:
            yield Cause("scp", "A service control policy of your organisation does not allow it.", _ORGANISATION)
        unseen = verdict.decision == "explicitDeny" and not told and verdict.by_boundary is not False
        if denies or unseen:
            by = listing([str(deny) for deny in denies[:_MOST_NAMED]]) or listing([m for m in verdict.matched if m])
            text = f"A Deny statement in {by or 'a policy'} forbids it."
            yield Cause("explicit-deny", text, "Whoever wrote the Deny can change it.")
            told = True
        if verdict.by_boundary is False:
            boundary = self.principal.boundary if self.principal else ""
            text = f"The permissions boundary {boundary} does not allow it.".replace("  ", " ")
            yield Cause("permissions-boundary", text, "Whoever set the boundary can widen it.")
            told = True
        if not any(bearing.effect == "Allow" and bearing.holds for bearing in found):
            if not told or self._is_read_whole:
                yield self._not_allowed(verdict, found)
        elif not told:
            text = "Its policies allow it, but IAM does not say so yet: changes take effect after some seconds."
            yield Cause(NOT_PROPAGATED, text, _LATER)

    def _not_allowed(self, verdict: Verdict, found: list[Bearing]) -> Cause:
        """Why no statement of the principal's own policies allows it."""
        if self.principal is not None and not self._held and self._is_read_whole:
            return Cause("missing-statement", f"No statement allows it: {self.name} has no policy at all.", _MEND)
        conditional = next((bearing for bearing in found if bearing.effect == "Allow"), None)
        if conditional is not None:
            lacks = (
                "asks for a sign-in with MFA, which a key never has" if conditional.without_mfa else "does not apply"
            )
            return Cause("missing-statement", f"{conditional} would allow it, but {lacks}.", _MEND)
        installed = self._installed
        if installed is not None and installed.swapped:
            meant_for = "render role" if self.kind == "user" else "user"
            text = f"{self.name} has the policy that is meant for the {meant_for}."
            return Cause("swapped-policies", text, _MEND)
        if installed is not None and installed.since is not None:
            held = installed.sentence()
            text = f"{self.name} has {held[0].lower()}{held[1:]}"
            if not self._comes_in_a_policy_after(installed.since, verdict.action):
                return Cause("missing-statement", f"{text} It no longer has this action.", _MEND)
            return Cause("outdated-policy", f"{text} This action came later.", _MEND)
        elsewhere = next(self._elsewhere(verdict.action), "")
        if elsewhere:
            return Cause("wrong-resource", f"{elsewhere} names the action, but not this resource.", _MEND)
        if installed is not None and not installed.actions[0] and not self._held_names & names.SET_UP_POLICIES:
            text = f"No statement allows it: none of the policies of {self.name} is one of Remotion's."
            return Cause("missing-statement", text, _MEND)
        return Cause("missing-statement", f"No statement allows it.{self._where_it_belongs(verdict.action)}", _MEND)

    def depends_on(self, verdict: Verdict) -> str:
        """Say what of a real call decides, where the simulator could not know it; "" where its answer stands."""
        if not verdict.missing_context or verdict.by_organization is False or verdict.by_boundary is False:
            return ""
        if not self._is_read_whole:
            keys = listing(verdict.missing_context)
            return "" if verdict.allowed else f"A policy asks for {keys}, which only a real call has."
        waiting = waits_for(self._bearings(verdict))
        if waiting is None:
            return ""
        keys = listing(list(dict.fromkeys(waiting.open_keys)))
        verb = "forbids" if waiting.effect == "Deny" else "allows"
        return f"{waiting} {verb} it under a condition: it asks for {keys}, which only a real call has."

    @cached_property
    def principal(self) -> Principal | None:
        """The principal, read when it is first needed; None if it can't be read."""
        return self.read()

    @cached_property
    def _held(self) -> tuple[tuple[str, Document], ...]:
        return tuple(self.principal.documents()) if self.principal else ()

    @property
    def _held_names(self) -> frozenset[str]:
        return frozenset(name for name, _ in self._held)

    @cached_property
    def _is_read_whole(self) -> bool:
        """Whether every policy of the principal could be read."""
        if self.principal is None:
            return False
        facts = [*self.principal.inline.values(), *(a.document for a in self.principal.attached)]
        facts += [held.document for held in self.principal.group_policies]
        return all(fact.value is not None for fact in facts)

    @cached_property
    def _installed(self) -> Fingerprint | None:
        if self.principal is None or not self._held or not self.wanted:
            return None
        partition = self.principal.arn.split(":")[1]
        return fingerprint([document for _, document in self._held], self.wanted, self.kind, partition)

    def _bearings(self, verdict: Verdict) -> list[Bearing]:
        """The statements of the principal's own policies, as they are read, that bear on a question."""
        who = self.principal.arn if self.principal else ""
        context = {"aws:RequestedRegion": verdict.region} if verdict.region else {}
        if verdict.action.lower() == "iam:passrole":
            context["iam:PassedToService"] = names.LAMBDA_SERVICE
        return list(bearings(self._held, Request(verdict.action, verdict.resource, who, context=context)))

    def _comes_in_a_policy_after(self, release: Release, action: str) -> bool:
        """Whether a policy of Remotion's that is newer than a release's has an action, or what is wanted beyond all of them."""
        every = [(epoch.since, policy(self.kind, epoch.since)) for epoch in epochs()]
        having = [since for since, document in every if any(_names(s, action) for s in documents.statements(document))]
        return not having or any(since > release for since in having)

    def _elsewhere(self, action: str) -> Iterator[str]:
        """Statements that are about Remotion and name the action, for other resources: where they stand, and which."""
        for name, document in self._held:
            for index, statement in enumerate(documents.statements(document)):
                resources = documents.texts(statement, "Resource")
                about = name in names.SET_UP_POLICIES or any("remotion" in resource for resource in resources)
                if statement.get("Effect") == "Allow" and resources and about and _names(statement, action):
                    on = listing([one_line(resource, 100) for resource in resources[:_MOST_NAMED]])
                    which = documents.statement_name(str(statement.get("Sid") or ""), index)
                    yield f"{name} (statement {which}, for {on})"

    def _where_it_belongs(self, action: str) -> str:
        """Which statement of Remotion's policy has the action, and in which document it should be found."""
        whose = "user" if self.kind == "user" else "role"
        wanted = (s for s in documents.statements(self.wanted) if _names(s, action))
        sid = next((str(statement["Sid"]) for statement in wanted if statement.get("Sid")), "")
        belongs = f" In Remotion's {whose} policy it is in the statement {sid}." if sid else ""
        if self.principal is None:
            return belongs
        held = [name for name, _ in self._held]
        more = f" and {len(held) - _MOST_NAMED} more" if len(held) > _MOST_NAMED else ""
        return f"{belongs} {self.name} has {', '.join(held[:_MOST_NAMED])}{more}." if held else belongs


def _names(statement: Statement, action: str) -> bool:
    return any(matches_action(pattern, action) for pattern in documents.texts(statement, "Action"))
