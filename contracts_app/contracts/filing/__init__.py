"""What is asked of a contract, part by part: its forms, files and corrections, and how answers are kept."""
