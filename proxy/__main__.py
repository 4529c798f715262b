"""The command `mcp-policy-proxy`, equally `python -m proxy`. What each verb does is in `proxy/commands.py`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from proxy.errors import ConfigError, ProxyError
from proxy.parser import UsageError, command, parsed


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; the exit code: 0 done, 1 it went wrong or was refused, 2 the command line is wrong."""
    try:
        verb, options = parsed(sys.argv[1:] if argv is None else argv)
        from proxy.commands import VERBS

        return VERBS[verb](options)
    except UsageError as error:
        print(f"{error}\nSee: {command()} --help", file=sys.stderr)
        return 2
    except ConfigError as error:
        print("\n".join(error.findings), file=sys.stderr)
        return 1
    except ProxyError as error:
        print(str(error), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of a pipe has gone; what is still buffered must not fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


if __name__ == "__main__":
    sys.exit(main())
