"""Error texts that say by themselves what is wrong, and what to do then. Denials of single actions are read in explain.py.

Sources: the messages in @remotion/lambda and @remotion/lambda-client 4.0.527; remotion.dev/docs/lambda/troubleshooting;
"Troubleshooting access denied error messages" and "IAM and AWS STS quotas" (AWS IAM User Guide); the error lists of the
AWS Lambda, Amazon S3, Service Quotas and AWS STS API references; the issues that tests/engine/explain.toml names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Confidence = Literal["certain", "likely", "possible"]

ADMINISTRATOR: Final = "an administrator of the AWS account"
ORGANISATION: Final = "the administrator of your AWS organisation"
YOU: Final = "you"
DOCS: Final = "https://www.remotion.dev/docs/lambda"


@dataclass(frozen=True)
class Known:
    """An error that its text tells. It is there if one of `texts` is, and all of `also`; space and case do not count.

    `cause` is a word of the check's contract, "unknown" where several causes have the same text; `others` names them.
    In `remedy` and `others`, {bucket}, {region}, {profile} and {function} stand for what the text names.
    """

    verdict: str
    texts: tuple[str, ...]
    title: str
    cause: str
    why: str
    remedy: tuple[str, ...]
    who: str = YOU
    others: tuple[str, ...] = ()
    confidence: Confidence = "certain"
    also: tuple[str, ...] = ()
    source: str = ""
    settles: bool = False  # whether it says more than a denial in the same text


KNOWN: Final[tuple[Known, ...]] = (
    Known(
        "quota.service-linked-role",
        (
            "Service-linked role creation access denied",
            "DependencyAccessDenied",
            "Could not request increase because this is a sub-account of another AWS account",
        ),
        "The first quota request of this account needs a service-linked role, and the caller may not create it.",
        "missing-statement",
        "Service Quotas makes AWSServiceRoleForServiceQuotas with the caller's rights. Remotion's user policy has no "
        "iam:CreateServiceLinkedRole; whether the account belongs to an organisation does not matter.",
        (
            "Once, as administrator: aws iam create-service-linked-role --aws-service-name servicequotas.amazonaws.com",
            "Then again: npx remotion lambda quotas increase",
            "The wizard does both: remotion-lambda-wizard quotas request",
        ),
        ADMINISTRATOR,
        ("A service control policy or permissions boundary may forbid iam:CreateServiceLinkedRole as well.",),
        source="https://github.com/remotion-dev/remotion/issues/1941",
        settles=True,
    ),
    Known(
        "quota.already-open",
        ("Only one open service quota increase request is allowed per quota",),
        "A request for this quota is open already.",
        "quota",
        "AWS takes one request at a time for each quota and region.",
        (
            "Look at it: remotion-lambda-wizard quotas",
            "Until it is granted, use fewer functions: raise framesPerLambda",
        ),
    ),
    Known(
        "quota.too-many-requests-open",
        ("QuotaExceededException",),
        "Too many quota requests are open.",
        "quota",
        "AWS allows 2 open requests in a region and 20 in an account.",
        ("Wait until one is settled: remotion-lambda-wizard quotas --all-regions", "Then send it again."),
    ),
    Known(
        "quota.reserved-concurrency",
        ("decreases account's UnreservedConcurrentExecution below its minimum value",),
        "The account's concurrency limit is too small to reserve any of it for one function.",
        "quota",
        "New accounts run as few as 10 functions at a time, and AWS keeps that many unreserved.",
        ("Ask for a higher limit: remotion-lambda-wizard quotas request", "Or take the reservation away."),
    ),
    Known(
        "quota.concurrency",
        (
            "TooManyRequestsException",
            "ConcurrentInvocationLimitExceeded",
            "ReservedFunctionConcurrentInvocationLimitExceeded",
            "AWS Concurrency limit reached",
        ),
        "The render needs more functions at the same time than the account may run.",
        "quota",
        "One render may use up to 200 functions. The limit is per region; new accounts have as few as 10.",
        (
            "See the limit, and ask for more: remotion-lambda-wizard quotas   then: remotion-lambda-wizard quotas request",
            "Until then use fewer functions: raise framesPerLambda. A render takes frames / framesPerLambda + 1.",
            "With a limit of 10, 900 frames need framesPerLambda: 100.",
        ),
        others=(
            "Renders that run at the same time, or other functions of the account, use up the same limit.",
            "Bursts are limited too: 1000 new functions in 10 seconds.",
        ),
        source=f"{DOCS}/troubleshooting/rate-limit",
    ),
    Known(
        "credentials.key-disclosed",
        ("AWSCompromisedKeyQuarantine",),
        "AWS found this access key in public and locked the user.",
        "explicit-deny",
        "AWS attaches AWSCompromisedKeyQuarantine to a user whose key was published, for example in a public repository.",
        (
            "Treat the key as stolen: make a new one, deactivate and delete the old one in the IAM console.",
            "Look for what was done with it (CloudTrail, bills) and answer AWS's support case.",
            "Only then detach the policy: aws iam detach-user-policy --user-name USER --policy-arn "
            "arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3",
        ),
        ADMINISTRATOR,
        settles=True,
    ),
    Known(
        "credentials.expired",
        (
            "ExpiredToken",
            "The security token included in the request is expired",
            "The provided token has expired",
            "TokenRefreshRequired",
        ),
        "The temporary credentials have expired.",
        "credentials",
        "Session credentials (key ids that begin with ASIA) live for hours, at most 36.",
        (
            "Sign in again: aws sso login --profile {profile}   or get new temporary credentials.",
            "See which credentials Remotion takes: remotion-lambda-wizard credentials explain",
        ),
    ),
    Known(
        "credentials.sso-profile",
        ("is configured with invalid SSO credentials",),
        "The AWS SDK can't use this Identity Center profile.",
        "credentials",
        "The profile lacks sso_account_id, sso_region, sso_role_name or sso_start_url, or names an sso-session that an old SDK "
        "does not know.",
        (
            "Set the profile up anew: aws configure sso --profile {profile}   and sign in: aws sso login --profile {profile}",
            "Or hand over temporary keys: aws configure export-credentials --profile {profile} --format env",
        ),
        source="https://github.com/aws/aws-sdk-js-v3/issues/5186",
    ),
    Known(
        "credentials.sso-expired",
        (
            "The SSO session associated with this profile",
            "The SSO access token has either expired",
            "UnauthorizedSSOToken",
            "Error loading SSO Token",
            "Error when retrieving token from sso",
            "SSOTokenLoadError",
            "To refresh this SSO session run",
            "Token has expired and refresh failed",
        ),
        "The Identity Center sign-in has expired.",
        "credentials",
        "The profile signs in through IAM Identity Center, and its session on this computer is over.",
        ("Sign in again: aws sso login --profile {profile}",),
    ),
    Known(
        "credentials.clock",
        ("RequestTimeTooSkewed", "Signature not yet current", "Signature expired", "RequestExpired"),
        "The clock of this computer is wrong.",
        "clock",
        "AWS refuses a request whose time differs from its own by more than 5 to 15 minutes.",
        ("Set the clock (switch automatic time on), then try again.",),
    ),
    Known(
        "credentials.wrong-secret",
        (
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided",
        ),
        "The secret does not belong to this access key id.",
        "credentials",
        "A character was lost on the way, often + or / in a .env file, or key id and secret are of two different keys.",
        (
            "Look at what Remotion reads: remotion-lambda-wizard credentials explain",
            "Copy both values again; put the secret in single quotes in .env. A lost secret can't be read again: make a new key.",
        ),
        others=("With another S3 provider (s3OutputProvider): its endpoint or region is wrong.",),
    ),
    Known(
        "credentials.unknown-key",
        ("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records"),
        "AWS does not know this access key id.",
        "credentials",
        "The key was deleted or deactivated, was mistyped, or belongs to another partition (China, GovCloud) or provider.",
        (
            "See which key Remotion takes: remotion-lambda-wizard credentials explain",
            "Take a working key, or make a new one with the wizard: remotion-lambda-wizard",
        ),
        others=(
            "A key that was made less than a minute ago is not known everywhere yet: wait and try again.",
            "A temporary key (ASIA…) without its session token is told the same way.",
        ),
        confidence="likely",
    ),
    Known(
        "credentials.temporary-without-token",
        ("A possible reason is that your AWS Access key ID is set but doesn't start with",),
        "The key id is not that of a long-term key: most likely a temporary key without its session token.",
        "credentials",
        "Remotion's CLI says this where the key id does not begin with AKI. Temporary keys begin with ASIA and are only valid "
        "together with a session token.",
        (
            "Set REMOTION_AWS_SESSION_TOKEN beside the two other variables, or use a long-term key of remotion-user.",
            "Look at what is set: remotion-lambda-wizard credentials explain",
        ),
        confidence="likely",
        settles=True,
    ),
    Known(
        "credentials.not-accepted",
        (
            "The security token included in the request is invalid",
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "AWS was not able to validate the provided access credentials",
        ),
        "AWS does not accept the credentials in this region.",
        "unknown",
        "The text is the same for a key that does not work anywhere and for a region that is not switched on.",
        (
            "First: remotion-lambda-wizard credentials explain --ask-aws",
            "Then compare: aws sts get-caller-identity --region us-east-1   and: aws sts get-caller-identity --region {region}",
            "If only the second fails, the region is off: aws account enable-region --region-name {region}",
        ),
        others=(
            "The region is an opt-in region that is not enabled in this account.",
            "The key was made less than a minute ago: wait and try again.",
            "A temporary key (ASIA…) is used without its session token.",
            "The key was deleted or deactivated.",
            "On Vercel or in a Lambda function, the platform's own AWS_* variables are used: set the REMOTION_AWS_ ones.",
        ),
        confidence="possible",
        source=f"{DOCS}/troubleshooting/security-token",
    ),
    Known(
        "credentials.profile-missing",
        ("Could not resolve credentials using profile", "could not be found or parsed", "The config profile ("),
        "The AWS profile that is named does not exist, or holds no credentials.",
        "credentials",
        "REMOTION_AWS_PROFILE or AWS_PROFILE names it. Remotion then looks nowhere else.",
        (
            "See your profiles: aws configure list-profiles",
            "Sign in or fill it: aws sso login --profile {profile}   or: aws configure --profile {profile}",
            "Or unset the variable. What Remotion would take then: remotion-lambda-wizard credentials explain",
        ),
    ),
    Known(
        "credentials.partial",
        ("Partial credentials found",),
        "Half of a key is there: the id without the secret, or the other way round.",
        "credentials",
        "Both variables (or both lines of a profile) are needed.",
        ("Look at what is set: remotion-lambda-wizard credentials explain", "Set the missing half."),
    ),
    Known(
        "credentials.none",
        (
            "have not set the environment variable",
            "Could not load credentials from any providers",
            "Unable to locate credentials",
            "NoCredentialsError",
            "CredentialsProviderError",
            "Missing credentials in config",
            "Request is missing Authentication Token",
            "ETIMEDOUT 169.254.169.254",
            "EHOSTUNREACH 169.254.169.254",
        ),
        "No credentials were found where Remotion looks.",
        "credentials",
        "Remotion's CLI reads .env of the folder it is started in. Its Node APIs (renderMediaOnLambda and the like) do not: "
        "they see what your server's environment holds.",
        (
            "See where Remotion looks and what is there: remotion-lambda-wizard credentials explain",
            "In your own server, load the file (import 'dotenv/config') or set the REMOTION_AWS_ variables in the host.",
            "With an instance role or other SDK credentials: REMOTION_SKIP_AWS_CREDENTIALS_CHECK=1 (from Remotion 4.0.160).",
        ),
        source=f"{DOCS}/authentication",
    ),
    Known(
        "credentials.file-is-folder",
        ("EISDIR",),
        "The AWS credentials file is a folder.",
        "credentials",
        "Remotion before 4.0.154 stops when ~/.aws/credentials (or $AWS_SHARED_CREDENTIALS_FILE) is a folder.",
        (
            "Upgrade Remotion: npx remotion upgrade",
            "Or move the folder away, or point AWS_SHARED_CREDENTIALS_FILE at a file.",
        ),
        also=("isLikelyToHaveAwsProfile",),
        source="https://github.com/remotion-dev/remotion/issues/3852",
    ),
    Known(
        "role.not-assumable",
        ("The role defined for the function cannot be assumed by Lambda",),
        "Lambda may not take the render role.",
        "trust",
        "The role is missing, its trust policy does not name lambda.amazonaws.com, or it was made seconds ago.",
        (
            "If the role is new: wait 10 to 60 seconds and deploy again.",
            "Otherwise check it: remotion-lambda-wizard check --role remotion-lambda-role",
            "Look at the trust policy: aws iam get-role --role-name remotion-lambda-role --query Role.AssumeRolePolicyDocument",
            "The wizard makes or mends the role: remotion-lambda-wizard",
        ),
        ADMINISTRATOR,
        (
            "not-propagated: a role that is a few seconds old is not known everywhere in AWS.",
            "The role has another name or path: Remotion uses role/remotion-lambda-role unless --custom-role-arn is given.",
        ),
        confidence="likely",
        source=f"{DOCS}/troubleshooting/permissions",
    ),
    Known(
        "role.missing",
        ("The role with name remotion-lambda-role cannot be found",),
        "The render role remotion-lambda-role does not exist.",
        "missing",
        "Remotion uses exactly this name, at the path /.",
        ("Make it: remotion-lambda-wizard",),
        ADMINISTRATOR,
        source=f"{DOCS}/setup",
    ),
    Known(
        "bucket.half-made",
        ("Could not add an ACL to the bucket",),
        "A site bucket was made half-way, in an earlier attempt.",
        "bucket",
        "The bucket exists, but the steps after making it failed; it still refuses ACLs, and Remotion takes it up again.",
        (
            "Delete the bucket if it is empty: aws s3 rb s3://{bucket}",
            "Check the user's permissions first: remotion-lambda-wizard check",
            "Then create the site again.",
        ),
        source="https://github.com/remotion-dev/remotion/pull/2162",
        settles=True,
    ),
    Known(
        "bucket.acl-at-creation",
        (
            "InvalidBucketAclWithObjectOwnership",
            "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced",
        ),
        "This release of Remotion is too old for the buckets that S3 makes today.",
        "outdated",
        "Since April 2023 new buckets refuse ACLs unless that is changed first. Remotion does so from 3.3.87.",
        (
            "Upgrade Remotion to 3.3.87 or newer: npx remotion upgrade",
            "Give the user the newer policy (s3:PutBucketOwnershipControls, s3:PutBucketPublicAccessBlock): "
            "remotion-lambda-wizard",
        ),
        source=f"{DOCS}/s3-public-access",
    ),
    Known(
        "bucket.acl-refused",
        ("AccessControlListNotSupported", "The bucket does not allow ACLs"),
        "The bucket refuses ACLs, and Remotion sent one.",
        "bucket",
        "Remotion's default privacy is public, which puts an ACL on the file. Buckets with “Bucket owner enforced” take none.",
        (
            'Render with privacy: "no-acl" (CLI: --privacy=no-acl).',
            "Who may read the file is then for the bucket policy to say.",
        ),
        others=("If it is Remotion's own bucket (remotionlambda-…), it was made half-way: delete it if it is empty.",),
        source=f"{DOCS}/troubleshooting/bucket-disallows-acl",
    ),
    Known(
        "bucket.public-access-block-permission",
        ("PARTIAL SUCCESS: The s3:PutBucketOwnershipControls was found",),
        "The user's policy is of a release before 3.3.87: it lacks s3:PutBucketPublicAccessBlock.",
        "missing-statement",
        "A new bucket has to be opened for public files, which since April 2023 takes two more permissions.",
        (
            "Bring the policy up to date: remotion-lambda-wizard",
            "The policy to paste: remotion-lambda-wizard policies user",
            "Delete the bucket that was made half-way, if it is empty: aws s3 ls   then: aws s3 rb s3://remotionlambda-…",
        ),
        ADMINISTRATOR,
        source=f"{DOCS}/s3-public-access",
        settles=True,
    ),
    Known(
        "bucket.ownership-permission",
        ("Since April 2023, more AWS permissions are required",),
        "The user's policy is of a release before 3.3.87: it lacks s3:PutBucketOwnershipControls.",
        "missing-statement",
        "A new bucket has to be opened for public files, which since April 2023 takes two more permissions.",
        (
            "Bring the policy up to date: remotion-lambda-wizard",
            "The policy to paste: remotion-lambda-wizard policies user",
            "Delete the bucket that was made half-way, if it is empty: aws s3 ls   then: aws s3 rb s3://remotionlambda-…",
        ),
        ADMINISTRATOR,
        ("A service control policy may forbid to change ownership controls of buckets.",),
        source=f"{DOCS}/s3-public-access",
        settles=True,
    ),
    Known(
        "bucket.public-access-blocked",
        (
            "are prevented by the BlockPublicPolicy setting",
            "are prevented by the BlockPublicAcls setting",
            "are prevented by the BlockPublicAccess setting",
            "public policies are blocked by the BlockPublicPolicy",
            "public access control lists (ACLs) are blocked by the BlockPublicAcls",
        ),
        "S3 Block Public Access forbids it, whatever the caller may do.",
        "public-access-block",
        "The setting stands on the bucket or on the whole account; an organisation can prescribe it.",
        (
            "See the bucket's setting: aws s3api get-public-access-block --bucket {bucket}",
            "See the account's: aws s3control get-public-access-block --account-id ACCOUNT",
            "Remotion's sites must be readable by their address. If that is forbidden, host the site elsewhere, and render with "
            "privacy: “no-acl” or “private”.",
        ),
        ADMINISTRATOR,
        ("Right after making a bucket, lifting its block may not have arrived yet: try once more.",),
        settles=True,
    ),
    Known(
        "bucket.policy-not-applied",
        ("Could not apply a bucket policy to restrict public access",),
        "The new bucket got no bucket policy: its content can be listed by anyone.",
        "unknown",
        "Remotion swallows the reason. Missing s3:PutBucketPolicy (in the policy from 4.0.418) is the common one.",
        (
            "Check the permission: remotion-lambda-wizard check",
            "Check Block Public Access: aws s3control get-public-access-block --account-id ACCOUNT",
            "Afterwards take “List” for Everyone off the bucket's ACL, or make the bucket anew.",
        ),
        ADMINISTRATOR,
        (
            "missing-statement: the user's policy is older than Remotion 4.0.418.",
            "public-access-block: Block Public Access of the account forbids public bucket policies.",
            "scp: an organisation's policy forbids them.",
        ),
        "possible",
        source=f"{DOCS}/bucket-security",
        settles=True,
    ),
    Known(
        "bucket.output-head",
        ("got a 403 error when heading the file",),
        "The render role may not look into the output bucket.",
        "missing-statement",
        "Before writing, Remotion asks whether the file exists. That takes s3:GetObject on the files and s3:ListBucket on the "
        "bucket, for remotion-lambda-role. Up to 4.0.521 the refusal ends the render.",
        (
            "Grant the bucket to the render role: remotion-lambda-wizard --set output_bucket.name={bucket}",
            "Or set overwrite: true, or upgrade to Remotion 4.0.523 or newer.",
        ),
        ADMINISTRATOR,
        (
            "The bucket belongs to another account: its bucket policy must let the render role in.",
            "The bucket is encrypted with a KMS key that the role may not use.",
            "With another S3 provider: endpoint or key are wrong.",
        ),
        "likely",
        also=("Unable to access item",),
        settles=True,
    ),
    Known(
        "bucket.multiple",
        ("You have multiple buckets",),
        "More than one bucket in this region begins with remotionlambda-.",
        "bucket",
        "Remotion finds its bucket by the beginning of the name, and wants one in each region.",
        (
            "See them: aws s3 ls | grep remotionlambda-",
            "Delete the ones that you don't need, or name the one in every call: forceBucketName (CLI: --force-bucket-name).",
        ),
        source=f"{DOCS}/multiple-buckets",
    ),
    Known(
        "bucket.owner",
        ("Bucket owner mismatch",),
        "The bucket belongs to another AWS account than the credentials.",
        "bucket",
        "Remotion sends the caller's account along as the expected owner.",
        (
            "See which account the credentials are of: remotion-lambda-wizard credentials explain --ask-aws",
            "Name a bucket of that account, or use the credentials of the other one.",
        ),
    ),
    Known(
        "bucket.lifecycle-permission",
        ("lifecycle rules on the bucket",),
        "The user may not set the bucket's deletion rules.",
        "missing-statement",
        "enableFolderExpiry takes s3:PutLifecycleConfiguration, in the user policy from Remotion 4.0.32.",
        (
            "Bring the policy up to date: remotion-lambda-wizard",
            "Or leave the rules alone: enableFolderExpiry: null (CLI: without --enable-folder-expiry).",
        ),
        ADMINISTRATOR,
        also=("You don't have the required permissions to",),
        source=f"{DOCS}/autodelete",
        settles=True,
    ),
    Known(
        "bucket.missing",
        ("NoSuchBucket", "The specified bucket does not exist"),
        "The bucket does not exist.",
        "missing",
        "It was deleted, or its name or account is another one.",
        ("See the buckets of the account: aws s3 ls", "Make the site anew: npx remotion lambda sites create"),
    ),
    Known(
        "bucket.name-taken",
        ("BucketAlreadyExists", "The requested bucket name is not available"),
        "The bucket name is taken, by another account.",
        "bucket",
        "Bucket names are unique in all of AWS.",
        ("Choose another name.",),
    ),
    Known(
        "bucket.region",
        (
            "PermanentRedirect",
            "AuthorizationHeaderMalformed",
            "The bucket you are attempting to access must be addressed using the specified endpoint",
            "IllegalLocationConstraintException",
        ),
        "The bucket is in another region than the call.",
        "wrong-region",
        "Function, site and bucket of Remotion must share a region.",
        (
            "See the bucket's region: aws s3api get-bucket-location --bucket {bucket}",
            "Use that region (--region, or region: in the Node APIs), or a bucket in the function's region.",
        ),
    ),
    Known(
        "region.unsupported",
        ("is not a supported AWS region. Must be one of", "is not a valid AWS region"),
        "This release of Remotion does not support the region.",
        "region",
        "The list differs by release: me-south-1 went with 4.0.456, China came with 4.0.510.",
        ("Take a region of the list: npx remotion lambda regions", "Or upgrade Remotion: npx remotion upgrade"),
        source=f"{DOCS}/region-selection",
    ),
    Known(
        "account.not-ready",
        (
            "OptInRequired",
            "needs a subscription for the service",
            "Your account is not signed up for",
            "pending verification",
            "account is currently blocked",
        ),
        "The AWS account is not ready for this service.",
        "account",
        "A new account is verified first, and needs a means of payment. An opt-in region that is off is told the same way.",
        ("Sign in to the AWS console, finish the registration and look at Account. If it stays: AWS support.",),
        ADMINISTRATOR,
        confidence="likely",
    ),
    Known(
        "function.memory",
        ("Member must have value less than or equal to 3008", "'MemorySize' value failed to satisfy constraint"),
        "This account may only give 3008 MB to a function.",
        "quota",
        "Accounts in the free tier and some organisations are limited to it.",
        (
            "Deploy with less: npx remotion lambda functions deploy --memory=3008",
            "Or add a means of payment, or ask AWS support.",
        ),
    ),
    Known(
        "function.vpc-role",
        ("permissions to call CreateNetworkInterface on EC2", "have permission to CreateNetworkInterface"),
        "The render role may not join the VPC.",
        "missing-statement",
        "A function in a VPC makes network interfaces with its role's rights; Remotion's role policy has none for that.",
        (
            "Attach AWS's policy: aws iam attach-role-policy --role-name remotion-lambda-role --policy-arn "
            "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole",
            "The wizard does it: remotion-lambda-wizard --set extras.vpc=true",
        ),
        ADMINISTRATOR,
        ("scp: an organisation's policy may forbid it although the role allows it.",),
        "likely",
        settles=True,
    ),
    Known(
        "function.runtime-not-locked",
        ("Could not lock the runtime version",),
        "The function works, but its Node.js runtime is not pinned.",
        "missing-statement",
        "Pinning takes lambda:PutRuntimeManagementConfig, in the user policy from Remotion 3.3.54.",
        ("Bring the policy up to date: remotion-lambda-wizard", "Then deploy the function again."),
        ADMINISTRATOR,
        confidence="likely",
        source=f"{DOCS}/feb-2023-incident",
    ),
    Known(
        "function.missing",
        ("Function not found: arn:", "Function not found:"),
        "There is no such function in this region and account.",
        "missing",
        "Its name holds the release and the sizes, so an upgrade or other settings look for another one.",
        ("See what there is: npx remotion lambda functions ls", "Deploy: npx remotion lambda functions deploy"),
        others=("The credentials are of another account: remotion-lambda-wizard credentials explain --ask-aws",),
    ),
    Known(
        "policy.inline-size",
        ("Maximum policy size of",),
        "The inline policies of this identity have become too long.",
        "limit",
        "IAM counts all inline policies together, without white space: 2,048 characters for a user, 10,240 for a role. "
        "Remotion's user policy takes 1,779.",
        (
            "Use a managed policy (6,144 characters): remotion-lambda-wizard --set principal.attach=managed",
            "Or take away inline policies that nobody needs.",
        ),
        ADMINISTRATOR,
    ),
    Known(
        "policy.managed-size",
        ("Cannot exceed quota for PolicySize",),
        "The managed policy is too long.",
        "limit",
        "A managed policy holds 6,144 characters without white space.",
        ("Split it in two policies.",),
        ADMINISTRATOR,
    ),
    Known(
        "policy.attachments",
        ("Cannot exceed quota for PoliciesPerUser", "Cannot exceed quota for PoliciesPerRole"),
        "This user or role has as many managed policies attached as AWS allows.",
        "limit",
        "The limit is 10, and can be raised to 20.",
        ("Detach one that nobody needs, put policies together, or raise the limit in Service Quotas.",),
        ADMINISTRATOR,
    ),
    Known(
        "policy.versions",
        (
            "A managed policy can have up to 5 versions",
            "Cannot exceed quota for VersionsPerPolicy",
        ),
        "The managed policy has five versions already.",
        "limit",
        "AWS keeps at most five. The oldest that is not the default has to go first.",
        (
            "See them: aws iam list-policy-versions --policy-arn ARN",
            "Delete one: aws iam delete-policy-version --policy-arn ARN --version-id vN",
            "The wizard does this by itself, and shows it first: remotion-lambda-wizard",
        ),
        ADMINISTRATOR,
    ),
    Known(
        "key.limit",
        ("Cannot exceed quota for AccessKeysPerUser",),
        "The user has two access keys already.",
        "limit",
        "AWS allows two for a user.",
        (
            "See when they were used: aws iam list-access-keys --user-name remotion-user   and: "
            "aws iam get-access-key-last-used --access-key-id ID",
            "Deactivate the one that is not used, and delete it some days later.",
        ),
        ADMINISTRATOR,
    ),
    Known(
        "policy.malformed",
        ("MalformedPolicyDocument", "Syntax errors in policy", "failed legacy parsing", "has invalid JSON"),
        "The policy text is damaged.",
        "malformed-policy",
        "Something was lost or changed while copying: a bracket, quotation marks, a line; or its ARNs are of another partition.",
        (
            "Print it whole: remotion-lambda-wizard policies user > policy.json   (or: policies role)",
            "Put it in from the file: aws iam put-user-policy --user-name remotion-user --policy-name remotion-user-policy "
            "--policy-document file://policy.json",
        ),
        source="https://github.com/remotion-dev/template-next-pages-dir/issues/4",
    ),
    Known(
        "validate.caller",
        ("Unsupported AWS Caller Identity ARN", "Invalid Entity Arn"),
        "IAM's simulator can't be asked about this caller.",
        "unsupported-identity",
        "It knows users, groups and roles, no root, federated user or session ARN. Remotion's CLI also drops the path of roles "
        "that Identity Center makes.",
        ("Use the wizard's check instead: remotion-lambda-wizard check --user remotion-user",),
    ),
    Known(
        "iam.exists",
        ("EntityAlreadyExists",),
        "A user, role or policy of that name is there already.",
        "exists",
        "IAM's names are unique in the account, whatever their case; Remotion's role and policy names are fixed.",
        ("See what is there, and bring it up to date: remotion-lambda-wizard",),
        ADMINISTRATOR,
    ),
    Known(
        "iam.protected",
        ("UnmodifiableEntity", "Cannot perform the operation on the protected role"),
        "This role belongs to AWS and can't be changed.",
        "protected",
        "Service-linked roles and the roles of Identity Center are changed by the service that made them.",
        ("Choose another role, or change the permission set in Identity Center.",),
        ORGANISATION,
    ),
    Known(
        "aws.throttled",
        ("ThrottlingException", "RequestLimitExceeded", "Throttling: Rate exceeded", "(Throttling)", "SlowDown"),
        "AWS was asked too often and wants a pause.",
        "throttled",
        "This is about calls per second, not about how many functions may run.",
        ("Wait a minute and try again.",),
    ),
    Known(
        "network",
        (
            "getaddrinfo ENOTFOUND",
            "getaddrinfo EAI_AGAIN",
            "Could not connect to the endpoint URL",
            "EndpointConnectionError",
            "connect ECONNREFUSED",
            "connect ETIMEDOUT",
        ),
        "AWS could not be reached.",
        "network",
        "The name was not found or nobody answered: no connection, a proxy, or a region that does not exist.",
        ("Check the connection, the region's name and AWS_ENDPOINT_URL, then try again.",),
    ),
)
