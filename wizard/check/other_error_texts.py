"""Error texts beside permissions: functions and their limits, sign-ins, networks, and what AWS asks to try again.

Sources: the messages in @remotion/lambda, @remotion/serverless and @remotion/lambda-client 4.0.527; remotion.dev/docs/lambda;
the error lists of the AWS Lambda, Amazon S3, AWS STS and IAM API references; "Common errors" of AWS's APIs; the AWS SDK for
JavaScript and Node.js; the issues that tests/engine/explain.toml names.
"""

from __future__ import annotations

from typing import Final

from wizard.check.error_texts import ADMINISTRATOR, DOCS, Known

OTHER: Final[tuple[Known, ...]] = (
    # Functions
    Known(
        "function.other-release",
        ("Version mismatch: When calling", "does not match naming convention remotion-render-"),
        "The function is of another Remotion release than the project.",
        "other-release",
        "A function is called by the same release that it was deployed with; its name tells the release.",
        (
            "In the project: npx remotion lambda functions deploy   then use the name that it prints.",
            "Deploy the site anew as well: npx remotion lambda sites create",
            "See what there is: remotion-lambda-wizard check",
        ),
        source=f"{DOCS}/upgrading",
    ),
    Known(
        "function.kms",
        (
            "was unable to decrypt the environment variables because KMS access was denied",
            "KMSAccessDeniedException",
            "KMS key is invalid for CreateGrant",
        ),
        "Lambda can't open the function's environment with its KMS key.",
        "kms",
        "It often follows after the render role was deleted and made anew: the key's grant is for the old one.",
        (
            "Make the function anew: npx remotion lambda functions rm FUNCTION   then: npx remotion lambda functions deploy",
            "With a key of your own: let remotion-lambda-role use it (kms:Decrypt), in the key's policy too.",
        ),
        ADMINISTRATOR,
        confidence="likely",
        settles=True,
    ),
    Known(
        "denied.kms",
        (
            "The ciphertext refers to a customer master key that does not exist",
            "KMS.DisabledException",
            "KMS.NotFoundException",
            "KMSKeyNotAccessible",
        ),
        "A KMS key can't be used: it is gone, switched off, in another region, or closed to the caller.",
        "kms",
        "Whoever reads or writes what a key encrypts needs the key as well: in a policy of its own, and in the key's policy.",
        (
            "For an encrypted output bucket: remotion-lambda-wizard --set output_bucket.kms_key=ARN",
            "Look at the key: aws kms describe-key --key-id ID   and: aws kms get-key-policy --key-id ID --policy-name default",
        ),
        ADMINISTRATOR,
        confidence="likely",
        settles=True,
    ),
    Known(
        "function.busy",
        (
            "The operation cannot be performed at this time. The function is currently in the following state",
            "The operation cannot be performed at this time. An update is in progress",
        ),
        "The function is still being made or changed.",
        "busy",
        "Lambda takes one change at a time, and calls only when it is done.",
        ("Wait a minute and try again.",),
        others=("Two deployments run at the same time, for example two jobs of a pipeline: let one wait.",),
    ),
    Known(
        "function.code-storage",
        ("CodeStorageExceeded", "Code storage limit exceeded"),
        "The account's functions take all the space that Lambda has for code in this region.",
        "limit",
        "All functions and layers of a region share 75 GB; old versions count.",
        (
            "Take away Remotion's old functions: npx remotion lambda functions ls   and: npx remotion lambda functions rmall",
            "See how much it is: aws lambda get-account-settings --query AccountUsage",
            "Take away old versions of other functions, or ask for more in Service Quotas (Function and layer storage).",
        ),
        ADMINISTRATOR,
    ),
    Known(
        "function.size",
        (
            "Unzipped size must be smaller than",
            "Layers consume more than the available size",
            "Function code combined with layers exceeds the maximum allowed size",
        ),
        "Function and layers together are too large for Lambda.",
        "limit",
        "Lambda takes 250 MB, unzipped. Remotion's own layers leave little room for others.",
        (
            "Deploy with fewer or smaller layers of your own (--custom-layer-arns), or without --enable-lambda-insights.",
        ),
    ),
    Known(
        "function.timeout",
        ("The main function timed out after", "Task timed out after", "Sandbox.Timedout"),
        "The render took longer than the function may run.",
        "timeout",
        "It is no question of permissions. The function's own time-out counts; --timeout of a render is another one.",
        (
            "Deploy with more time, at most 900 s: npx remotion lambda functions deploy --timeout=900",
            "Or share the work differently: smaller framesPerLambda, more memory.",
            "See where it hangs: the logs that the error links to, or render with --log=verbose.",
        ),
        others=(
            "A chunk waits for a file that never comes: a private bucket, a slow server, delayRender() without an end.",
        ),
        confidence="likely",
        source=f"{DOCS}/troubleshooting/debug",
    ),
    Known(
        "function.out-of-memory",
        (
            "Runtime exited with error: signal: killed",
            "Runtime.OutOfMemory",
            "Runtime exited with error: exit status 137",
        ),
        "The function ran out of memory.",
        "memory",
        "Lambda ends a function that wants more memory than it was deployed with.",
        ("Deploy with more: npx remotion lambda functions deploy --memory=3008",),
        others=("The disk is full: deploy with --disk=10240.",),
        confidence="likely",
    ),
    Known(
        "function.payload",
        ("payload is too large for the",),
        "What was sent to the function is too large.",
        "limit",
        "Lambda takes 6 MB in a call. Remotion puts large input props into its bucket, other data not.",
        ("Hand over addresses of files in place of their contents.",),
    ),
    Known(
        "render.missing",
        ("No render with ID",),
        "There is no render of this id in this bucket and region.",
        "missing",
        "It was never started, was deleted, or bucket, region or account are another one.",
        (
            "Give getRenderProgress() the renderId, bucketName and region that renderMediaOnLambda() returned.",
            "See which account the credentials are of: remotion-lambda-wizard credentials explain --ask-aws",
        ),
    ),
    # Buckets
    Known(
        "bucket.busy",
        ("OperationAborted", "A conflicting conditional operation is currently in progress"),
        "S3 is still making, changing or deleting this bucket.",
        "busy",
        "The name of a bucket that was just deleted is free again after some minutes, at times an hour.",
        ("Wait and try again: a minute, after a deletion up to an hour.",),
        others=("Two programs are changing the bucket at the same time.",),
    ),
    Known(
        "bucket.too-many",
        ("TooManyBuckets", "You have attempted to create more buckets than allowed"),
        "The account has as many buckets as it may have.",
        "limit",
        "The limit counts all buckets of the account, in all regions.",
        (
            "See them: aws s3 ls",
            "Delete some that nobody needs, or ask for more: Service Quotas, Amazon S3, in us-east-1.",
        ),
        ADMINISTRATOR,
    ),
    Known(
        "bucket.already-yours",
        ("BucketAlreadyOwnedByYou",),
        "The bucket is there already, and it is yours.",
        "exists",
        "It was made before; nothing is lost.",
        ("Go on with the bucket, or delete it if it is empty: aws s3 rb s3://{bucket}",),
    ),
    Known(
        "bucket.file-missing",
        ("NoSuchKey", "The specified key does not exist"),
        "The bucket has no such file.",
        "missing",
        "A site or a render was deleted, by hand or by a deletion rule, or bucket and region are another one.",
        (
            "See the sites: npx remotion lambda sites ls   and deploy again: npx remotion lambda sites create",
            "See the files: aws s3 ls s3://{bucket} --recursive",
        ),
    ),
    # Credentials
    Known(
        "credentials.other-partition",
        ("AWS Caller Identity partition",),
        "The credentials and the region belong to different parts of AWS.",
        "other-partition",
        "AWS, its China Regions and GovCloud are worlds of their own: accounts, keys and regions of one don't work in another.",
        (
            "Take a region of the account's own part of AWS, or credentials of the other one.",
            "See whose credentials these are: remotion-lambda-wizard credentials explain --ask-aws",
        ),
        source=f"{DOCS}/aws-china-regions",
    ),
    Known(
        "credentials.token-damaged",
        ("The provided token is malformed", "InvalidToken:", "<Code>InvalidToken</Code>"),
        "The session token is damaged, or not that of the key.",
        "credentials",
        "Key id, secret and token of temporary credentials belong together; the token is long and easily cut.",
        (
            "Copy all three anew. In .env the token stands on one line, in single quotes.",
            "Look at what Remotion reads: remotion-lambda-wizard credentials explain",
        ),
        others=("With a long-term key (AKIA…) there must be no session token at all.",),
        confidence="likely",
    ),
    Known(
        "credentials.damaged",
        (
            'Invalid character in header content ["authorization"]',
            "Invalid header value",
            "IncompleteSignature",
            "Resolved credential object is not valid",
            "Authorization header requires 'Credential' parameter",
        ),
        "The key id or the secret holds something that does not belong there.",
        "credentials",
        "A line break, a blank or a quotation mark was copied along, or one of the two is empty.",
        (
            "See which it is: remotion-lambda-wizard credentials explain",
            "Set both again, without blanks before and behind. On a host, look at the value for a line break at its end.",
        ),
        confidence="likely",
    ),
    Known(
        "credentials.web-identity",
        (
            "InvalidIdentityToken",
            "Couldn't retrieve verification key from your identity provider",
            "No OpenIDConnect provider found in your account",
        ),
        "The sign-in with a token of another service (OIDC) failed.",
        "credentials",
        "EKS, GitHub Actions, Vercel and others hand out such tokens; AWS must know the provider, and the token must be fresh.",
        (
            "See the providers that the account knows: aws iam list-open-id-connect-providers",
            "Get a new token: start the job or the pod again.",
            "Compare the role's trust policy with the token's audience and subject.",
        ),
        ADMINISTRATOR,
        confidence="likely",
    ),
    Known(
        "credentials.sso-role",
        ("ForbiddenException: No access",),
        "The Identity Center sign-in works, but not for this account and permission set.",
        "credentials",
        "The profile names an account or a permission set (sso_role_name) that was not assigned to you, or no longer is.",
        (
            "See what you have: the access portal (the sso_start_url of the profile).",
            "Set the profile up anew: aws configure sso --profile {profile}",
        ),
        ADMINISTRATOR,
    ),
    Known(
        "credentials.mfa",
        (
            "MultiFactorAuthentication failed",
            "MFA code required",
            "Profile requires multi-factor authentication",
            "MultiFactorAuthentication is required",
        ),
        "Taking the role asks for a code of your MFA device, and did not get a valid one.",
        "credentials",
        "A code counts once, for half a minute. Remotion can't ask for one.",
        (
            "Sign in beforehand, and hand over the temporary keys: "
            "aws configure export-credentials --profile {profile} --format env",
            "For Remotion itself use a user of its own, with a key: remotion-lambda-wizard",
        ),
        settles=True,
    ),
    Known(
        "region.missing",
        (
            "Region is missing",
            "Missing region in config",
            "MissingRegion",
            "You must specify a region",
            "No region was provided",
            "NoRegionError",
        ),
        "No region was given.",
        "region",
        "An AWS SDK needs one for every call. Remotion's functions take it as `region`, its command line as --region or from "
        "REMOTION_AWS_REGION or AWS_REGION.",
        ("Give one: --region=us-east-1, region: “us-east-1” in the Node APIs, or set REMOTION_AWS_REGION.",),
    ),
    Known(
        "region.wrong-name",
        ("Credential should be scoped to a valid region", "Credential should be scoped to correct"),
        "The region's name is wrong, or is not the one of the address that was called.",
        "region",
        "Names of regions have two dashes: us-east-1.",
        (
            "Compare with: npx remotion lambda regions",
            "Look at REMOTION_AWS_REGION, AWS_REGION and the region of the profile.",
        ),
        confidence="likely",
    ),
    # IAM
    Known(
        "iam.delete-conflict",
        ("DeleteConflict", "Cannot delete entity, must"),
        "Something still hangs on what is to be deleted.",
        "exists",
        "IAM deletes users and roles only without keys and policies, and policies only when they are attached nowhere.",
        (
            "The wizard takes back what it made, in the right order: remotion-lambda-wizard undo",
            "By hand: first delete access keys and inline policies, detach managed ones, leave groups.",
        ),
        ADMINISTRATOR,
    ),
    Known(
        "iam.busy",
        ("ConcurrentModification", "EntityTemporarilyUnmodifiable"),
        "Somebody else is changing the same thing in IAM right now.",
        "busy",
        "IAM makes one change after the other.",
        ("Wait a minute and try again.",),
    ),
    Known(
        "iam.limit",
        (
            "Cannot exceed quota for UsersPerAccount",
            "Cannot exceed quota for RolesPerAccount",
            "Cannot exceed quota for PoliciesPerAccount",
            "Cannot exceed quota for GroupsPerUser",
        ),
        "The account has as many of these as IAM allows.",
        "limit",
        "The quotas are of the whole account: 5,000 users, 1,000 roles, 1,500 policies of your own, unless they were raised.",
        (
            "See how many there are: aws iam get-account-summary",
            "Delete some that nobody needs, or ask for more: Service Quotas, IAM, in us-east-1.",
        ),
        ADMINISTRATOR,
    ),
    Known(
        "user.missing",
        ("The user with name",),
        "There is no such user in this account.",
        "missing",
        "It was never made, has another name, or the credentials are of another account.",
        (
            "See whose credentials these are: aws sts get-caller-identity",
            "Make it: remotion-lambda-wizard",
        ),
        ADMINISTRATOR,
        also=("cannot be found",),
    ),
    # Networks, and AWS itself
    Known(
        "network.certificate",
        (
            "self signed certificate",
            "self-signed certificate",
            "SELF_SIGNED_CERT_IN_CHAIN",
            "unable to get local issuer certificate",
            "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
            "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
            "CERTIFICATE_VERIFY_FAILED",
        ),
        "The connection to AWS shows a certificate that this computer does not trust.",
        "network",
        "A company's proxy or a virus scanner often looks into connections, with a certificate of its own.",
        (
            "For Node.js: NODE_EXTRA_CA_CERTS=/path/to/the/company/ca.pem   for the AWS CLI and the wizard: AWS_CA_BUNDLE",
            "Don't switch the check of certificates off: your keys go over this connection.",
        ),
    ),
    Known(
        "network",
        (
            "socket hang up",
            "read ECONNRESET",
            "write EPIPE",
            "ENETUNREACH",
            "EHOSTUNREACH",
            "Your socket connection to the server was not read from or written to",
            "ConnectTimeoutError",
            "ReadTimeoutError",
            "Connect timeout on endpoint URL",
            "Read timeout on endpoint URL",
        ),
        "The connection to AWS broke off.",
        "network",
        "A slow or crowded line, a proxy, or many uploads at a time.",
        ("Try again. If it stays: another network, without VPN or proxy.",),
        confidence="likely",
    ),
    Known(
        "aws.trouble",
        (
            "We encountered an internal error. Please try again",
            "InternalFailure",
            "ServiceUnavailableException",
            "Service is unable to handle request",
            "ServiceException: An error occurred and the request cannot be processed",
        ),
        "AWS had a trouble of its own.",
        "aws",
        "It is neither your permissions nor your set-up.",
        ("Try again in a few minutes. If it stays: health.aws.amazon.com shows what is disturbed.",),
    ),
)
