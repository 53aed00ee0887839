"""`python -m ccchat_tui` is the `ccchat` command."""

import sys

from ccchat_tui.cli.main import main

sys.exit(main())
