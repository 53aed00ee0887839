"""The `ccchat` command and its sub-commands: the only place that reads the command line."""
