"""What the commands do. `wizard.cli` reads the arguments; each module is loaded only when its command runs."""
