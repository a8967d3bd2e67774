"""Pictures of results and of what was reported, drawn by matplotlib (extra ``plots``).

The same data gives the same bytes. No meaning is in colour alone, and what is missing is drawn as
missing. Whatever comes from files is text in a picture, never an instruction to it.
"""
