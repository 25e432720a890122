"""The tests. A sandbox stands for AWS wherever one is needed."""
