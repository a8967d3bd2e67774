"""The words everything else is written in: facts and verdicts, failure names, steps, times."""
