"""For tests of apps that are built on ours: servers, clocks and an app that can be repeated."""
