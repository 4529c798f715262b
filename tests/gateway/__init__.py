"""An AgentCore gateway as upstream, and the platform in front."""
