"""The event log: every event of the engine as a line of JSON, written aside and read back."""
