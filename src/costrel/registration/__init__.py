"""What is registered before requests come: views, hooks, handlers, settings, commands."""
