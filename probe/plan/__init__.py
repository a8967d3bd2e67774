"""From URLs and configuration files to jobs: what is measured, how, and how often."""
