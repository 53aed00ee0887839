"""The sample project is run by a test, in an environment of its own."""

collect_ignore = ["sample_project"]
