"""ccchat beside other chat clients for the terminal, each as it comes from the package registry:
`python -m tests.benchmarks.peers --help`. A tool, and no part of the tests or of `--quick`."""
