"""What the proxy is held against, each a server process of its own."""
