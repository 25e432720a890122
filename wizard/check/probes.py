"""What is asked of the simulator: every action of a policy on concrete ARNs of the right kind, and what must be denied."""

from __future__ import annotations

from dataclasses import dataclass

from wizard.policy import documents
from wizard.policy.documents import Document
from wizard.remotion import names

_OBJECT_ACTIONS = {"s3:getobject", "s3:putobject", "s3:deleteobject", "s3:putobjectacl"}
_LAYERS = {
    "remotion-binaries-": "remotion-binaries-chromium-arm64:30",
    "LambdaInsightsExtension": "LambdaInsightsExtension-Arm64:5",
}

_OWN = {"iam": "own-role", "lambda": "own-layer"}  # what extras name outright


@dataclass(frozen=True)
class Probe:
    """Actions that are asked on the same ARNs. `kind` names the sort of resource for findings ("bucket", "layer", …)."""

    kind: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]


@dataclass(frozen=True)
class Scene:
    """Where the ARNs are: account, partition, regions, and the release whose function name a deploy would use."""

    account: str
    partition: str
    regions: tuple[str, ...]
    release: str


def wanted_probes(document: Document, scene: Scene) -> list[Probe]:
    """Return probes for all that a Remotion policy allows, actions of the same kind of resource together."""
    grouped: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for statement in documents.statements(document):
        for pattern in documents.listed(statement["Resource"]):
            for action in documents.listed(statement["Action"]):
                kind, resources = concrete(pattern, action, scene)
                actions = grouped.setdefault((kind, resources), [])
                if action not in actions:
                    actions.append(action)
    return [Probe(kind, tuple(actions), resources) for (kind, resources), actions in grouped.items()]


def concrete(pattern: str, action: str, scene: Scene) -> tuple[str, tuple[str, ...]]:
    """Return the kind of resource, and the ARNs that stand for a pattern of Remotion's policies in each region."""
    if pattern == "*":
        return "any", ("*",)
    parts = pattern.split(":", 5)
    service, tail = parts[2], parts[5]
    if "*" not in pattern and (service, tail) != ("iam", f"role/{names.RENDER_ROLE}"):
        return _OWN.get(service, "own"), (pattern,)
    function = names.function_name(scene.release)
    if service == "s3":
        key = "/sites/my-video/index.html" if action.lower() in _OBJECT_ACTIONS else ""
        return (
            "object" if key else "bucket",
            tuple(f"arn:{scene.partition}:s3:::{names.bucket_name(region)}{key}" for region in scene.regions),
        )
    if service == "iam":
        return "role", (f"arn:{scene.partition}:iam::{scene.account}:{tail}",)
    if tail.startswith("layer:"):
        prefix = next(p for p in _LAYERS if p in tail)
        kind = "binaries" if prefix.startswith("remotion") else "insights"
        regions = scene.regions if parts[3] == "*" else (parts[3],)
        if parts[3] != "*":
            kind += f"-{parts[3]}"
        return kind, tuple(f"{parts[0]}:{parts[1]}:lambda:{r}:{parts[4]}:layer:{_LAYERS[prefix]}" for r in regions)
    if service == "lambda":
        return "function", tuple(
            f"arn:{scene.partition}:lambda:{r}:{scene.account}:function:{function}" for r in scene.regions
        )
    group = "/aws/lambda-insights" if "insights" in tail else f"/aws/lambda/{function}"
    stream = ":log-stream:2026/01/01/render" if action in {"logs:CreateLogStream", "logs:PutLogEvents"} else ""
    kind = "insights-log" if "insights" in tail else "log"
    return kind, tuple(
        f"arn:{scene.partition}:logs:{r}:{scene.account}:log-group:{group}{stream}" for r in scene.regions
    )


@dataclass(frozen=True)
class ForbiddenProbe:
    """Something that must be denied: an id, what it would mean, the actions and one ARN."""

    id: str
    meaning: str
    actions: tuple[str, ...]
    resource: str

    @property
    def probe(self) -> Probe:
        """What to ask."""
        return Probe("", self.actions, (self.resource,))


def forbidden_probes(scene: Scene) -> list[ForbiddenProbe]:
    """Return what neither the user nor the render role may do: least privilege, proven by asking for more."""
    region = scene.regions[0]
    iam = f"arn:{scene.partition}:iam::{scene.account}"
    function = f"arn:{scene.partition}:lambda:{region}:{scene.account}:function:somebody-elses-function"
    bucket = f"arn:{scene.partition}:s3:::somebody-elses-bucket"
    user_actions = ("iam:CreateUser", "iam:CreateAccessKey", "iam:AttachUserPolicy", "iam:PutUserPolicy")
    function_actions = ("lambda:InvokeFunction", "lambda:DeleteFunction", "lambda:UpdateFunctionCode")
    rights_actions = ("iam:AttachRolePolicy", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy")
    object_actions = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject")
    bucket_actions = ("s3:PutBucketPolicy", "s3:DeleteBucket", "s3:ListBucket")
    role_actions = ("iam:PassRole", "sts:AssumeRole")
    return [
        ForbiddenProbe("other-objects", "read or change files in other buckets", object_actions, f"{bucket}/file"),
        ForbiddenProbe("other-buckets", "list, change or delete other buckets", bucket_actions, bucket),
        ForbiddenProbe("other-functions", "call or change other functions", function_actions, function),
        ForbiddenProbe("other-roles", "hand over or take other roles", role_actions, f"{iam}:role/somebody-elses-role"),
        ForbiddenProbe("roles", "change what roles may do", rights_actions, f"{iam}:role/somebody-elses-role"),
        ForbiddenProbe("users", "make users or keys, or give rights away", user_actions, f"{iam}:user/somebody-else"),
    ]
