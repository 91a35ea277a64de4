"""Qt parts that several panels share: ranges, histograms, curves, growth tables, pictures and folding groups."""
