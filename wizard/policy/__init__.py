"""IAM policy documents: normalise, compare, measure, explain, evaluate. Pure: no AWS call in here."""
