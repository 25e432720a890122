"""Line mode: the same steps as in the Textual wizard, one question a line. For screen readers, slow lines, dumb terminals."""
