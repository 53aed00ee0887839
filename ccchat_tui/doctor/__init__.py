"""What `ccchat doctor` looks at. Nothing here changes anything, and no check needs another."""
