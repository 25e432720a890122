"""Why AWS refuses something: the cause's word, a sentence, and who can mend it. From the simulator's answer and what is held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from wizard.account.snapshot import Principal
from wizard.check.simulate import Verdict
from wizard.policy import documents
from wizard.policy.documents import Document
from wizard.policy.evaluate import Decision, Policy, PolicySet, Request, evaluate
from wizard.policy.fingerprint import Fingerprint, fingerprint
from wizard.remotion import names
from wizard.remotion.catalogue import PolicyKind
from wizard.text import listing

_ORGANISATION = "Only the administrator of your AWS organisation can change this."
_MEND = "Let the wizard add what is missing: remotion-lambda-wizard setup"
_LATER = "Wait a minute, then look again: remotion-lambda-wizard check"
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
        """Return why the simulator answered with a refusal."""
        if verdict.by_organization is False:
            return Cause("scp", "A service control policy of your organisation does not allow it.", _ORGANISATION)
        if verdict.decision == "explicitDeny" and (verdict.by_boundary is not False or self._own_deny(verdict)):
            text = f"A Deny statement in {self._denied_by(verdict)} forbids it."
            return Cause("explicit-deny", text, "Whoever wrote the Deny can change it.")
        if verdict.by_boundary is False:
            boundary = self.principal.boundary if self.principal else ""
            text = f"The permissions boundary {boundary} does not allow it."
            return Cause("permissions-boundary", text, "Whoever set the boundary can widen it.")
        if self._evaluate(verdict).allowed:
            text = "Its policies allow it, but IAM does not say so yet: changes take effect after some seconds."
            return Cause(NOT_PROPAGATED, text, _LATER)
        found = self._installed
        if found is not None and found.swapped:
            meant_for = "render role" if self.kind == "user" else "user"
            text = f"{self.name} has the policy that is meant for the {meant_for}."
            return Cause("swapped-policies", text, _MEND)
        if found is not None and found.since is not None:
            return Cause("outdated-policy", f"{found.sentence()} This action came later.", _MEND)
        if any(self._names_it_elsewhere(name, document, verdict.action) for name, document in self._held):
            return Cause("wrong-resource", "A statement names the action, but not this resource.", _MEND)
        return Cause("missing-statement", "No statement allows it.", _MEND)

    @cached_property
    def principal(self) -> Principal | None:
        """The principal, read when it is first needed; None if it can't be read."""
        return self.read()

    @cached_property
    def _held(self) -> tuple[tuple[str, Document], ...]:
        return tuple(self.principal.documents()) if self.principal else ()

    @cached_property
    def _installed(self) -> Fingerprint | None:
        if self.principal is None or not self._held or not self.wanted:
            return None
        partition = self.principal.arn.split(":")[1]
        return fingerprint([document for _, document in self._held], self.wanted, self.kind, partition)

    def _denied_by(self, verdict: Verdict) -> str:
        """The statement that denies, where the principal's own policies show it; else the policy that IAM names."""
        return self._own_deny(verdict) or listing([m for m in verdict.matched if m]) or "a policy"

    def _own_deny(self, verdict: Verdict) -> str:
        for match in self._evaluate(verdict).matched:
            if match.effect == "Deny":
                statement = match.sid or f"no. {match.index + 1}"
                return f"{match.policy} (statement {statement})"
        return ""

    def _evaluate(self, verdict: Verdict) -> Decision:
        """Decide the question by the principal's own policies alone, as they are read."""
        policies = PolicySet(identity=tuple(Policy(name, document) for name, document in self._held))
        who = self.principal.arn if self.principal else ""
        context = {"aws:RequestedRegion": verdict.region} if verdict.region else {}
        if verdict.action.lower() == "iam:passrole":
            context["iam:PassedToService"] = names.LAMBDA_SERVICE
        return evaluate(Request(verdict.action, verdict.resource, who, context=context), policies)

    def _names_it_elsewhere(self, policy: str, document: Document, action: str) -> bool:
        """Whether a policy that is about Remotion names the action, for other resources."""
        for statement in documents.statements(document):
            named = {named.lower() for named in documents.texts(statement, "Action")}
            about = any("remotion" in resource for resource in documents.texts(statement, "Resource"))
            if action.lower() in named and (policy in names.SET_UP_POLICIES or about):
                return True
        return False
