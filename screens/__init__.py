"""The Textual wizard: screens that render the engine and return what the person chose."""
