"""What the panels of a window share: the network chosen, its runs, and the words they are told in; free of Qt."""
