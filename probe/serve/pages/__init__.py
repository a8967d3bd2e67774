"""The pages, one module each; ``frame`` is what they have in common. All of them only make text."""
