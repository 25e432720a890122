"""`python -m wizard`: the same as the command `remotion-lambda-wizard`."""

from wizard.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
