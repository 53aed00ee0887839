"""A run in view: every request on a line of time, charts, and the events one by one."""
