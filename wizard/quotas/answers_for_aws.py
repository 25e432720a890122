"""What to answer when AWS Support asks why: its usual questions, with this account's functions and numbers filled in.

Rests on remotion.dev/docs/lambda/limits ("If AWS asks you for the reason"), which lists the six questions.
"""

from __future__ import annotations

from collections.abc import Sequence

from wizard.quotas.advice import LENGTHS, TIME_OUT, length
from wizard.remotion import names
from wizard.text import number, one_line


def prepared_answers(account: str, region: str, value: int, limit: int | None, functions: Sequence[str] = ()) -> str:
    """Return the answers as text to paste into the support case.

    `functions` are the ARNs of the deployed render functions. What only the person knows stands in [brackets].
    """
    arns = [one_line(arn, 200) for arn in functions] or [
        f"[none is deployed yet; they will be named {names.FUNCTION_PREFIX}… in {region}, account {account}: run "
        "npx remotion lambda functions deploy, then npx remotion lambda functions ls]"
    ]
    now = f" (now {number(limit)})" if limit is not None else ""
    longest = length(LENGTHS[-1])
    return "\n".join(
        [
            f"We ask for {number(value)} concurrent executions in {region}{now}, account {account}.",
            "",
            "1. Main function ARNs of the application:",
            *(f"   {arn}" for arn in arns),
            "2. Expected transactions per second per function:",
            "   Well below one. A render starts all of its functions once; there are about [how many] renders an hour.",
            "3. Expected duration per function:",
            f"   30 seconds to one minute. The functions' own time limit is {TIME_OUT} seconds unless we set another.",
            "4. How each function is invoked:",
            "   Directly, through the Lambda API (Invoke): from the command line in development, from [our web "
            "application] in production. No event source is attached.",
            "5. Services and resources that the functions work with:",
            f"   Amazon S3 (buckets {names.BUCKET_PREFIX}*) and CloudWatch Logs. The function itself runs a headless browser "
            "and FFmpeg, out of the npm package @remotion/lambda.",
            "6. Times of high demand that come near the limit:",
            f"   Every render. A video is split into chunks that are rendered at the same time, by up to "
            f"{names.FUNCTIONS_PER_RENDER} functions and one that leads them, whether it is {length(LENGTHS[0])} or "
            f"{longest} long. Each render is a short burst, then nothing. See https://www.remotion.dev/lambda",
        ]
    )
