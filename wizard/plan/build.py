"""`build_plan`: from answers and snapshot to the ordered changes. Pure: no AWS call, no file access."""

from __future__ import annotations

from wizard.account.snapshot import AccountSnapshot
from wizard.collect.answers import Answers
from wizard.plan.changes import Plan
from wizard.plan.credentials import plan_credentials, plan_gitignore
from wizard.plan.draft import Draft
from wizard.plan.preview import release_of
from wizard.plan.principals import plan_render_role, plan_user
from wizard.plan.quotas import plan_quota_role
from wizard.remotion.catalogue import is_newer_than_catalogue, latest_release
from wizard.remotion.regions import hosted_layers


def build_plan(answers: Answers, snapshot: AccountSnapshot) -> Plan:
    """Build the plan that takes the account from `snapshot` to what `answers` ask for. Empty if it is there already.

    Raises UsageProblem where the release has no policy for the account's partition.
    """
    release, origin = release_of(answers, snapshot.release)
    draft = Draft(answers, snapshot, release)
    _general_warnings(draft, origin)
    plan_gitignore(draft)
    plan_render_role(draft)
    plan_user(draft)
    destination = plan_credentials(draft)
    plan_quota_role(draft)
    return Plan(
        identity=snapshot.identity,
        changes=tuple(draft.changes),
        warnings=tuple(draft.warnings),
        problems=tuple(draft.problems),
        release=str(release),
        user_name=answers.text("principal.name"),
        destination=destination,
    )


def _general_warnings(draft: Draft, origin: str) -> None:
    identity = draft.snapshot.identity
    if identity.is_root:
        draft.warnings.append("You are signed in as the root user of the account. An administrator identity is safer.")
    if identity.sandbox:
        draft.warnings.append("This is the sandbox: nothing reaches AWS, and the access key works only here.")
    if origin == "newest known":
        draft.warnings.append(
            f"No Remotion release was found in the project. The plan takes {draft.release}, the newest that is known."
        )
    if is_newer_than_catalogue(draft.release):
        draft.warnings.append(
            f"Remotion {draft.release} is newer than this wizard. The plan takes the policies of {latest_release()}; "
            "compare them with `npx remotion lambda policies user` and `… role`."
        )
    if not hosted_layers(identity.partition):
        draft.warnings.append(f"Remotion hosts no layers in {identity.partition}: deploy with layers of your own.")
