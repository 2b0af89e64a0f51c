"""What peers share: values, templates, database."""
