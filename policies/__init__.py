"""The pure half: values, the policy contract, the chain and the built-in policies. Does no network I/O."""
