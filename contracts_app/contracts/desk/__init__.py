"""What lies on an office's desk: queue, lists and their files, batches, limits, files to read."""
