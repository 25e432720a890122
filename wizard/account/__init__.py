"""Reading the AWS account: connection, identity, discovery. Reads only."""
