"""Tables as files: workbooks that people fill in, read with care, and workbooks and .csv that are written."""
