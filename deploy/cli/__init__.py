"""The `vigia` command: one module a subcommand, composed in `main`."""
