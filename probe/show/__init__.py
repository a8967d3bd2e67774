"""What people and other programs read: tables, timelines, CSV, JSON Lines."""
