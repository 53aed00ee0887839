"""The program's log: lines of JSON in a file, off unless it is asked for."""
