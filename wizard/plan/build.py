"""`build_plan`: from answers and snapshot to the ordered changes. Pure: no AWS call, no file access."""

from __future__ import annotations

from wizard.account.snapshot import AccountSnapshot
from wizard.collect.answers import Answers
from wizard.plan.changes import Plan
from wizard.plan.credentials import plan_credentials, plan_gitignore
from wizard.plan.draft import Draft, about_identity
from wizard.plan.existing import demand_boundary, plan_take_away, warn_of_others, warn_of_width
from wizard.plan.operators import plan_aws_managed, plan_operators
from wizard.plan.output_bucket import plan_output_buckets
from wizard.plan.preview import release_of
from wizard.plan.principals import plan_caller, plan_render_role
from wizard.plan.quotas import plan_quotas
from wizard.plan.wanted import ASKED_BY, wishes
from wizard.problem import Problem
from wizard.remotion.catalogue import is_newer_than_catalogue, latest_release
from wizard.remotion.extras import extra_notes, why_not


def build_plan(answers: Answers, snapshot: AccountSnapshot) -> Plan:
    """Build the plan that takes the account from `snapshot` to what `answers` ask for. Empty if it is there already.

    Raises UsageProblem where the release has no policy for the account's partition.
    """
    release, origin = release_of(answers, snapshot.release)
    draft = Draft(answers, snapshot, release)
    _general_warnings(draft, origin)
    demand_boundary(draft)
    plan_gitignore(draft)
    plan_take_away(draft)
    plan_render_role(draft)
    plan_caller(draft)
    plan_aws_managed(draft)
    plan_operators(draft)
    plan_output_buckets(draft)
    destination = plan_credentials(draft)
    plan_quotas(draft)
    warn_of_width(draft)
    warn_of_others(draft)
    return Plan(
        identity=snapshot.identity,
        changes=tuple(draft.changes),
        warnings=tuple(draft.warnings),
        problems=tuple(draft.problems),
        release=str(release),
        principal_name=draft.caller,
        destination=destination,
    )


def _general_warnings(draft: Draft, origin: str) -> None:
    draft.warnings += about_identity(draft.snapshot.identity)
    if origin == "newest known":
        draft.warnings.append(
            f"No Remotion release was found in the project. The plan takes {draft.release}, the newest that is known."
        )
    from_project = draft.answers.text("remotion.policies") == "project"
    if from_project and draft.snapshot.project_policies is not None:
        draft.warnings.append(
            f"The policies are those that the project's own Remotion {draft.snapshot.project_policies.release} prints."
        )
    elif is_newer_than_catalogue(draft.release):
        draft.warnings.append(
            f"Remotion {draft.release} is newer than this wizard. The plan takes the policies of {latest_release()}. "
            "To read them from the project's own Remotion: remotion.policies = project"
        )
    wanted = wishes(draft.answers, draft.partition, draft.account)
    draft.warnings += extra_notes(wanted, draft.release, draft.partition)
    for name, why in why_not(wanted, draft.partition, draft.account).items():
        draft.problems.append(Problem(why, "", f"Correct {ASKED_BY[name]}."))
