"""Everything registered before the first request: views, hooks, handlers, settings, commands."""
