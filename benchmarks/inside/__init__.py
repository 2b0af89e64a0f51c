"""What runs in processes of their own, under the Python that has the peers installed."""
