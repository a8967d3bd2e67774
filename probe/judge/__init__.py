"""From measurements to verdicts: a table of rules, pure, without input or output."""
