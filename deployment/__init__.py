"""The deployer behind `setup_and_deploy.py`: what puts the proxy on Amazon Bedrock AgentCore, by boto3 alone.

A deployment is a list of steps. Each looks at what is there, says what it would change and which AWS calls that takes
(`plan`), and does it (`apply`). There is no state file: everything is found again by its name and its tag.
"""
