"""What holds the program together: imports, packaging, start-up."""
