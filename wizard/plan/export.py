"""Exports of a plan for those who can't run the wizard: an AWS CloudFormation template and Terraform JSON.

Both describe what the plan creates. They can't change what something else made, and they make no access key, since its
secret would stay in the stack's outputs or Terraform's state.

Sources: AWS CloudFormation's IAM resource types; the Terraform AWS provider's aws_iam_* resources.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from wizard.plan.changes import Action, Change, Plan
from wizard.problem import UsageProblem
from wizard.text import listing

_LEFT_OUT = {"CreateAccessKey", "AddToGitignore", "SetEnvVariables", "RequestServiceQuotaIncrease"}
_CREATES = {"CreateRole", "CreateUser", "CreatePolicy", "PutUserPolicy", "PutRolePolicy", "CreateServiceLinkedRole"} | {
    "AttachUserPolicy",
    "AttachRolePolicy",
}


def as_cloudformation(plan: Plan) -> str:
    """Return a CloudFormation template (JSON). Raises UsageProblem if the plan changes something that exists."""
    changes = _creations(plan, "CloudFormation")
    resources: dict[str, Any] = {}
    for change, operation, p in changes:
        logical = _logical(change)
        if operation in {"CreateRole", "CreateUser"}:
            properties = dict(p)
            if operation == "CreateRole":
                properties["AssumeRolePolicyDocument"] = json.loads(p["AssumeRolePolicyDocument"])
            resources[logical] = _cfn(operation.removeprefix("Create"), properties)
        elif operation == "CreateServiceLinkedRole":
            resources[logical] = _cfn("ServiceLinkedRole", p)
        elif operation == "CreatePolicy":
            properties = {
                "ManagedPolicyName": p["PolicyName"],
                "Description": p["Description"],
                "PolicyDocument": json.loads(p["PolicyDocument"]),
            }
            resources[logical] = _cfn("ManagedPolicy", properties)
        elif operation.startswith("Put"):
            kind = "User" if "UserName" in p else "Role"
            resources[logical] = _cfn(f"{kind}Policy", {**p, "PolicyDocument": json.loads(p["PolicyDocument"])})
            _depend(resources, logical, _name_of(kind, p[f"{kind}Name"]))
        else:
            _attach_cfn(resources, p)
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Permissions for Remotion Lambda {plan.release}.",
        "Metadata": {"Account": plan.identity.account, "NotIncluded": _not_included(plan)},
        "Resources": resources,
    }
    return json.dumps(template, indent=2, ensure_ascii=False)


def as_terraform(plan: Plan) -> str:
    """Return Terraform JSON (a .tf.json file). Raises UsageProblem if the plan changes something that exists."""
    resources: dict[str, dict[str, Any]] = {}
    for change, operation, p in _creations(plan, "Terraform"):
        kind = "user" if "UserName" in p else "role"
        owner = p.get("UserName") or p.get("RoleName") or ""
        if operation in {"CreateRole", "CreateUser"}:
            body: dict[str, Any] = {"name": owner, "path": p["Path"], "tags": _tags(p)}
            if "PermissionsBoundary" in p:
                body["permissions_boundary"] = p["PermissionsBoundary"]
            if kind == "role":
                body |= {"assume_role_policy": p["AssumeRolePolicyDocument"], "description": p["Description"]}
            resources.setdefault(f"aws_iam_{kind}", {})[_label(owner)] = body
        elif operation == "CreateServiceLinkedRole":
            body = {"aws_service_name": p["AWSServiceName"]}
            resources.setdefault("aws_iam_service_linked_role", {})[_label(change.name)] = body
        elif operation == "CreatePolicy":
            body = {
                "name": p["PolicyName"],
                "description": p["Description"],
                "policy": _escaped(p["PolicyDocument"]),
                "tags": _tags(p),
            }
            resources.setdefault("aws_iam_policy", {})[_label(p["PolicyName"])] = body
        elif operation.startswith("Put"):
            body = {"name": p["PolicyName"], kind: _reference(resources, f"aws_iam_{kind}", owner, "name")}
            body["policy"] = _escaped(p["PolicyDocument"])
            resources.setdefault(f"aws_iam_{kind}_policy", {})[_label(p["PolicyName"])] = body
        else:
            name = p["PolicyArn"].rpartition("/")[2]
            body = {kind: _reference(resources, f"aws_iam_{kind}", owner, "name")}
            made = _label(name) in resources.get("aws_iam_policy", {})
            body["policy_arn"] = f"${{aws_iam_policy.{_label(name)}.arn}}" if made else p["PolicyArn"]
            resources.setdefault(f"aws_iam_{kind}_policy_attachment", {})[_label(name)] = body
    document = {
        "//": f"Permissions for Remotion Lambda {plan.release}. {_not_included(plan)}".strip(),
        "resource": resources,
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _creations(plan: Plan, what: str) -> list[tuple[Change, str, Mapping[str, Any]]]:
    found = []
    for change in plan.writing:
        operation = change.call.operation if change.call else ""
        if operation in _LEFT_OUT:
            continue
        if change.action is not Action.CREATE or operation not in _CREATES:
            raise UsageProblem(
                f"This plan changes something that exists ({change.name}), which {what} can't do for what it did not make.",
                remedy="Take the script in its place: --format aws-cli",
            )
        assert change.call is not None
        found.append((change, operation, change.call.parameters))
    return found


def _cfn(kind: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"Type": f"AWS::IAM::{kind}", "Properties": dict(properties)}


def _attach_cfn(resources: dict[str, Any], p: Mapping[str, Any]) -> None:
    kind = "User" if "UserName" in p else "Role"
    policy, owner = _name_of("Policy", p["PolicyArn"].rpartition("/")[2]), _name_of(kind, p[f"{kind}Name"])
    if policy in resources:
        resources[policy]["Properties"].setdefault(f"{kind}s", []).append(p[f"{kind}Name"])
        _depend(resources, policy, owner)
    elif owner in resources:
        resources[owner]["Properties"].setdefault("ManagedPolicyArns", []).append(p["PolicyArn"])
    else:
        raise UsageProblem(
            f"CloudFormation can't attach a policy that exists to {p[f'{kind}Name']}, which exists too.",
            remedy="Take the script in its place: --format aws-cli",
        )


def _depend(resources: dict[str, Any], logical: str, on: str) -> None:
    if on in resources:
        resources[logical].setdefault("DependsOn", []).append(on)


def _logical(change: Change) -> str:
    call = change.call
    assert call is not None
    if call.operation.startswith("Put"):
        return _name_of("Inline", change.name)
    return _name_of(call.operation.removeprefix("Create"), change.name)


def _name_of(kind: str, name: str) -> str:
    return kind + "".join(part.capitalize() for part in re.split(r"[^A-Za-z0-9]+", name))


def _label(name: str) -> str:
    label = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    return label if label[:1].isalpha() or label[:1] == "_" else f"_{label}"


def _reference(resources: Mapping[str, Any], kind: str, name: str, attribute: str) -> str:
    made = _label(name) in resources.get(kind, {})
    return f"${{{kind}.{_label(name)}.{attribute}}}" if made else name


def _escaped(document: str) -> str:
    """Terraform reads ${…} and %{…} in strings; policy variables are written like that too."""
    return document.replace("${", "$${").replace("%{", "%%{")


def _tags(p: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in p.get("Tags", [])}


def _not_included(plan: Plan) -> str:
    left = [f"{c.kind} {c.name}" for c in plan.writing if c.call and c.call.operation in _LEFT_OUT]
    return f"Not included: {listing(left)}." if left else ""
