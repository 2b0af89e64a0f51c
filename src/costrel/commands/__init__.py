"""What commands need of an application: to find it, load it, and make it current."""
