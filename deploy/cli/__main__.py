"""python -m deploy.cli: the vigia command without its entry point."""

from deploy.cli.main import run

run()
