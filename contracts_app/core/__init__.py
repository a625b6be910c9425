"""What every other part stands on: money, days, words, codes and files. Knows nothing of contracts."""
