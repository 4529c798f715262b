"""What a start is made of: the layout that ships, the processes started from it, and their first answers."""
